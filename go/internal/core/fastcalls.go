package core

import (
	"context"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file is the short way of calls with numbers and of calls on slots: what Begin, Run and End
// do where nothing stands in the way, in one activation. That is: the context is not done, the
// instance is open, its own fiber is free and prepared for this very function, there are no host
// functions that might panic, and no slots to be looked at first. All else takes the long way.
//
// The shortest way is that of the goroutine that owns the gate of the instance's own fiber: all of
// it is in assembly. See fiber.Gate.

// Invoke2 calls a function of at most two parameters and one result, all numbers.
func (f *Function) Invoke2(ctx context.Context, a, b uint64) (uint64, error) {
	s := f.instance
	if !fiber.Alive(ctx) {
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	if s.own.IsOwned() {
		var values [2]uint64
		values[0], values[1] = a, b
		outcome := s.own.CallOwned(unsafe.Pointer(f), ctx, &values[0], len(values))
		if outcome == fiber.OwnedDone {
			return values[0], nil
		}
		if called, err := f.settle(outcome); called {
			return values[0], err
		}
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	if len(s.calls) > 0 {
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	if !s.own.TakeFree() {
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	if s.own.Quick != unsafe.Pointer(f) || s.life.refusesCalls() {
		s.leaveOwn()
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	slots := (*[2]uint64)(s.own.slots)
	slots[0], slots[1] = a, b
	if !s.own.Fiber.Enter(ctx) {
		return 0, f.failed(s.own.Fiber)
	}
	result := slots[0]
	s.own.OpenOrOwn()
	if s.life.refusesCalls() {
		s.endOwner()
	}
	return result, nil
}

// Invoke6 calls a function of at most six parameters and one result, all numbers.
func (f *Function) Invoke6(ctx context.Context, a, b, c, d, e, g uint64) (uint64, error) {
	s := f.instance
	if !fiber.Alive(ctx) {
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	if s.own.IsOwned() {
		var values [6]uint64
		values[0], values[1], values[2], values[3], values[4], values[5] = a, b, c, d, e, g
		outcome := s.own.CallOwned(unsafe.Pointer(f), ctx, &values[0], len(values))
		if outcome == fiber.OwnedDone {
			return values[0], nil
		}
		if called, err := f.settle(outcome); called {
			return values[0], err
		}
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	if len(s.calls) > 0 {
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	if !s.own.TakeFree() {
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	if s.own.Quick != unsafe.Pointer(f) || s.life.refusesCalls() {
		s.leaveOwn()
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	slots := (*[6]uint64)(s.own.slots)
	slots[0], slots[1], slots[2], slots[3], slots[4], slots[5] = a, b, c, d, e, g
	if !s.own.Fiber.Enter(ctx) {
		return 0, f.failed(s.own.Fiber)
	}
	result := slots[0]
	s.own.OpenOrOwn()
	if s.life.refusesCalls() {
		s.endOwner()
	}
	return result, nil
}

// CallSlots calls a function with arguments and results as they are in slots. The error is
// ErrShortSlots if there are too few.
func (f *Function) CallSlots(ctx context.Context, values []uint64) error {
	s := f.instance
	if !fiber.Alive(ctx) {
		return f.callSlotsSlow(ctx, values)
	}
	if s.own.IsOwned() {
		outcome := s.own.CallOwned(unsafe.Pointer(f), ctx, unsafe.SliceData(values), len(values))
		if outcome == fiber.OwnedDone {
			return nil
		}
		if called, err := f.settle(outcome); called {
			return err
		}
		return f.callSlotsSlow(ctx, values)
	}
	t := f.typ
	if len(values) < t.Slots || len(s.calls) > 0 {
		return f.callSlotsSlow(ctx, values)
	}
	if !s.own.TakeFree() {
		return f.callSlotsSlow(ctx, values)
	}
	if s.own.Quick != unsafe.Pointer(f) || s.life.refusesCalls() {
		s.leaveOwn()
		return f.callSlotsSlow(ctx, values)
	}
	slots := s.own.slots
	for i, value := range values[:t.ParamSlots] {
		*SlotAt(slots, i) = value
	}
	if !s.own.Fiber.Enter(ctx) {
		return f.failed(s.own.Fiber)
	}
	results := values[:t.ResultSlots]
	for i := range results {
		results[i] = *SlotAt(slots, i)
	}
	s.own.OpenOrOwn()
	if s.life.refusesCalls() {
		s.endOwner()
	}
	return nil
}

// settle does what is to be done after CallOwned, unless that has succeeded without more ado. It
// reports whether the function was called, and the error.
func (f *Function) settle(outcome fiber.Outcome) (called bool, err error) {
	s := f.instance
	called, failed, taken := s.own.Settle(outcome)
	if taken {
		s.leaveOwn()
	}
	if failed {
		err = f.failed(s.own.Fiber)
	}
	return called, err
}

// failed ends a call that has failed.
func (f *Function) failed(fb *fiber.Fiber) error {
	err := fb.TakeError()
	f.End(fb)
	return err
}

// invoke is the long way of Invoke2 and Invoke6.
func (f *Function) invoke(ctx context.Context, arguments ...uint64) (uint64, error) {
	fb, slots, err := f.Begin(ctx)
	if err != nil {
		return 0, err
	}
	for i := range f.typ.Params {
		*SlotAt(slots, i) = arguments[i]
	}
	if err := f.Run(ctx, fb); err != nil {
		return 0, err
	}
	result := *SlotAt(slots, 0)
	f.End(fb)
	return result, nil
}

// callSlotsSlow is the long way of CallSlots.
func (f *Function) callSlotsSlow(ctx context.Context, values []uint64) error {
	t := f.typ
	if len(values) < t.Slots {
		if err := f.instance.refusal(); err != nil {
			return err
		}
		return ErrShortSlots
	}
	fb, slots, err := f.Begin(ctx)
	if err != nil {
		return err
	}
	for i := range t.ParamSlots {
		*SlotAt(slots, i) = values[i]
	}
	if t.checked { // what the guest gets, which nobody changes any more
		if err := f.instance.CheckFunctions(t.Params, unsafe.Slice(SlotAt(slots, 0), t.ParamSlots)); err != nil {
			f.End(fb)
			return err
		}
	}
	f.instance.unpinAll(t.Params, values)
	if err := f.Run(ctx, fb); err != nil {
		return err
	}
	for i := range t.ResultSlots {
		values[i] = *SlotAt(slots, i)
	}
	f.instance.pinAll(t.Results, values)
	f.End(fb)
	return nil
}
