package core

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// links is what a registry provides for the imports of a module. All of it is in use until end.
type links struct {
	provided   []engine.Provided // aligned with the module's imports
	calls      []HostCall        // by the index that host calls name
	uses       []func()          // end them
	stores     []*store          // that become one with that of the instance
	callsC     bool              // a host function is a C function
	wantsToken bool              // a host function asks for the token of the instance
}

// MissingError is the error of instantiating a module some of whose imports nobody provides.
type MissingError struct{ Names []Name }

// Error names the first one.
func (e *MissingError) Error() string {
	return fmt.Sprintf("%d imports are not provided, the first one is `%s` of namespace `%s`", len(e.Names), e.Names[0].Name, e.Names[0].Namespace)
}

// LinkError tells what is wrong with an import.
type LinkError struct {
	Name  Name
	Cause error
}

// Error tells the cause and the names.
func (e *LinkError) Error() string {
	return fmt.Sprintf("link error: %v, namespace: %s, name: %s", e.Cause, e.Name.Namespace, e.Name.Name)
}

// Unwrap returns the cause.
func (e *LinkError) Unwrap() error { return e.Cause }

// find finds what is provided for the imports of a module (specification, section 4.5.4). Types are
// compared by the engine.
func (l *links) find(wanted []engine.Import, registry *Registry, options *InstanceOptions) error {
	if len(wanted) == 0 {
		return registry.view(func(map[Name]Item) {})
	}
	l.provided = make([]engine.Provided, len(wanted))
	var unknown []Name
	var failed error
	err := registry.view(func(items map[Name]Item) {
		for i := range wanted {
			name := Name{wanted[i].Namespace, wanted[i].Name}
			item := items[name]
			if item == nil && options.Missing != nil && wanted[i].Type.Kind == engine.ExternFunction {
				host, err := options.Missing(&wanted[i])
				if err != nil {
					failed = &LinkError{name, err}
					return
				}
				if host != nil {
					item = host
				}
			}
			if host, ok := item.(*HostFunc); ok && host.Adapt != nil && wanted[i].Type.Func != nil {
				if adapted := host.Adapt(wanted[i].Type.Func); adapted != nil {
					item = adapted
				}
			}
			if host, ok := item.(*HostFunc); ok && options.Hook != nil && host.CFunction == nil {
				hooked := *host
				hooked.Call = options.Hook(&wanted[i], host.Call)
				hooked.Intrinsic = engine.Intrinsic{} // so that all calls come here
				item = &hooked
			}
			if item == nil {
				unknown = append(unknown, name)
			} else if err := l.provide(i, item); err != nil {
				failed = &LinkError{name, err}
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case unknown != nil:
		return &MissingError{unknown}
	}
	return nil
}

// provide provides an item for an import.
func (l *links) provide(i int, item Item) error {
	switch item := item.(type) {
	case *HostFunc:
		l.host(i, item)
		return nil
	case *Function:
		return l.function(i, item)
	case *Memory:
		if !item.Enter() {
			return item.refusal()
		}
		l.extern(i, item.handle, item.Leave)
		return nil
	case *Global:
		return l.object(i, &item.object)
	case *Table:
		return l.object(i, &item.object)
	case *Tag:
		return l.object(i, &item.object)
	}
	return fmt.Errorf("a %T is no item", item)
}

func (l *links) host(i int, host *HostFunc) {
	l.calls = append(l.calls, host.Call)
	l.callsC = l.callsC || host.CFunction != nil
	l.wantsToken = l.wantsToken || host.WantsToken
	l.provided[i] = engine.Provided{
		Kind:          engine.ProvidedHostFunction,
		FunctionIndex: uint64(len(l.calls) - 1),
		CFunction:     host.CFunction,
		Params:        host.Params,
		Results:       host.Results,
		Intrinsic:     host.Intrinsic,
	}
}

func (l *links) extern(i int, handle engine.Extern, end func()) {
	l.uses = append(l.uses, end)
	l.provided[i] = engine.Provided{Kind: engine.ProvidedExtern, Extern: handle}
}

// function provides a function of another instance.
func (l *links) function(i int, f *Function) error {
	s := f.instance
	if !s.Enter() {
		return ClosedError("instance of the function")
	}
	l.uses = append(l.uses, s.Leave)
	handle, err := f.handle()
	if err != nil {
		return err
	}
	l.extern(i, handle, handle.Free)
	l.stores = append(l.stores, s.store)
	return nil
}

// object provides a global, a table or a tag.
func (l *links) object(i int, o *object) error {
	if !o.enter() {
		return ClosedError(o.what)
	}
	l.extern(i, o.handle, o.leave)
	l.stores = append(l.stores, o.store)
	return nil
}

// link calls create, which makes the engine's instance, and then makes the stores one: whoever
// finds the instance in a store that it was linked with finds it complete, or closed. Also one that
// could not be initialised is linked if its segments were being copied: what they have written to
// tables stays there (specification, section 4.5.4).
func (l *links) link(s *Instance, create func() error) error {
	if len(l.stores) == 0 {
		return create()
	}
	for _, other := range l.stores {
		s.store.shareSpace(other)
	}
	linking.RLock()
	defer linking.RUnlock()
	err := create()
	var failed *engine.Error
	if err != nil {
		if !errors.As(err, &failed) || failed.Trap == 0 {
			return err
		}
		s.Close()
	}
	for _, other := range l.stores {
		s.store.unite(other)
	}
	return err
}

// end ends all uses, the last first.
func (l *links) end() {
	for _, end := range slices.Backward(l.uses) {
		end()
	}
}
