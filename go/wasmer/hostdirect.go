package wasmer

import (
	"context"
	"unsafe"
)

// This file calls the common types of host functions without reflection and without allocation: up
// to four parameters of one type of numbers, after a leading parameter of any kind, and no result,
// a number of the same type, an error, or both.

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
func direct[T Number](implementation interface{}) hostCall {
	if call := directPlain[T](implementation); call != nil {
		return call
	}
	if call := directLeading[context.Context, T](implementation, (*InstanceContext).Context); call != nil {
		return call
	}
	if call := directLeading[*InstanceContext, T](implementation, func(c *InstanceContext) *InstanceContext { return c }); call != nil {
		return call
	}
	return directLeading[unsafe.Pointer, T](implementation, func(c *InstanceContext) unsafe.Pointer { return c.call.Token() })
}
