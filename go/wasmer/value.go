package wasmer

import (
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Value is a WebAssembly value of a type. Two values can be compared by ==. They are equal when
// their types are, and
//
//   - numbers and vectors: their bits;
//   - references to functions: they refer to the same function, by whatever name and instance it
//     was got;
//   - references to Go values: these are equal, or cannot be compared (as slices, maps and
//     functions) and come from the same call of [ExternRef];
//   - references to exceptions: they come from the same [Exception], or the same result.
//
// The zero Value is I32(0).
type Value struct {
	// A Value takes four words: the Go compiler keeps larger structures in memory, and a call by
	// Instance.Exports then takes half as long again.

	bits      uint64 // as in a slot: values of 32 bits are zero-extended; the low half of a v128
	ref       any    // nil for null; see below
	valueType ValueType

	// ref is a *core.Function, what held returns for the value of an externref, or the high half of
	// a v128, a uint64.
}

// I32 makes a value of type i32.
func I32(value int32) Value { return Value{bits: uint64(uint32(value)), valueType: TypeI32} }

// I64 makes a value of type i64.
func I64(value int64) Value { return Value{bits: uint64(value), valueType: TypeI64} }

// F32 makes a value of type f32; the bits of NaNs are kept.
func F32(value float32) Value {
	return Value{bits: uint64(math.Float32bits(value)), valueType: TypeF32}
}

// F64 makes a value of type f64; the bits of NaNs are kept.
func F64(value float64) Value { return Value{bits: math.Float64bits(value), valueType: TypeF64} }

// V128 makes a value of type v128 of its halves: lane 0 of every shape is in the lowest bits of
// low.
func V128(low, high uint64) Value { return Value{bits: low, ref: high, valueType: TypeV128} }

// FuncRef makes a value of type funcref: a reference to a function, or null for nil. That the
// instance of the function is closed is an error where the value is used.
func FuncRef(function *Function) Value {
	if function.neverMade() {
		return Value{valueType: TypeFuncRef}
	}
	return valueOfFunction(function.inner.Canonical())
}

// valueOfFunction makes a value of one that stands for all that are the same function, or nil.
func valueOfFunction(f *core.Function) Value {
	if f == nil {
		return Value{valueType: TypeFuncRef}
	}
	return Value{ref: f, valueType: TypeFuncRef}
}

// valueOfException makes a value of one, or of nil.
func valueOfException(e *core.Exception) Value {
	if e == nil {
		return Value{valueType: TypeExnRef}
	}
	return Value{ref: e, valueType: TypeExnRef}
}

// ExternRef makes a value of type externref: a reference to any Go value, or null for nil
// (specification, section 2.3.3).
//
// A Go value that was handed to a guest is kept at least as long as a guest can reach it, from a
// call that has begun or from a global or a table, and is let go some time later. That is decided
// when references are handed out: once there are more than 1024 new ones, and more than twice as
// many as were left the last time. It stops all guests of the instances that are linked with each
// other for a moment, where host functions run on; a guest that runs without calling any is stopped
// by the Go scheduler's preemption, after 10 milliseconds, or 20 at most. When the last of these
// instances is closed, all is let go.
//
// What guests have in locals is found by looking through their stacks, where a number can look like
// a reference: so a value may be kept longer than needed, and by chance as long as a call runs. A
// value that refers to the instance itself does not keep it from being collected.
func ExternRef(value any) Value { return Value{ref: held(value), valueType: TypeExternRef} }

// incomparable is how a Value holds a Go value that == would panic on; equal if it is the same.
type incomparable struct{ value any }

// held is a Go value as a Value holds it.
func held(value any) any {
	if value == nil || reflect.TypeOf(value).Comparable() && reflect.ValueOf(value).Comparable() {
		return value
	}
	return &incomparable{value}
}

// unheld is the way back.
func unheld(value any) any {
	if box, ok := value.(*incomparable); ok {
		return box.value
	}
	return value
}

// void is what a function without results returns.
func void() Value { return Value{bits: 0, valueType: TypeVoid} }

// valueFromSlot makes a value of a numeric type from a slot.
func valueFromSlot(slot uint64, t engine.ValType) Value {
	switch t {
	case engine.I32:
		return Value{bits: uint64(uint32(slot)), valueType: TypeI32}
	case engine.I64:
		return Value{bits: slot, valueType: TypeI64}
	case engine.F32:
		return Value{bits: uint64(uint32(slot)), valueType: TypeF32}
	case engine.F64:
		return Value{bits: slot, valueType: TypeF64}
	default:
		return void() // the others are no business of one slot
	}
}

// checkValue refuses values of other types.
func checkValue(value Value, expected ValueType) error {
	if !expected.isValue() {
		return fmt.Errorf("the type is `%s`, expected a type of WebAssembly", expected)
	}
	if value.valueType != expected {
		return fmt.Errorf("the value is of type `%s`, expected `%s`", value.valueType, expected)
	}
	return nil
}

// toCore returns the value as globals and tables hold it.
func toCore(value Value) core.Value {
	switch value.valueType {
	case TypeFuncRef:
		f, _ := value.ref.(*core.Function)
		return core.Value{Function: f}
	case TypeExternRef:
		return core.Value{Host: value.ref}
	case TypeExnRef:
		e, _ := value.ref.(*core.Exception)
		return core.Value{Exception: e}
	default:
		return core.Value{Slots: engine.Slots{value.bits, value.high()}}
	}
}

// valueFromCore is the way back, for a type.
func valueFromCore(value core.Value, t engine.ValType) Value {
	switch t {
	case engine.V128:
		return V128(value.Slots[0], value.Slots[1])
	case engine.FuncRef:
		return valueOfFunction(value.Function)
	case engine.ExternRef:
		return Value{ref: value.Host, valueType: TypeExternRef}
	case engine.ExnRef:
		return valueOfException(value.Exception)
	default:
		return valueFromSlot(value.Slots[0], t)
	}
}

// GetType returns the type.
func (value Value) GetType() ValueType { return value.valueType }

// ToI32 reads the low 32 bits as an int32, whatever the type is.
func (value Value) ToI32() int32 { return int32(uint32(value.bits)) }

// ToI64 reads the bits as an int64, whatever the type is; an i32 or f32 is zero-extended.
func (value Value) ToI64() int64 { return int64(value.bits) }

// ToF32 reads the low 32 bits as a float32, whatever the type is.
func (value Value) ToF32() float32 { return math.Float32frombits(uint32(value.bits)) }

// ToF64 reads the bits as a float64, whatever the type is.
func (value Value) ToF64() float64 { return math.Float64frombits(value.bits) }

// ToV128 returns the low and the high half of a v128. Of other types the low half is what
// [Value.ToI64] returns.
func (value Value) ToV128() (low, high uint64) { return value.bits, value.high() }

// high returns the high half of a v128, 0 of others.
func (value Value) high() uint64 {
	high, _ := value.ref.(uint64)
	if value.valueType != TypeV128 {
		return 0
	}
	return high
}

// ToFunc returns the function that a funcref refers to, nil for null and for values of other types.
// It is the same pointer for equal values.
func (value Value) ToFunc() *Function {
	if f, ok := value.ref.(*core.Function); ok && value.valueType == TypeFuncRef {
		return functionOf(f)
	}
	return nil
}

// ToExternRef returns the Go value that an externref refers to, nil for null and for values of
// other types.
func (value Value) ToExternRef() any {
	if value.valueType != TypeExternRef {
		return nil
	}
	return unheld(value.ref)
}

// IsNull reports whether the value is a null reference.
func (value Value) IsNull() bool {
	return value.ref == nil && (value.valueType == TypeFuncRef || value.valueType == TypeExternRef || value.valueType == TypeExnRef)
}

// ToVoid returns nil, whatever the type is.
func (value Value) ToVoid() interface{} { return nil }

// String formats the value: integers as signed decimals, floats with six decimals, a v128 as four
// lanes of 32 bits, lane 0 first, such as "i32x4 0x00000001 0x00000002 0x00000003 0x00000004", a
// function as [Function.String], what an externref refers to as [fmt.Sprint], null references as
// "null", nothing as "void".
func (value Value) String() string {
	switch value.valueType {
	case TypeI32:
		return strconv.FormatInt(int64(value.ToI32()), 10)
	case TypeI64:
		return strconv.FormatInt(value.ToI64(), 10)
	case TypeF32:
		// Formatted as the float64 of the same value, as the verb %f does.
		return strconv.FormatFloat(float64(value.ToF32()), 'f', 6, 32)
	case TypeF64:
		return strconv.FormatFloat(value.ToF64(), 'f', 6, 64)
	case TypeV128:
		return fmt.Sprintf("i32x4 0x%08x 0x%08x 0x%08x 0x%08x", uint32(value.bits), uint32(value.bits>>32), uint32(value.high()), uint32(value.high()>>32))
	case TypeFuncRef:
		if function := value.ToFunc(); function != nil {
			return function.String()
		}
		return "null"
	case TypeExternRef:
		if value.ref == nil {
			return "null"
		}
		return fmt.Sprint(unheld(value.ref))
	case TypeExnRef:
		if e, ok := value.ref.(*core.Exception); ok {
			return "exception " + formatTypes(typesFromEngine(e.Tag.Params()))
		}
		return "null"
	case TypeVoid:
		return "void"
	default:
		return ""
	}
}
