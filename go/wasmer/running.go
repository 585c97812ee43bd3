package wasmer

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file is the way of every call: begin takes a fiber, the caller puts arguments into its slots, run runs the guest, the caller takes the results out
// of the slots, and end gives the fiber back.

// begin takes a fiber that is prepared for the function, and its slots. In all cases but an error, run or end follow.
func (f *exportedFunction) begin(ctx context.Context) (*fiber.Fiber, unsafe.Pointer, error) {
	if !fiber.Alive(ctx) {
		return nil, nil, f.badContext(ctx)
	}
	if own := &f.instance.own; own.gate.take() {
		if own.bound == f && !f.instance.life.isClosed() {
			return own.fiber, own.slots, nil
		}
		return f.beginOwn()
	}
	return f.beginPooled()
}

func (f *exportedFunction) badContext(ctx context.Context) error {
	if f.instance.life.isClosed() {
		return f.failed(closedError("instance"))
	}
	err := checkContext(ctx)
	if err == nil { // it is done and then again not
		err = context.Canceled
	}
	return f.failed(err)
}

// beginOwn goes on when the gate is taken and the fiber is missing or prepared for another function, or the instance was closed.
func (f *exportedFunction) beginOwn() (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if s.life.isClosed() {
		s.leaveOwn()
		return nil, nil, f.failed(closedError("instance"))
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
	if s.own.fiber == nil && !s.keepFiber() {
		s.leaveOwn()
		return f.beginPooled()
	}
	s.own.bound, s.own.quick = f, nil
	s.own.slots = s.own.fiber.Prepare(entry, s, f.typ.slots)
	if s.own.fiber.Guarded = len(s.calls) > 0 || !s.own.fiber.CanEnter(); !s.own.fiber.Guarded && !f.typ.checked {
		s.own.quick = f
	}
	return s.own.fiber, s.own.slots, nil
}

// beginPooled counts the call as a user of the instance and takes a fiber from the pool.
func (f *exportedFunction) beginPooled() (*fiber.Fiber, unsafe.Pointer, error) {
	s := f.instance
	if !s.life.enter(s) {
		return nil, nil, f.failed(closedError("instance"))
	}
	if space := s.space.Load(); space != nil { // who gives it one looks at the uses after that
		s.life.leave(s)
		return f.beginMember(space)
	}
	entry, err := f.howToEnter()
	if err == nil {
		var fb *fiber.Fiber
		if fb, err = acquireFiber(); err == nil {
			fb.Guarded = true
			fb.Instance, fb.Direct = s.id, s.direct()
			return fb, fb.Prepare(entry, s, f.typ.slots), nil
		}
		err = f.failed(err)
	}
	s.life.leave(s)
	return nil, nil, err
}

// howToEnter asks the engine, the first time. The instance is in use.
func (f *exportedFunction) howToEnter() (*fiber.Entry, error) {
	if entry := f.entry.Load(); entry != nil {
		return entry, nil
	}
	code, err := f.instance.owned.handle.Function(f.export)
	if err != nil {
		return nil, f.failed(err)
	}
	entry := f.instance.newEntry(code)
	f.entry.Store(entry)
	return entry, nil
}

// run runs the guest. Unless it returns nil, the call has ended.
func (f *exportedFunction) run(ctx context.Context, fb *fiber.Fiber) error {
	if fb.Guarded {
		return f.runGuarded(ctx, fb)
	}
	if err := fb.Call(ctx); err != nil {
		return f.ended(fb, err)
	}
	return nil
}

// ended ends a call that has failed.
func (f *exportedFunction) ended(fb *fiber.Fiber, err error) error {
	f.end(fb)
	return f.failed(err)
}

// runGuarded runs a guest that may call host functions: these may panic, or end the goroutine.
func (f *exportedFunction) runGuarded(ctx context.Context, fb *fiber.Fiber) error {
	finished := false
	defer func() {
		if !finished {
			f.end(fb)
		}
	}()
	if fb.Kept() {
		f.instance.own.context.ctx = ctx
	}
	if err := fb.Call(ctx); err != nil {
		return f.failed(err) // and ends
	}
	finished = true
	return nil
}

// end gives back what begin has taken.
func (f *exportedFunction) end(fb *fiber.Fiber) {
	if fb.Kept() {
		f.instance.leaveOwn()
		return
	}
	if fb.IsMember() {
		f.endMember(fb)
		return
	}
	fb.Release()
	f.instance.life.leave(f.instance)
}

// leaveOwn opens the gate again, and shuts it if the instance was closed meanwhile.
func (s *instanceState) leaveOwn() {
	if s.own.context.ctx != nil {
		s.own.context.ctx = nil
	}
	s.own.gate.open()
	if s.life.isClosed() {
		s.shut()
	}
}

// shut ends the use of the instance that its own fiber stands for, unless there is a call on it, which then does it when it ends.
func (s *instanceState) shut() bool {
	if !s.own.gate.shut() {
		return false
	}
	s.life.leave(s)
	return true
}

// close refuses further calls, and frees the instance as soon as no call is running.
//
// A call that ends on the instance's own fiber opens the gate and then looks whether the instance is closed; here it is closed, and then the gate is looked
// at. The processor may let the call look before others see the gate open. After the barrier, either the gate is seen open, or the
// call has not yet looked.
func (s *instanceState) close() {
	s.life.close(s)
	if !s.shut() && s.own.gate.isTaken() {
		barrier()
		s.shut()
	}
}

// Unwound implements [fiber.Unwinder]: it ends a call on the own fiber of an instance that has no host functions, when one of a linked instance panics or
// ends the goroutine.
func (s *instanceState) Unwound(*fiber.Fiber) { s.leaveOwn() }

// direct gives the host functions as fibers call them: with the InstanceContext as a pointer to something.
func (s *instanceState) direct() []fiber.HostFunc {
	return *(*[]fiber.HostFunc)(unsafe.Pointer(&s.calls))
}

// HostCall implements [fiber.Host]: it runs the first host function of a call on a fiber from the pool, and those of linked instances.
func (s *instanceState) HostCall(fb *fiber.Fiber, ctx context.Context, instance, function uint64, slots []uint64) error {
	if instance == s.id {
		c := (*InstanceContext)(fb.Local)
		if c == nil {
			c = &InstanceContext{s, ctx}
			fb.Local = unsafe.Pointer(c)
		}
		return s.calls[function](c, slots)
	}
	other := s.store.find(instance)
	if other == nil {
		return fmt.Errorf("host function %d of instance %d, which is not linked with instance %d, was called", function, instance, s.id)
	}
	return other.calls[function](&InstanceContext{other, ctx}, slots)
}

// slotAt addresses a slot.
func slotAt(slots unsafe.Pointer, i int) *uint64 { return (*uint64)(unsafe.Add(slots, 8*i)) }
