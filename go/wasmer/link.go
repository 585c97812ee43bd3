package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// links is what a set of imports gives for those that a module asks for. The memories among them are in use until end.
type links struct {
	provided  []engine.Provided // aligned with the module's imports
	calls     []hostCall        // by the index that host calls name
	memories  []*Memory
	callsC    bool // a host function is a C function
	wantToken bool // a host function takes an unsafe.Pointer
}

// link finds what is given for the imports of a module (specification, section 4.5.4). Types are compared by the engine.
func link(wanted []engine.Import, imports *Imports, trapUnknown bool) (*links, error) {
	l := &links{}
	if len(wanted) == 0 {
		return l, imports.view(func(map[importName]Import) {})
	}
	l.provided = make([]engine.Provided, len(wanted))
	var missing []importName
	var failed error
	err := imports.view(func(entries map[importName]Import) {
		for i := range wanted {
			name := importName{wanted[i].Namespace, wanted[i].Name}
			switch entry := entries[name].(type) {
			case ImportFunction:
				l.provided[i] = l.function(entry.host)
			case ImportMemory:
				if l.provided[i], failed = l.memory(entry.memory, name); failed != nil {
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
		return l, err
	case failed != nil:
		return l, failed
	case missing != nil:
		return l, missingError(missing)
	}
	return l, nil
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
	}
}

func (l *links) memory(memory *Memory, name importName) (engine.Provided, error) {
	if !memory.enter() {
		return engine.Provided{}, &linkError{name, closedError("memory")}
	}
	l.memories = append(l.memories, memory)
	return engine.Provided{Kind: engine.ProvidedMemory, Memory: memory.inner.handle}, nil
}

// end gives back the memories.
func (l *links) end() {
	for _, memory := range l.memories {
		memory.leave()
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
