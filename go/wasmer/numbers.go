package wasmer

import (
	"math"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file moves the numbers of typed functions between Go and slots.

// Number is a Go type that stands for a type of WebAssembly in typed calls: int32 and uint32 for
// i32, int64 and uint64 for i64, float32 for f32, float64 for f64.
type Number interface {
	int32 | uint32 | int64 | uint64 | float32 | float64
}

// types are those of the parameters or results of a typed function.
type types = []engine.ValType

// typeOf returns the type that a Go type stands for.
func typeOf[T Number]() engine.ValType {
	var zero T
	switch any(zero).(type) {
	case int32, uint32:
		return engine.I32
	case int64, uint64:
		return engine.I64
	case float32:
		return engine.F32
	default:
		return engine.F64
	}
}

// slotOf returns the bits of a value as they are in a slot, zero-extended. The comparisons cost
// nothing: they are decided when the function is compiled for T.
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

// get reads a parameter from its slot, bit for bit.
func get[T Number](slots []uint64, i int) T { return *(*T)(unsafe.Pointer(&slots[i])) }

// set writes a result to the first slot, bit for bit and zero-extended.
func set[T Number](slots []uint64, value T) {
	slots[0] = 0
	*(*T)(unsafe.Pointer(&slots[0])) = value
}

// setOr writes a result unless there is an error.
func setOr[T Number](slots []uint64, value T, err error) error {
	if err == nil {
		set(slots, value)
	}
	return err
}
