package core

import (
	"fmt"
	"maps"
	"sync"
)

// Name is the whole name of an import.
type Name struct{ Namespace, Name string }

// Item is something that instances can import: a *HostFunc, a *Function, a *Memory, a *Global, a
// *Table or a *Tag.
type Item interface{ item() }

func (*HostFunc) item() {}
func (*Function) item() {}
func (*Memory) item()   {}
func (*Global) item()   {}
func (*Table) item()    {}
func (*Tag) item()      {}

// Registry holds items by their names, for instances that import them. It does not own them. It may
// be used by many goroutines at once. The zero value is empty, and so is nil, which can only be
// read.
type Registry struct {
	mutex  sync.RWMutex
	items  map[Name]Item
	closed bool
}

// NewRegistry makes a registry of items.
func NewRegistry(items map[Name]Item) *Registry { return &Registry{items: items} }

// view calls see with all items, which cannot change meanwhile.
func (r *Registry) view(see func(map[Name]Item)) error {
	if r == nil {
		see(nil)
		return nil
	}
	r.mutex.RLock()
	defer r.mutex.RUnlock()
	if r.closed {
		return ClosedError("set of imports")
	}
	see(r.items)
	return nil
}

// change is view for changes.
func (r *Registry) change(with func(map[Name]Item) error) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return ClosedError("set of imports")
	}
	if r.items == nil {
		r.items = make(map[Name]Item)
	}
	return with(r.items)
}

// Items returns a copy of all items.
func (r *Registry) Items() (items map[Name]Item, err error) {
	err = r.view(func(current map[Name]Item) { items = maps.Clone(current) })
	return items, err
}

// TakenError is the error of adding an item whose name has one already.
type TakenError struct{ Name }

// Error tells the names.
func (e *TakenError) Error() string {
	return fmt.Sprintf("the namespace `%s` has an import of this name already: `%s`", e.Namespace, e.Name.Name)
}

// Add adds items to a namespace, all or none. The error wraps ErrClosed, or is a *TakenError.
func (r *Registry) Add(namespace string, added map[string]Item) error {
	all := make(map[Name]Item, len(added))
	for name, item := range added {
		all[Name{namespace, name}] = item
	}
	return r.AddAll(all)
}

// AddAll adds items to any namespaces, all or none. The error wraps ErrClosed, or is a *TakenError.
func (r *Registry) AddAll(added map[Name]Item) error {
	return r.change(func(items map[Name]Item) error {
		for name := range added {
			if _, taken := items[name]; taken {
				return &TakenError{name}
			}
		}
		maps.Copy(items, added)
		return nil
	})
}

// Remove removes all items of a namespace. The error wraps ErrClosed.
func (r *Registry) Remove(namespace string) error {
	return r.change(func(items map[Name]Item) error {
		maps.DeleteFunc(items, func(name Name, _ Item) bool { return name.Namespace == namespace })
		return nil
	})
}

// Replace adds items, in place of those that have the same names. The error wraps ErrClosed.
func (r *Registry) Replace(added map[Name]Item) error {
	return r.change(func(items map[Name]Item) error {
		maps.Copy(items, added)
		return nil
	})
}

// Close empties the registry. All else is refused from now on; instances keep what they import.
func (r *Registry) Close() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.items, r.closed = nil, true
}
