package core

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file is the way of every call: Begin takes a fiber, the caller puts arguments into its
// slots, Run runs the guest, the caller takes the results out of the slots, and End gives the fiber
// back.

// Begin takes a fiber that is prepared for the function, and its slots: as many as arguments or
// results need, and six at least. In all cases but an error, Run or End follow.
func (f *Function) Begin(ctx context.Context) (*fiber.Fiber, unsafe.Pointer, error) {
	if !fiber.Alive(ctx) {
		return nil, nil, f.badContext(ctx)
	}
	own := &f.instance.own
	taken := false
	if own.IsOwned() {
		taken = own.Take()
	} else {
		taken = own.TakeFree()
	}
	if taken {
		if own.bound == f && !f.instance.life.refusesCalls() {
			return own.Fiber, own.slots, nil
		}
		return f.beginOwn()
	}
	return f.beginPooled()
}

func (f *Function) badContext(ctx context.Context) error {
	err := f.instance.refusal()
	if err == nil {
		err = CheckContext(ctx)
	}
	if err == nil { // it is done and then again not
		err = context.Canceled
	}
	return err
}

// beginOwn is Begin when the gate is taken and the fiber is missing or prepared for another
// function, or the instance was closed.
func (f *Function) beginOwn() (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if err := s.refusal(); err != nil {
		s.leaveOwn()
		return nil, nil, err
	}
	if space := s.space.Load(); space != nil {
		s.leaveOwn()
		return f.beginMember(space)
	}
	entry, err := f.howToEnter()
	if err != nil {
		s.leaveOwn()
		return nil, nil, err
	}
	if s.own.Fiber == nil && !s.keepFiber() {
		s.leaveOwn()
		return f.beginPooled()
	}
	s.own.bound, s.own.Quick = f, nil
	s.own.slots = s.own.Fiber.Prepare(entry, s, f.typ.Slots)
	if s.own.Fiber.Guarded = len(s.calls) > 0 || !s.own.Fiber.CanEnter(); !s.own.Fiber.Guarded && !f.typ.checked {
		s.own.Quick, s.own.Params, s.own.Results, s.own.Slots = unsafe.Pointer(f), f.typ.ParamSlots, f.typ.ResultSlots, f.typ.Slots
	}
	return s.own.Fiber, s.own.slots, nil
}

// beginPooled counts the call as a user of the instance and takes a fiber from the pool.
func (f *Function) beginPooled() (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if !s.life.enterCall(s) {
		return nil, nil, s.refusal()
	}
	if space := s.space.Load(); space != nil { // who sets it looks at the uses after that
		s.life.leave(s)
		return f.beginMember(space)
	}
	entry, err := f.howToEnter()
	if err == nil {
		var fb *fiber.Fiber
		if fb, err = acquireFiber(); err == nil {
			fb.Guarded = true
			return fb, fb.Prepare(entry, s, f.typ.Slots), nil
		}
	}
	s.life.leave(s)
	return nil, nil, err
}

// beginMember is beginPooled for a call that joins a space.
func (f *Function) beginMember(space *externref.Space) (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if !s.life.enterMember(s) {
		return nil, nil, s.refusal()
	}
	entry, err := f.howToEnter()
	if err == nil {
		var fb *fiber.Fiber
		if fb, err = acquireFiber(); err == nil {
			slots := fb.Prepare(entry, s, f.typ.Slots)
			fb.Join(space.Guests(), entry)
			return fb, slots, nil
		}
	}
	s.life.leaveMember(s)
	return nil, nil, err
}

// howToEnter asks the engine, the first time. The instance is in use.
func (f *Function) howToEnter() (*fiber.Entry, error) {
	if entry := f.entry.Load(); entry != nil {
		return entry, nil
	}
	code, err := f.instance.owned.handle.Function(f.export)
	if err != nil {
		return nil, err
	}
	entry := f.instance.newEntry(code)
	f.entry.Store(entry)
	return entry, nil
}

// newEntry tells how fibers enter a function of the instance.
func (s *Instance) newEntry(f engine.Func) *fiber.Entry {
	return &fiber.Entry{Func: f, Store: s.fiberHome, C: s.callsC, Quit: &s.quit}
}

// Run runs the guest. Unless it returns nil, the call has ended. The error is a *HostError, a
// *Trap, a *Cancelled or a *Terminated.
func (f *Function) Run(ctx context.Context, fb *fiber.Fiber) error {
	if fb.Guarded {
		return f.runGuarded(ctx, fb)
	}
	if err := fb.Call(ctx); err != nil {
		f.End(fb)
		return err
	}
	return nil
}

// runGuarded runs a guest that may call host functions: these may panic, or end the goroutine.
func (f *Function) runGuarded(ctx context.Context, fb *fiber.Fiber) error {
	finished := false
	defer func() {
		if !finished {
			f.End(fb)
		}
	}()
	if fb.Kept() {
		f.instance.own.call.ctx = ctx
	}
	if err := fb.Call(ctx); err != nil {
		return err // and ends
	}
	finished = true
	return nil
}

// End gives back what Begin has taken.
func (f *Function) End(fb *fiber.Fiber) {
	s := f.instance
	if fb.Kept() {
		s.leaveOwn()
		return
	}
	if fb.IsMember() {
		fb.Release()
		s.life.leaveMember(s)
		s.space.Load().Idle()
		return
	}
	fb.Release()
	s.life.leave(s)
}

// Unwound implements [fiber.Unwinder]: it ends a call on the own fiber of an instance that has no
// host functions, when one of a linked instance panics or ends the goroutine.
func (s *Instance) Unwound(*fiber.Fiber) { s.leaveOwn() }

// HostCall implements [fiber.Host]: it runs the first host function of a call on a fiber from the
// pool, and those of linked instances.
func (s *Instance) HostCall(fb *fiber.Fiber, ctx context.Context, instance, function uint64, slots []uint64) error {
	if instance == s.id {
		c := (*Call)(fb.Local())
		if c == nil {
			c = &Call{s, ctx}
			fb.CallDirectly(s.id, s.direct(), unsafe.Pointer(c)) // from the next one on
		}
		return s.calls[function](c, slots)
	}
	other := s.store.find(instance)
	if other == nil {
		return fmt.Errorf("host function %d of instance %d, which is not linked with instance %d, was called", function, instance, s.id)
	}
	if err := other.quit.Err(); err != nil {
		return err
	}
	if err := other.calls[function](&Call{other, ctx}, slots); err != nil {
		return err
	}
	return other.quit.Err()
}
