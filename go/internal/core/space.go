package core

import (
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
	"github.com/gowasmer/wasmer/go/internal/union"
)

// This file is about stores that have to do with externref: those with an instance of a module that
// mentions the type, and with globals and tables of it. They have a space for the values, and calls
// of their instances join it: a collection of values stops and scans them. They do so on fibers
// from the pool, never on the one that an instance keeps, so that calls of all other instances have
// nothing to look at.
//
// A store can get its space when there are calls already: a host function may link another instance
// with that of its caller. There is no collection until those have ended.

// useSpace returns the space of the store, and makes it if there is none.
func (s *store) useSpace() *externref.Space {
	if space := s.existingSpace(); space != nil {
		return space
	}
	cell := s.cell.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	if c.space.Load() == nil {
		c.join(new(externref.Space))
	}
	return c.space.Load()
}

// existingSpace returns the space of the store, or nil.
func (s *store) existingSpace() *externref.Space { return s.cell.Find().Contents.space.Load() }

// shareSpace makes the spaces of two stores one, before guests can hand values of the one to the
// other.
func (s *store) shareSpace(other *store) { union.Both(&s.cell, &other.cell, (*contents).shareSpace) }

// shareSpace is the same for contents; both are locked.
func (c *contents) shareSpace(other *contents) {
	switch mine, theirs := c.space.Load(), other.space.Load(); {
	case mine != nil && theirs != nil:
		mine.Merge(theirs)
	case mine != nil:
		other.join(mine)
	case theirs != nil:
		c.join(theirs)
	}
}

// join sets the space of the store and all its instances; it is locked.
func (c *contents) join(space *externref.Space) {
	c.space.Store(space)
	c.each(func(instance *Instance) bool {
		if instance.space.CompareAndSwap(nil, space) {
			space.AddUnless(instance.isQuiet)
			instance.watch()
		}
		return true
	})
}

// referent looks up a reference to a value.
func (s *store) referent(slot uint64) (value any, ok bool) {
	if space := s.existingSpace(); space != nil {
		return space.Refs().Get(slot)
	}
	return nil, slot == 0
}

// watch adds the engine's store of the instance to the space, once there are both. If that fails,
// which it does for lack of memory only, nothing is dropped any more.
func (s *Instance) watch() {
	space := s.space.Load()
	if space == nil || !s.made.Load() || !s.life.enter(s) {
		return
	}
	defer s.life.leave(s)
	if !s.watched.CompareAndSwap(false, true) {
		return
	}
	if space.AddStore(s.owned.handle) != nil {
		s.watched.Store(false)
		space.AddUnless(func() bool { return false })
	}
}

// isQuiet reports whether all calls have ended that began before the instance had a space, and lets
// none begin on the fiber that it keeps.
func (s *Instance) isQuiet() bool {
	if s.own.Claim() {
		s.dropFiber()
		quiet := s.life.others() == 1 // what the gate stands for
		s.leaveOwn()
		return quiet
	}
	return s.own.IsShut() && s.life.others() == 0
}

// PutReference writes a new reference to a value of the host into a slot, where collections look; 0
// for nil. No collection of references begins in between, so one finds it there.
func (s *Instance) PutReference(slot *uint64, value any) {
	s.store.useSpace().Put(value, func(handle uint64) { *slot = handle })
}

// PinnedReference returns a new reference to a value of the host, 0 for nil, that keeps the value
// until Unpin.
func (s *Instance) PinnedReference(value any) uint64 { return s.store.useSpace().Pinned(value) }

// Unpin lets go of a reference that was pinned. It does nothing if it was not.
func (s *Instance) Unpin(slot uint64) {
	if space := s.store.existingSpace(); space != nil {
		space.Unpin(slot)
	}
}

// Referent returns the value of the host that a reference stands for. The error is ErrStale.
func (s *Instance) Referent(slot uint64) (any, error) {
	value, ok := s.store.referent(slot)
	if !ok {
		return nil, ErrStale
	}
	return value, nil
}

// pinAll pins the references among the results of a call on raw slots, while they still are in the
// slots of the fiber: where the caller has them no collection looks.
func (s *Instance) pinAll(types []engine.ValType, slots []uint64) {
	s.eachExternref(types, slots, (*externref.Space).Pin)
}

// unpinAll lets go of those among the arguments, once they are in the slots of the fiber.
func (s *Instance) unpinAll(types []engine.ValType, slots []uint64) {
	s.eachExternref(types, slots, (*externref.Space).Unpin)
}

func (s *Instance) eachExternref(types []engine.ValType, slots []uint64, do func(*externref.Space, uint64)) {
	space := s.space.Load()
	if space == nil {
		return
	}
	at := 0
	for _, t := range types {
		if (t == engine.ExternRef || t == engine.ExnRef) && slots[at] != 0 {
			do(space, slots[at])
		}
		at += t.Slots()
	}
}
