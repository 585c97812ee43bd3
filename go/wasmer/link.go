package wasmer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// links is what a set of imports gives for those that a module asks for. All of it is in use until end.
type links struct {
	provided  []engine.Provided // aligned with the module's imports
	calls     []hostCall        // by the index that host calls name
	uses      []func()          // end them
	stores    []*store          // that become one with that of the instance
	callsC    bool              // a host function is a C function
	wantToken bool              // a host function takes an unsafe.Pointer
}

// find finds what is given for the imports of a module (specification, section 4.5.4). Types are compared by the engine.
func (l *links) find(wanted []engine.Import, imports *Imports, trapUnknown bool) error {
	if len(wanted) == 0 {
		return imports.view(func(map[importName]Import) {})
	}
	l.provided = make([]engine.Provided, len(wanted))
	var missing []importName
	var failed error
	err := imports.view(func(entries map[importName]Import) {
		for i := range wanted {
			name := importName{wanted[i].Namespace, wanted[i].Name}
			switch entry := entries[name].(type) {
			case ImportFunction:
				if entry.function == nil {
					l.provided[i] = l.function(entry.host)
				} else if l.provided[i], failed = l.exported(entry.function, name); failed != nil {
					return
				}
			case ImportMemory:
				if l.provided[i], failed = l.memory(entry.memory, name); failed != nil {
					return
				}
			case ImportGlobal:
				if l.provided[i], failed = l.object(entry.global.inner, name); failed != nil {
					return
				}
			case ImportTable:
				if l.provided[i], failed = l.object(entry.table.inner, name); failed != nil {
					return
				}
			default:
				if trapUnknown && wanted[i].Type.Kind == engine.ExternFunction {
					l.provided[i] = l.function(unknownImport(&wanted[i]))
					continue
				}
				missing = append(missing, name)
			}
		}
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case missing != nil:
		return missingError(missing)
	}
	return nil
}

func (l *links) function(host *hostFunction) engine.Provided {
	l.calls = append(l.calls, host.call)
	l.callsC = l.callsC || host.cFunction != nil
	l.wantToken = l.wantToken || host.wantToken
	return engine.Provided{
		Kind:          engine.ProvidedHostFunction,
		FunctionIndex: uint64(len(l.calls) - 1),
		CFunction:     host.cFunction,
		Params:        host.params,
		Results:       host.results,
		Intrinsic:     host.intrinsic,
	}
}

func (l *links) memory(memory *Memory, name importName) (engine.Provided, error) {
	if !memory.enter() {
		return engine.Provided{}, &linkError{name, closedError("memory")}
	}
	l.uses = append(l.uses, memory.leave)
	return engine.Provided{Kind: engine.ProvidedExtern, Extern: memory.inner.handle}, nil
}

// exported gives a function of another instance.
func (l *links) exported(f *exportedFunction, name importName) (engine.Provided, error) {
	s := f.instance
	if !s.life.enter(s) {
		return engine.Provided{}, &linkError{name, closedError("instance of the function")}
	}
	l.uses = append(l.uses, func() { s.life.leave(s) })
	handle, err := f.handle()
	if err != nil {
		return engine.Provided{}, &linkError{name, err}
	}
	l.uses = append(l.uses, handle.Free)
	l.stores = append(l.stores, s.store)
	return engine.Provided{Kind: engine.ProvidedExtern, Extern: handle}, nil
}

// object gives a global or a table.
func (l *links) object(o *object, name importName) (engine.Provided, error) {
	if !o.enter() {
		return engine.Provided{}, &linkError{name, closedError(o.what)}
	}
	l.uses = append(l.uses, o.leave)
	l.stores = append(l.stores, o.store)
	return engine.Provided{Kind: engine.ProvidedExtern, Extern: o.handle}, nil
}

// link makes the engine's instance, and then the stores one: whoever finds the instance in a store that it was linked with finds it complete, or closed. Also
// one that could not be initialised is linked if its segments were being copied: what they have written to tables stays there (specification, section 4.5.4).
func (l *links) link(module *moduleState, state *instanceState, options engine.InstanceOptions) error {
	if len(l.stores) == 0 {
		return l.make(module, state, options)
	}
	for _, other := range l.stores {
		state.store.both(other, (*store).shareSpace) // before guests can hand values of the one to the other
	}
	linking.RLock()
	defer linking.RUnlock()
	err := l.make(module, state, options)
	var failed *engine.Error
	if err != nil {
		if !errors.As(err, &failed) || failed.Trap == 0 {
			return err
		}
		state.close()
	}
	for _, other := range l.stores {
		state.store.merge(other)
	}
	return err
}

func (l *links) make(module *moduleState, state *instanceState, options engine.InstanceOptions) error {
	handle, err := engine.NewInstance(module.handle, l.provided, options)
	if err == nil {
		state.takeOver(handle, l.wantToken)
	}
	return err
}

// end gives back what is in use, the last first.
func (l *links) end() {
	for _, end := range slices.Backward(l.uses) {
		end()
	}
}

// linkError says what is wrong with an import.
type linkError struct {
	name  importName
	cause error
}

func (e *linkError) Error() string {
	return fmt.Sprintf("link error: %v, namespace: %s, name: %s", e.cause, e.name.namespace, e.name.name)
}

func (e *linkError) Unwrap() error { return e.cause }
