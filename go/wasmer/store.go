package wasmer

import (
	"sync"
	"sync/atomic"
)

// store is the Go side of the engine's store: the instances that can call each other's host functions, because functions went from one to the
// other. Instances that are not linked have stores of their own. Host functions are kept here and by their instance, in no global table, so that an
// instance that refers to itself through a closure can be collected.
type store struct {
	mutex     sync.RWMutex
	instances map[uint64]*instanceState // by id
}

// newestID is the id of the instance made last.
var newestID atomic.Uint64

// add gives an instance its id and lists it.
func (s *store) add(instance *instanceState) {
	instance.id = newestID.Add(1)
	instance.store = s
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.instances == nil {
		s.instances = make(map[uint64]*instanceState, 1)
	}
	s.instances[instance.id] = instance
}

// find returns the instance of an id, or nil.
func (s *store) find(id uint64) *instanceState {
	s.mutex.RLock()
	defer s.mutex.RUnlock()
	return s.instances[id]
}
