package wasmer

import (
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file is about stores that have to do with externref: those with an instance of a module that mentions the type, and with globals and tables of it. They have a
// space for the values, and calls of their instances join it: a collection of values stops and scans them. They do so on fibers from the pool, never on
// the one that an instance keeps, so that calls of all other instances have nothing to look at.
//
// A store can get its space when there are calls already: a host function may link another instance with that of its caller. There is no collection until
// those have ended.

// mentionsExternref says whether a module has functions, imports or exports of type externref. One that has none, but a variable of the type inside, never gets
// hold of a value.
func mentionsExternref(about *engine.Description) bool {
	for _, t := range about.Types {
		for _, list := range [...][]engine.ValType{t.Params, t.Results} {
			for _, t := range list {
				if t == engine.ExternRef {
					return true
				}
			}
		}
	}
	for i := range about.Imports {
		if ofExternref(&about.Imports[i].Type) {
			return true
		}
	}
	for i := range about.Exports {
		if ofExternref(&about.Exports[i].Type) {
			return true
		}
	}
	return false
}

// ofExternref says whether this is a global or a table of externref.
func ofExternref(t *engine.ExternType) bool {
	return (t.Kind == engine.ExternGlobal || t.Kind == engine.ExternTable) && t.Value == engine.ExternRef
}

// useSpace returns the space of the store, and makes it if there is none.
func (s *store) useSpace() (space *externref.Space) {
	if space = s.end().space.Load(); space != nil {
		return space
	}
	s.change(func(s *store) {
		if space = s.space.Load(); space == nil {
			space = new(externref.Space)
			s.join(space)
		}
	})
	return space
}

// shareSpace makes the spaces of two stores one; both are locked.
func (s *store) shareSpace(other *store) {
	switch mine, theirs := s.space.Load(), other.space.Load(); {
	case mine != nil && theirs != nil:
		mine.Merge(theirs)
	case mine != nil:
		other.join(mine)
	case theirs != nil:
		s.join(theirs)
	}
}

// join gives the space to the store and all its instances; it is locked.
func (s *store) join(space *externref.Space) {
	s.space.Store(space)
	s.each(func(instance *instanceState) bool {
		if instance.space.CompareAndSwap(nil, space) {
			space.AddUnless(instance.isQuiet)
			instance.watch()
		}
		return true
	})
}

// referent looks up a reference to a value.
func (s *store) referent(slot uint64) (value any, ok bool) {
	if space := s.end().space.Load(); space != nil {
		return space.Refs().Get(slot)
	}
	return nil, slot == 0
}

// newReference writes a new reference to a value into a slot. No collection of references begins in between, so one finds it there.
func (s *store) newReference(slot *uint64, value any) {
	s.useSpace().Put(value, func(handle uint64) { *slot = handle })
}

// unpin lets go of a reference that was pinned.
func (s *store) unpin(slot uint64) {
	if space := s.end().space.Load(); space != nil {
		space.Unpin(slot)
	}
}

// watch adds the engine's store of the instance to the space, once there are both. If that fails, which it does for lack of memory only, nothing is dropped any
// more.
func (s *instanceState) watch() {
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

// isQuiet says whether all calls have ended that began before the instance had a space, and lets none begin on the fiber that it keeps.
func (s *instanceState) isQuiet() bool {
	if s.own.gate.take() {
		s.dropFiber()
		quiet := s.life.others() == 1 // what the gate stands for
		s.leaveOwn()
		return quiet
	}
	return !s.own.gate.isTaken() && s.life.others() == 0 // it is closed
}

// beginMember is beginPooled for a call that joins a space.
func (f *exportedFunction) beginMember(space *externref.Space) (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if !s.life.enterMember(s) {
		return nil, nil, f.failed(closedError("instance"))
	}
	entry, err := f.howToEnter()
	if err == nil {
		var fb *fiber.Fiber
		if fb, err = acquireFiber(); err == nil {
			slots := fb.Prepare(entry, s, f.typ.slots)
			fb.Join(space.Guests(), entry)
			return fb, slots, nil
		}
		err = f.failed(err)
	}
	s.life.leaveMember(s)
	return nil, nil, err
}

// endMember ends such a call.
func (f *exportedFunction) endMember(fb *fiber.Fiber) {
	fb.Release()
	f.instance.life.leaveMember(f.instance)
	f.instance.space.Load().Idle()
}

// pinAll pins the references among the results of a call on raw slots, while they still are in the slots of the fiber: where the caller has them no
// collection looks.
func (s *instanceState) pinAll(types []engine.ValType, slots []uint64) {
	s.eachExternref(types, slots, (*externref.Space).Pin)
}

// unpinAll lets go of those among the arguments, once they are in the slots of the fiber.
func (s *instanceState) unpinAll(types []engine.ValType, slots []uint64) {
	s.eachExternref(types, slots, (*externref.Space).Unpin)
}

func (s *instanceState) eachExternref(types []engine.ValType, slots []uint64, do func(*externref.Space, uint64)) {
	space := s.space.Load()
	if space == nil {
		return
	}
	at := 0
	for _, t := range types {
		if t == engine.ExternRef && slots[at] != 0 {
			do(space, slots[at])
		}
		at += t.Slots()
	}
}
