package core

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/union"
)

// newestInstance is the id that was given last.
var newestInstance atomic.Uint64

// linking is held for reading while stores are made one: first by the engine, then here. It is
// taken before the lock of a store.
var linking sync.RWMutex

// settle gives an instance its id, and a store of its own. Nobody else knows it yet.
func (s *Instance) settle() {
	s.id = newestInstance.Add(1)
	s.store = &s.home
	if s.about.externrefs {
		s.space.Store(s.home.useSpace())
	}
	s.home.cell.Contents.first = s
}

// unite makes both stores one. The caller has linking for reading, and the stores of the engine are
// one.
func (s *store) unite(other *store) { union.Unite(&s.cell, &other.cell, (*contents).takeIn) }

// takeIn moves everything here; both are locked.
func (c *contents) takeIn(other *contents) {
	c.shareSpace(other)
	c.others = merged(c.others, other.others)
	switch {
	case c.first == nil:
		c.first = other.first
	case other.first != nil:
		if c.others == nil {
			c.others = make(map[uint64]*Instance)
		}
		c.others[other.first.id] = other.first
	}
	c.functions = merged(c.functions, other.functions)
	c.slots = merged(c.slots, other.slots)
	other.first, other.others, other.functions, other.slots = nil, nil, nil, nil
}

func merged[K comparable, V any](a, b map[K]V) map[K]V {
	if len(a) < len(b) {
		a, b = b, a
	}
	maps.Copy(a, b)
	return a
}

// find returns the instance of an id, or nil.
func (s *store) find(id uint64) *Instance {
	if instance := s.lookup(id); instance != nil {
		return instance
	}
	// The engine may have linked it a moment ago, and this side is about to.
	linking.Lock()
	defer linking.Unlock()
	return s.lookup(id)
}

func (s *store) lookup(id uint64) *Instance {
	cell := s.cell.RLock()
	defer cell.RUnlock()
	if first := cell.Contents.first; first != nil && first.id == id {
		return first
	}
	return cell.Contents.others[id]
}

// noted returns the function that a slot is known to refer to, or nil.
func (s *store) noted(slot uint64) *Function {
	cell := s.cell.RLock()
	defer cell.RUnlock()
	return cell.Contents.slots[slot]
}

// note lists a function as a value, and a slot that refers to it, and returns the one that stands
// for all that are the same function.
func (s *store) note(f *Function, info *engine.FuncInfo, slot uint64) *Function {
	cell := s.cell.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	if c.functions == nil {
		c.functions = make(map[functionID]*Function)
		c.slots = make(map[uint64]*Function)
	}
	id := functionID{info.InstanceID, info.Index}
	first := c.functions[id]
	if first == nil {
		first, c.functions[id] = f, f
	}
	f.asValue().same.Store(first)
	c.slots[slot] = first
	first.asValue().slot.CompareAndSwap(0, slot)
	f.asValue().slot.CompareAndSwap(0, slot)
	return first
}
