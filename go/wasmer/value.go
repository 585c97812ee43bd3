package wasmer

import (
	"math"
	"strconv"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// ValueType is the type of a [Value] (specification, section 2.3.1).
type ValueType int

const (
	// TypeI32 is the WebAssembly type i32, a 32-bit integer.
	TypeI32 ValueType = iota

	// TypeI64 is the WebAssembly type i64, a 64-bit integer.
	TypeI64

	// TypeF32 is the WebAssembly type f32, a 32-bit float.
	TypeF32

	// TypeF64 is the WebAssembly type f64, a 64-bit float.
	TypeF64

	// TypeVoid is not a type of WebAssembly: it is the type of what a function without results returns.
	TypeVoid

	// TypeV128 is the WebAssembly type v128. No Value has it yet.
	TypeV128

	// TypeFuncRef is the WebAssembly type funcref. No Value has it yet.
	TypeFuncRef

	// TypeExternRef is the WebAssembly type externref. No Value has it yet.
	TypeExternRef
)

// String returns the name of the type in the text format, or "void".
func (t ValueType) String() string {
	switch t {
	case TypeI32:
		return "i32"
	case TypeI64:
		return "i64"
	case TypeF32:
		return "f32"
	case TypeF64:
		return "f64"
	case TypeVoid:
		return "void"
	case TypeV128:
		return "v128"
	case TypeFuncRef:
		return "funcref"
	case TypeExternRef:
		return "externref"
	default:
		return "ValueType(" + strconv.Itoa(int(t)) + ")"
	}
}

// Value is a WebAssembly value of a type. Two values are equal (==) when their types and bits are. The zero Value is I32(0).
type Value struct {
	bits      uint64 // as in a slot: values of 32 bits are zero-extended
	valueType ValueType
}

// I32 makes a value of type i32.
func I32(value int32) Value { return Value{uint64(uint32(value)), TypeI32} }

// I64 makes a value of type i64.
func I64(value int64) Value { return Value{uint64(value), TypeI64} }

// F32 makes a value of type f32; the bits of NaNs are kept.
func F32(value float32) Value { return Value{uint64(math.Float32bits(value)), TypeF32} }

// F64 makes a value of type f64; the bits of NaNs are kept.
func F64(value float64) Value { return Value{math.Float64bits(value), TypeF64} }

// void is what a function without results returns.
func void() Value { return Value{0, TypeVoid} }

// valueFromSlot makes a value of a numeric type from a slot.
func valueFromSlot(slot uint64, t engine.ValType) Value {
	switch t {
	case engine.I32:
		return Value{uint64(uint32(slot)), TypeI32}
	case engine.I64:
		return Value{slot, TypeI64}
	case engine.F32:
		return Value{uint64(uint32(slot)), TypeF32}
	case engine.F64:
		return Value{slot, TypeF64}
	default:
		return void() // never asked for: calls of functions with other types are refused
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

// ToVoid returns nil, whatever the type is.
func (value Value) ToVoid() interface{} { return nil }

// String formats the value: integers as signed decimals, floats with six decimals, nothing as "void".
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
	case TypeVoid:
		return "void"
	default:
		return ""
	}
}
