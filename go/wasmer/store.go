package wasmer

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
)

// store is the Go side of the engine's store: the instances, globals and tables that can lead to each other's host functions, because functions went from one
// to the other. What is not linked has a store of its own; where two stores of the engine become one, so do these. Host functions are kept here and by
// their instance, in no global table, so that an instance that refers to itself through a closure can be collected. The same holds for
// what guests refer to by externref.
//
// All that is in a store keeps it, and with it everything else that is there; nothing else does.
type store struct {
	order  uint64                          // in which stores are locked
	merged atomic.Pointer[store]           // the store that took this one in
	space  atomic.Pointer[externref.Space] // for the values of externref; nil as long as nothing in the store has to do with them

	mutex     sync.RWMutex
	first     *instanceState                   // one of the instances, or nil; most stores have no other
	others    map[uint64]*instanceState        // by id
	functions map[functionID]*exportedFunction // those that were values
	slots     map[uint64]*exportedFunction     // the same, by the slots that are known to refer to them
}

// functionID says which function a reference is: references to the same may differ.
type functionID struct {
	instance uint64
	function uint32
}

// newest are the numbers that were given last.
var newest struct{ instance, store atomic.Uint64 }

// linking is held for reading while stores are made one: first by the engine, then here. It is taken before the lock of a store.
var linking sync.RWMutex

func newStore() *store {
	return &store{order: newest.store.Add(1)}
}

// settle gives an instance its id, and a store of its own. Nobody else knows it yet.
func (s *instanceState) settle(externrefs bool) {
	s.id = newest.instance.Add(1)
	s.store = &s.home
	s.home.order = newest.store.Add(1)
	if externrefs {
		s.space.Store(s.home.useSpace())
	}
	s.home.first = s
}

// end returns the store that this one is a part of by now.
func (s *store) end() *store {
	for {
		next := s.merged.Load()
		if next == nil {
			return s
		}
		s = next
	}
}

// is says whether both are the same by now.
func (s *store) is(other *store) bool { return s.end() == other.end() }

// view shows the contents while they cannot change.
func (s *store) view(see func(*store)) {
	for {
		s = s.end()
		s.mutex.RLock()
		if s.merged.Load() == nil {
			defer s.mutex.RUnlock()
			see(s)
			return
		}
		s.mutex.RUnlock()
	}
}

// change lets the contents be changed.
func (s *store) change(with func(*store)) {
	for {
		s = s.end()
		s.mutex.Lock()
		if s.merged.Load() == nil {
			defer s.mutex.Unlock()
			with(s)
			return
		}
		s.mutex.Unlock()
	}
}

// each shows all instances, until see says that it is enough; the store is locked.
func (s *store) each(see func(*instanceState) (more bool)) {
	if s.first != nil && !see(s.first) {
		return
	}
	for _, instance := range s.others {
		if !see(instance) {
			return
		}
	}
}

// merge makes both stores one. The caller has linking for reading, and the stores of the engine are one.
func (s *store) merge(other *store) { s.both(other, (*store).takeIn) }

// both does something with two stores, unless they are the same by now, while both are locked.
func (s *store) both(other *store, do func(a, b *store)) {
	for {
		a, b := s.end(), other.end()
		if a == b {
			return
		}
		if a.order > b.order {
			a, b = b, a
		}
		a.mutex.Lock()
		b.mutex.Lock()
		if a.merged.Load() == nil && b.merged.Load() == nil {
			do(a, b)
			b.mutex.Unlock()
			a.mutex.Unlock()
			return
		}
		b.mutex.Unlock()
		a.mutex.Unlock()
	}
}

// takeIn moves everything here; both are locked.
func (s *store) takeIn(other *store) {
	s.shareSpace(other)
	s.others = union(s.others, other.others)
	switch {
	case s.first == nil:
		s.first = other.first
	case other.first != nil:
		if s.others == nil {
			s.others = make(map[uint64]*instanceState)
		}
		s.others[other.first.id] = other.first
	}
	s.functions = union(s.functions, other.functions)
	s.slots = union(s.slots, other.slots)
	other.first, other.others, other.functions, other.slots = nil, nil, nil, nil
	other.merged.Store(s)
}

func union[K comparable, V any](a, b map[K]V) map[K]V {
	if len(a) < len(b) {
		a, b = b, a
	}
	maps.Copy(a, b)
	return a
}

// find returns the instance of an id, or nil.
func (s *store) find(id uint64) *instanceState {
	if instance := s.lookup(id); instance != nil {
		return instance
	}
	// The engine may have linked it a moment ago, and this side is about to.
	linking.Lock()
	defer linking.Unlock()
	return s.lookup(id)
}

func (s *store) lookup(id uint64) (instance *instanceState) {
	s.view(func(s *store) {
		if s.first != nil && s.first.id == id {
			instance = s.first
		} else {
			instance = s.others[id]
		}
	})
	return instance
}

// function returns the function that a slot refers to, nil for null. locate asks the engine for a handle of it.
func (s *store) function(slot uint64, locate func(slot uint64) engine.Extern) (*exportedFunction, error) {
	if slot == 0 {
		return nil, nil
	}
	var f *exportedFunction
	s.view(func(s *store) { f = s.slots[slot] })
	if f != nil {
		return f, nil
	}
	handle := locate(slot)
	if handle.IsNil() {
		return nil, fmt.Errorf("slot %#x refers to no function, expected 0 (null) or a reference that was got from here", slot)
	}
	defer handle.Free()
	info, err := handle.FuncInfo()
	if err != nil {
		return nil, err
	}
	instance := s.find(info.InstanceID)
	if instance == nil {
		return nil, fmt.Errorf("slot %#x refers to a function of instance %d, which is not linked", slot, info.InstanceID)
	}
	if f, err = instance.functionByIndex(&info, handle); err != nil {
		return nil, err
	}
	return s.note(f, &info, slot), nil
}

// note lists a function as a value, and a slot that refers to it, and returns the one that stands for all that are the same function.
func (s *store) note(f *exportedFunction, info *engine.FuncInfo, slot uint64) *exportedFunction {
	s.change(func(s *store) {
		if s.functions == nil {
			s.functions = make(map[functionID]*exportedFunction)
			s.slots = make(map[uint64]*exportedFunction)
		}
		id := functionID{info.InstanceID, info.Index}
		first := s.functions[id]
		if first == nil {
			first, s.functions[id] = f, f
		}
		f.identity().same.Store(first)
		s.slots[slot] = first
		first.identity().slot.CompareAndSwap(0, slot)
		f.identity().slot.CompareAndSwap(0, slot)
	})
	return f.identity().same.Load()
}
