package wasmer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Linker is a set of instances with names, for hosts of many modules: a module that is instantiated
// with it imports from the instance "math" what it asks the namespace "math" for. Functions of the
// host are given to it as [Imports].
//
// All methods may be called by many goroutines at once. The zero Linker is empty. What it has is
// kept as long as the linker is; instances keep what they import, whatever becomes of the linker.
type Linker struct {
	set   core.Registry // by the names of instances, and the namespaces of imports
	mutex sync.Mutex    // protects what follows

	names  map[string]*linked // what the namespaces are
	made   []*linked          // by Instantiate, in their order
	closed bool
}

// linked is what a namespace is.
type linked struct {
	instance Instance // the zero Instance while it is being made, and for imports
	isHost   bool     // imports
}

// ErrNameTaken is in the error of giving a [Linker] a second instance of a name.
var ErrNameTaken = errors.New("the linker has this name already")

// NewLinker makes a Linker that has nothing.
func NewLinker() *Linker { return new(Linker) }

// Define adds an instance under a name. The linker does not own it: it must be closed separately.
// The error matches [ErrNameTaken], or [ErrClosed]: the instance or the linker is closed.
func (linker *Linker) Define(name string, instance *Instance) error {
	items, err := instance.made().Items()
	if err != nil {
		return linkerError("define", name, err)
	}
	added, err := linker.take(name)
	if err != nil {
		return linkerError("define", name, err)
	}
	if err := linker.add(name, added, *instance, items, false); err != nil {
		return linkerError("define", name, err)
	}
	return nil
}

// DefineImports adds all functions, memories, globals and tables of a set under their namespaces
// and names, such as functions of the host; all or none. Several sets can share a namespace. The
// error matches [ErrNameTaken]: an instance has the name of a namespace, or there is an import of
// the same namespace and name; or it matches [ErrClosed]: the set or the linker is closed.
func (linker *Linker) DefineImports(imports *Imports) error {
	items, err := imports.registry().Items()
	if linker == nil {
		err = closedError("linker")
	}
	if err != nil {
		return linkerError("define", "imports", err)
	}
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	if linker.closed {
		return linkerError("define", "imports", closedError("linker"))
	}
	for name := range items {
		if other := linker.names[name.Namespace]; other != nil && !other.isHost {
			return linkerError("define", name.Namespace, ErrNameTaken)
		}
	}
	err = linker.set.AddAll(items)
	if taken, ok := err.(*core.TakenError); ok {
		return linkerError("define", taken.Namespace+"."+taken.Name.Name, ErrNameTaken)
	}
	if err != nil {
		return linkerError("define", "imports", err)
	}
	for name := range items {
		linker.setName(name.Namespace, &linked{isHost: true})
	}
	return nil
}

// Instantiate creates an instance of a module with what the linker has, as
// [Module.InstantiateContext] does, and adds it under a name. The linker owns it: [Linker.Close]
// closes it. The name is taken while the start function runs, which cannot be seen by other modules
// before it has returned. The error matches [ErrNameTaken] or [ErrClosed], or wraps the
// [*ModuleError] of InstantiateContext.
func (linker *Linker) Instantiate(
	ctx context.Context, name string, module *Module, options ...InstanceOption,
) (Instance, error) {
	added, err := linker.take(name)
	if err != nil {
		return Instance{}, linkerError("instantiate", name, err)
	}
	finished := false
	defer func() {
		if !finished { // also when a host function panics
			linker.forget(name, added)
		}
	}()
	instance, err := module.InstantiateContext(ctx, &Imports{&linker.set, defaultNamespace}, options...)
	if err != nil {
		return Instance{}, linkerError("instantiate", name, err)
	}
	items, err := instance.made().Items()
	if err == nil {
		err = linker.add(name, added, instance, items, true)
	}
	if err != nil {
		instance.Close()
		return Instance{}, linkerError("instantiate", name, err)
	}
	finished = true
	return instance, nil
}

// Instance returns the instance of a name, and whether there is one.
func (linker *Linker) Instance(name string) (Instance, bool) {
	if linker == nil {
		return Instance{}, false
	}
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	if found := linker.names[name]; found != nil && found.instance.inner != nil {
		return found.instance, true
	}
	return Instance{}, false
}

// Names returns the names of the instances in ascending order.
func (linker *Linker) Names() []string {
	if linker == nil {
		return nil
	}
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	var names []string
	for name, l := range linker.names {
		if l.instance.inner != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Imports returns a copy of all that the linker has, for instances that shall have no name. The
// error matches [ErrClosed].
func (linker *Linker) Imports() (*Imports, error) {
	if linker == nil {
		return nil, linkerError("read", "imports", closedError("linker"))
	}
	items, err := linker.set.Items()
	if err != nil {
		return nil, linkerError("read", "imports", closedError("linker"))
	}
	return &Imports{core.NewRegistry(items), defaultNamespace}, nil
}

// Remove removes the instance of a name, which can be taken again, and reports whether there was
// one. The instance stays open, and must be closed separately from now on.
func (linker *Linker) Remove(name string) bool {
	if linker == nil {
		return false
	}
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	found := linker.names[name]
	if found == nil || found.instance.inner == nil {
		return false
	}
	delete(linker.names, name)
	linker.made = slices.DeleteFunc(linker.made, func(l *linked) bool { return l == found })
	return linker.set.Remove(name) == nil
}

// Close closes all instances that [Linker.Instantiate] has made, the last one first, and empties
// the linker. Instances that were given by [Linker.Define] stay open. Further calls do nothing.
func (linker *Linker) Close() {
	if linker == nil {
		return
	}
	linker.mutex.Lock()
	made := linker.made
	linker.closed, linker.made, linker.names = true, nil, nil
	linker.set.Close()
	linker.mutex.Unlock()
	for _, l := range slices.Backward(made) {
		l.instance.Close()
	}
}

// take takes a name for an instance that add adds, or forget forgets.
func (linker *Linker) take(name string) (*linked, error) {
	if linker == nil {
		return nil, closedError("linker")
	}
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	if linker.closed {
		return nil, closedError("linker")
	}
	if linker.names[name] != nil {
		return nil, ErrNameTaken
	}
	added := new(linked)
	linker.setName(name, added)
	return added, nil
}

func (linker *Linker) setName(name string, l *linked) {
	if linker.names == nil {
		linker.names = make(map[string]*linked)
	}
	linker.names[name] = l
}

// add adds an instance under a name that was taken, and notes whether Close closes it. If that
// fails the name is free again.
func (linker *Linker) add(name string, added *linked, instance Instance, items map[string]core.Item, own bool) error {
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	if linker.closed {
		return closedError("linker")
	}
	if err := linker.set.Add(name, items); err != nil {
		delete(linker.names, name)
		return err
	}
	added.instance = instance
	if own {
		linker.made = append(linker.made, added)
	}
	return nil
}

// forget frees a name that was taken.
func (linker *Linker) forget(name string, added *linked) {
	linker.mutex.Lock()
	defer linker.mutex.Unlock()
	if linker.names[name] == added {
		delete(linker.names, name)
	}
}

func linkerError(what, name string, cause error) error {
	err := fmt.Errorf("cannot %s `%s`: %w", what, name, cause)
	remember(err.Error())
	return err
}
