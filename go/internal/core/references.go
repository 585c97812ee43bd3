package core

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file is about functions as values: the references that guests, tables and globals hold.

// functionByIndex returns a function of the instance: an exported one under its name, others under
// their index. The handle is one of the function.
func (s *Instance) functionByIndex(info *engine.FuncInfo, handle engine.Extern) (*Function, error) {
	next := 0
	for i := range s.about.Exports {
		if s.about.Exports[i].Type.Kind != engine.ExternFunction {
			continue
		}
		if s.about.Exports[i].Index == info.Index && next < len(s.functions) {
			return &s.functions[next], nil
		}
		next++
	}
	t, err := handle.FuncType()
	if err != nil {
		return nil, err
	}
	typ := newFuncType(t)
	f := &Function{instance: s, typ: &typ, name: fmt.Sprintf("function[%d]", info.Index), export: noExport}
	f.entry.Store(s.newEntry(info.Func))
	return f, nil
}

// function returns the function that a slot refers to, nil for null. locate asks the engine for a
// handle of it.
func (s *store) function(slot uint64, locate func(slot uint64) engine.Extern) (*Function, error) {
	if slot == 0 {
		return nil, nil
	}
	if f := s.noted(slot); f != nil {
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
	f, err := instance.functionByIndex(&info, handle)
	if err != nil {
		return nil, err
	}
	return s.note(f, &info, slot), nil
}

// use calls do with a handle of the function, which is valid until do returns.
func (f *Function) use(do func(handle engine.Extern) error) error {
	s := f.instance
	if !s.life.enter(s) {
		return ClosedError("instance of the function `" + f.name + "`")
	}
	defer s.life.leave(s)
	handle, err := f.handle()
	if err != nil {
		return err
	}
	defer handle.Free()
	return do(handle)
}

// handle makes a handle of the function. The instance is in use.
func (f *Function) handle() (engine.Extern, error) {
	if f.export != noExport {
		return f.instance.owned.handle.Export(f.export)
	}
	handle := f.instance.owned.handle.FunctionAt(f.asValue().slot.Load())
	if handle.IsNil() {
		return handle, fmt.Errorf("the function `%s` is not in its store", f.name)
	}
	return handle, nil
}

// Canonical returns the one that stands for all that are the same function, which may be exported
// under several names and by several instances.
func (f *Function) Canonical() *Function {
	if same := f.asValue().same.Load(); same != nil {
		return same
	}
	err := f.use(func(handle engine.Extern) error {
		info, err := handle.FuncInfo()
		if err == nil {
			f.instance.store.note(f, &info, info.Slot)
		}
		return err
	})
	if err != nil { // the instance is closed, and the function is good for nothing any more
		return f
	}
	return f.asValue().same.Load()
}

// handTo calls link with a handle of the function, which makes the engine's store of the function
// one with that of a store here, and then makes these one.
func (f *Function) handTo(s *store, link func(handle engine.Extern) error) error {
	return f.use(func(handle engine.Extern) error {
		info, err := handle.FuncInfo()
		if err != nil {
			return err
		}
		s.shareSpace(f.instance.store)
		linking.RLock()
		defer linking.RUnlock()
		if err := link(handle); err != nil {
			return err
		}
		s.unite(f.instance.store)
		f.instance.store.note(f, &info, info.Slot)
		return nil
	})
}

// anchor begins a use of an instance in the same store as this: this one, or another if it is
// closed. The caller ends it.
func (s *Instance) anchor() (*Instance, error) {
	if s.life.enter(s) {
		return s, nil
	}
	return s.store.anchor()
}

// anchor returns any instance of the store that is open, and begins a use of it.
func (s *store) anchor() (*Instance, error) {
	var found *Instance
	cell := s.cell.RLock()
	defer cell.RUnlock()
	cell.Contents.each(func(other *Instance) bool {
		if other.life.enter(other) {
			found = other
		}
		return found == nil
	})
	if found == nil {
		return nil, ClosedError("instance")
	}
	return found, nil
}

// FunctionAt returns the function that a slot refers to, nil for null. Any number may be given.
func (s *Instance) FunctionAt(slot uint64) (*Function, error) {
	return s.store.function(slot, func(slot uint64) engine.Extern {
		anchor, err := s.anchor()
		if err != nil {
			return engine.Extern{}
		}
		defer anchor.life.leave(anchor)
		return anchor.owned.handle.FunctionAt(slot)
	})
}

// SlotOf returns a slot that refers to a function, which may come from anywhere: from now on both
// are in the same store. It is 0 for nil.
func (s *Instance) SlotOf(f *Function) (uint64, error) {
	if f == nil {
		return 0, nil
	}
	if f.instance.store.cell.Same(&s.store.cell) {
		if slot := f.asValue().slot.Load(); slot != 0 {
			return slot, nil
		}
	}
	anchor, err := s.anchor()
	if err != nil {
		return 0, err
	}
	defer anchor.life.leave(anchor)
	if err := f.handTo(s.store, anchor.owned.handle.Accept); err != nil {
		return 0, err
	}
	return f.asValue().slot.Load(), nil
}

// CheckFunctions returns an error if there are slots that should refer to functions and do not.
func (s *Instance) CheckFunctions(types []engine.ValType, slots []uint64) error {
	at := 0
	for _, t := range types {
		if t == engine.FuncRef {
			if _, err := s.FunctionAt(slots[at]); err != nil {
				return err
			}
		}
		at += t.Slots()
	}
	return nil
}
