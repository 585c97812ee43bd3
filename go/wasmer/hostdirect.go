package wasmer

import (
	"context"
	"unsafe"
)

// This file calls the common types of host functions without reflection and without allocation: up to four parameters of one type of numbers,
// after a leading parameter of any kind, and no result, a number of the same type, an error, or both.

// number is a type that a slot can hold. A value lies in the low bytes of its slot, which come first in memory on all platforms of this
// package.
type number interface {
	int32 | uint32 | int64 | uint64 | float32 | float64
}

// get reads a parameter from its slot, bit for bit.
func get[T number](slots []uint64, i int) T { return *(*T)(unsafe.Pointer(&slots[i])) }

// set writes a result to the first slot, bit for bit and zero-extended.
func set[T number](slots []uint64, value T) {
	slots[0] = 0
	*(*T)(unsafe.Pointer(&slots[0])) = value
}

// setOr writes a result unless there is an error.
func setOr[T number](slots []uint64, value T, err error) error {
	if err == nil {
		set(slots, value)
	}
	return err
}

// directCall returns a call for the common types of functions, nil for others.
func directCall(implementation interface{}) hostCall {
	for _, try := range [...]func(interface{}) hostCall{
		direct[int32], direct[int64], direct[float64], direct[float32], direct[uint32], direct[uint64],
	} {
		if call := try(implementation); call != nil {
			return call
		}
	}
	return nil
}

// direct is directCall for one type of numbers.
func direct[T number](implementation interface{}) hostCall {
	if call := directPlain[T](implementation); call != nil {
		return call
	}
	if call := directLeading[context.Context, T](implementation, func(_ *instanceState, ctx context.Context) context.Context { return ctx }); call != nil {
		return call
	}
	if call := directLeading[*InstanceContext, T](implementation, func(s *instanceState, _ context.Context) *InstanceContext { return &s.context }); call != nil {
		return call
	}
	return directLeading[unsafe.Pointer, T](implementation, func(s *instanceState, _ context.Context) unsafe.Pointer { return s.owned.token })
}
