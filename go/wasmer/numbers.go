package wasmer

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file moves the numbers of typed functions between Go and slots.

// Number is a Go type that stands for a type of WebAssembly in typed functions and in host
// functions. Types that are defined as one of these, such as [time.Duration], are Numbers too.
//
//	Go                      WebAssembly
//	int32, uint32           i32, bit for bit
//	int64, uint64           i64, bit for bit
//	float32                 f32, bit for bit
//	float64                 f64, bit for bit
//	int8, int16             i32, sign-extended
//	uint8, uint16           i32, zero-extended
//	bool                    i32, 0 for false, 1 for true
//	int, uint               i64, or i32 if that is what the other side has in this place
//
// The other side is the exported function, or the import of the module that a host function is
// given to; a function value of [NewFunction] has an i64.
//
// Nothing is cut: a value that does not fit the type that it goes to is an error. From WebAssembly
// to Go that is an i32 for an int8, int16, uint8, uint16 or bool: an i32 is read as signed for the
// signed types, as unsigned for the others. From Go to WebAssembly it is an int or uint for an i32,
// which takes -2^31 to 2^32-1. An int that comes from an i32 is sign-extended, a uint
// zero-extended. The error of an argument or a result of a call is an [*ExportedFunctionError];
// that of a host function ends the guest.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int |
		~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint |
		~bool | ~float32 | ~float64
}

// kinds are the Go types of the parameters or results of a typed function.
type kinds = []reflect.Kind

// kindOf returns the kind of a Go type.
func kindOf[T Number]() reflect.Kind { return reflect.TypeFor[T]().Kind() }

// typeOfKind returns the type that a kind of Go type stands for; false if it is no Number.
func typeOfKind(kind reflect.Kind) (engine.ValType, bool) {
	switch kind {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Bool:
		return engine.I32, true
	case reflect.Int64, reflect.Uint64, reflect.Int, reflect.Uint:
		return engine.I64, true
	case reflect.Float32:
		return engine.F32, true
	case reflect.Float64:
		return engine.F64, true
	default:
		return 0, false
	}
}

// typesOfKinds returns the types that kinds stand for in a function whose types are wanted: an int
// or uint is what is wanted of i32 and i64.
func typesOfKinds(kinds kinds, wanted []engine.ValType) []engine.ValType {
	types := make([]engine.ValType, len(kinds))
	for i, kind := range kinds {
		types[i], _ = typeOfKind(kind)
		if isWord(kind) && i < len(wanted) && wanted[i] == engine.I32 {
			types[i] = engine.I32
		}
	}
	return types
}

// isWord reports whether a kind stands for i64 or i32.
func isWord(kind reflect.Kind) bool { return kind == reflect.Int || kind == reflect.Uint }

// move is how the bits of a Go value become a slot, and back.
type move uint8

const (
	moveBits move = iota // as they are, zero-extended
	moveInt8             // the others stand for an i32
	moveInt16
	moveUint8
	moveUint16
	moveBool
	moveInt
	moveUint
)

// moveOf returns the move for a kind that stands for a type.
func moveOf(kind reflect.Kind, t engine.ValType) move {
	switch kind {
	case reflect.Int8:
		return moveInt8
	case reflect.Int16:
		return moveInt16
	case reflect.Uint8:
		return moveUint8
	case reflect.Uint16:
		return moveUint16
	case reflect.Bool:
		return moveBool
	case reflect.Int:
		if t == engine.I32 {
			return moveInt
		}
	case reflect.Uint:
		if t == engine.I32 {
			return moveUint
		}
	}
	return moveBits
}

// put returns the slot for the bits of a Go value. It is an error if the value does not fit.
func (m move) put(bits uint64) (slot uint64, err error) {
	switch m {
	case moveInt8:
		return uint64(uint32(int8(bits))), nil
	case moveInt16:
		return uint64(uint32(int16(bits))), nil
	case moveInt:
		if v := int64(bits); v < math.MinInt32 || v > math.MaxUint32 {
			return 0, fmt.Errorf("the int %d, expected -2147483648 to 4294967295 for an i32", v)
		}
		return uint64(uint32(bits)), nil
	case moveUint:
		if bits > math.MaxUint32 {
			return 0, fmt.Errorf("the uint %d, expected 0 to 4294967295 for an i32", bits)
		}
	}
	return bits, nil
}

// take returns the bits of the Go value for a slot. It is an error if the value does not fit.
func (m move) take(slot uint64) (bits uint64, err error) {
	signed, unsigned := int32(uint32(slot)), uint32(slot)
	switch m {
	case moveInt8:
		if signed < math.MinInt8 || signed > math.MaxInt8 {
			return 0, fmt.Errorf("the i32 %d, expected -128 to 127 for an int8", signed)
		}
	case moveInt16:
		if signed < math.MinInt16 || signed > math.MaxInt16 {
			return 0, fmt.Errorf("the i32 %d, expected -32768 to 32767 for an int16", signed)
		}
	case moveUint8:
		if unsigned > math.MaxUint8 {
			return 0, fmt.Errorf("the i32 %d, expected 0 to 255 for a uint8", unsigned)
		}
	case moveUint16:
		if unsigned > math.MaxUint16 {
			return 0, fmt.Errorf("the i32 %d, expected 0 to 65535 for a uint16", unsigned)
		}
	case moveBool:
		if unsigned > 1 {
			return 0, fmt.Errorf("the i32 %d, expected 0 or 1 for a bool", unsigned)
		}
	case moveInt:
		return uint64(signed), nil
	case moveUint:
		return uint64(unsigned), nil
	}
	return slot, nil
}

// bitsOf returns the bits of a value, zero-extended. The comparisons cost nothing: they are decided
// when the function is compiled for T.
func bitsOf[T Number](value T) uint64 {
	switch unsafe.Sizeof(value) {
	case 8:
		return *(*uint64)(unsafe.Pointer(&value))
	case 4:
		return uint64(*(*uint32)(unsafe.Pointer(&value)))
	case 2:
		return uint64(*(*uint16)(unsafe.Pointer(&value)))
	default:
		return uint64(*(*uint8)(unsafe.Pointer(&value)))
	}
}

// fromBits is the way back. What is read has the width of what was written, so that both stay in a
// register.
func fromBits[T Number](bits uint64) T {
	switch unsafe.Sizeof(*new(T)) {
	case 8:
		return *(*T)(unsafe.Pointer(&bits))
	case 4:
		half := uint32(bits)
		return *(*T)(unsafe.Pointer(&half))
	case 2:
		quarter := uint16(bits)
		return *(*T)(unsafe.Pointer(&quarter))
	default:
		low := uint8(bits)
		return *(*T)(unsafe.Pointer(&low))
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
