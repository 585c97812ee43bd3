package wasmer

import (
	"context"
	"math"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// This file is the short way of typed calls and of calls on slots: what begin, run and end do where nothing stands in the way, in one activation. That is: the
// context is not done, the instance is open, its own fiber is free and prepared for this very function, there are no host functions that might
// panic, and no slots to be looked at first. All else goes the long way.

// slotOf gives the bits of a value as they are in a slot, zero-extended. The comparisons cost nothing: they are decided when the function is compiled for T.
func slotOf[T Number](value T) uint64 {
	switch {
	case T(1)/T(2) != 0 && unsafe.Sizeof(value) == 4:
		return uint64(math.Float32bits(float32(value)))
	case T(1)/T(2) != 0:
		return math.Float64bits(float64(value))
	case unsafe.Sizeof(value) == 4:
		return uint64(uint32(value))
	default:
		return uint64(value)
	}
}

// fromSlot is the way back.
func fromSlot[T Number](slot uint64) T {
	switch {
	case T(1)/T(2) != 0 && unsafe.Sizeof(T(0)) == 4:
		return T(math.Float32frombits(uint32(slot)))
	case T(1)/T(2) != 0:
		return T(math.Float64frombits(slot))
	case unsafe.Sizeof(T(0)) == 4:
		return T(uint32(slot))
	default:
		return T(slot)
	}
}

// invoke2 calls a function of at most two parameters and one result.
func (f *exportedFunction) invoke2(ctx context.Context, a, b uint64) (uint64, error) {
	s := f.instance
	if !fiber.Alive(ctx) || !s.own.gate.take() {
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	if s.own.quick != f || s.life.isClosed() {
		s.own.gate.open()
		return f.invoke(ctx, a, b, 0, 0, 0, 0)
	}
	slots := (*[2]uint64)(s.own.slots)
	slots[0], slots[1] = a, b
	if !s.own.fiber.Enter(ctx) {
		return 0, f.ended(s.own.fiber, s.own.fiber.TakeError())
	}
	result := slots[0]
	s.own.gate.open()
	if s.life.isClosed() {
		s.shut()
	}
	return result, nil
}

// invoke6 calls a function of at most six parameters and one result.
func (f *exportedFunction) invoke6(ctx context.Context, a, b, c, d, e, g uint64) (uint64, error) {
	s := f.instance
	if !fiber.Alive(ctx) || !s.own.gate.take() {
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	if s.own.quick != f || s.life.isClosed() {
		s.own.gate.open()
		return f.invoke(ctx, a, b, c, d, e, g)
	}
	slots := (*[6]uint64)(s.own.slots)
	slots[0], slots[1], slots[2], slots[3], slots[4], slots[5] = a, b, c, d, e, g
	if !s.own.fiber.Enter(ctx) {
		return 0, f.ended(s.own.fiber, s.own.fiber.TakeError())
	}
	result := slots[0]
	s.own.gate.open()
	if s.life.isClosed() {
		s.shut()
	}
	return result, nil
}

// callSlots calls a function with arguments and results as they are in slots.
func (f *exportedFunction) callSlots(ctx context.Context, values []uint64) error {
	s, t := f.instance, f.typ
	if len(values) < t.slots || !fiber.Alive(ctx) || !s.own.gate.take() {
		return f.callSlotsSlow(ctx, values)
	}
	if s.own.quick != f || s.life.isClosed() {
		s.own.gate.open()
		return f.callSlotsSlow(ctx, values)
	}
	slots := s.own.slots
	for i, value := range values[:t.paramSlots] {
		*slotAt(slots, i) = value
	}
	if !s.own.fiber.Enter(ctx) {
		return f.ended(s.own.fiber, s.own.fiber.TakeError())
	}
	results := values[:t.resultSlots]
	for i := range results {
		results[i] = *slotAt(slots, i)
	}
	s.own.gate.open()
	if s.life.isClosed() {
		s.shut()
	}
	return nil
}

// invoke is the long way of invoke2 and invoke6.
func (f *exportedFunction) invoke(ctx context.Context, arguments ...uint64) (uint64, error) {
	fb, slots, err := f.begin(ctx)
	if err != nil {
		return 0, err
	}
	for i := range f.typ.Params {
		*slotAt(slots, i) = arguments[i]
	}
	if err := f.run(ctx, fb); err != nil {
		return 0, err
	}
	result := *slotAt(slots, 0)
	f.end(fb)
	return result, nil
}

// callSlotsSlow is the long way of callSlots.
func (f *exportedFunction) callSlotsSlow(ctx context.Context, values []uint64) error {
	t := f.typ
	if len(values) < t.slots {
		return f.shortSlots(len(values))
	}
	fb, slots, err := f.begin(ctx)
	if err != nil {
		return err
	}
	for i := range t.paramSlots {
		*slotAt(slots, i) = values[i]
	}
	if t.checked { // what the guest gets, which nobody changes any more
		if err := f.instance.checkFunctions(t.Params, unsafe.Slice(slotAt(slots, 0), t.paramSlots)); err != nil {
			return f.ended(fb, err)
		}
	}
	f.instance.unpinAll(t.Params, values)
	if err := f.run(ctx, fb); err != nil {
		return err
	}
	for i := range t.resultSlots {
		values[i] = *slotAt(slots, i)
	}
	f.instance.pinAll(t.Results, values)
	f.end(fb)
	return nil
}
