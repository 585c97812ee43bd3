package wasmer

import (
	"fmt"
	"math"
	"reflect"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file makes slots of the Go values that are given as numbers: by the rules of go-ext-wasm
// 0.3.1 for Instance.Exports, and by wider ones for Function.Call.

// encodeArgument writes a Go value into the slot of a parameter, and reports whether it can stand
// for the type by the rules of Instance.Exports:
//
//	i32  int8 to int32, uint8 to uint32, int and uint within -2^31 .. 2^32-1, Value of type i32
//	i64  all integers, Value of type i64
//	f32  float32, Value of type f32
//	f64  float32, float64, Value of type f64
func encodeArgument(slot *uint64, t engine.ValType, argument interface{}) bool {
	switch t {
	case engine.I32:
		return encodeI32(slot, argument)
	case engine.I64:
		return encodeI64(slot, argument)
	case engine.F32:
		return encodeF32(slot, argument)
	case engine.F64:
		return encodeF64(slot, argument)
	default:
		return false
	}
}

func encodeI32(slot *uint64, argument interface{}) bool {
	switch v := argument.(type) {
	case int:
		*slot = uint64(uint32(v))
		return int64(v) >= math.MinInt32 && int64(v) <= math.MaxUint32
	case int32:
		*slot = uint64(uint32(v))
	case uint32:
		*slot = uint64(v)
	case Value:
		*slot = v.bits
		return v.valueType == TypeI32
	case uint:
		*slot = uint64(uint32(v))
		return v <= math.MaxUint32
	case int8:
		*slot = uint64(uint32(v))
	case int16:
		*slot = uint64(uint32(v))
	case uint8:
		*slot = uint64(v)
	case uint16:
		*slot = uint64(v)
	default:
		return false
	}
	return true
}

func encodeI64(slot *uint64, argument interface{}) bool {
	switch v := argument.(type) {
	case int64:
		*slot = uint64(v)
	case int:
		*slot = uint64(v)
	case uint64:
		*slot = v
	case Value:
		*slot = v.bits
		return v.valueType == TypeI64
	case uint:
		*slot = uint64(v)
	case int8:
		*slot = uint64(v)
	case int16:
		*slot = uint64(v)
	case int32:
		*slot = uint64(v)
	case uint8:
		*slot = uint64(v)
	case uint16:
		*slot = uint64(v)
	case uint32:
		*slot = uint64(v)
	default:
		return false
	}
	return true
}

func encodeF32(slot *uint64, argument interface{}) bool {
	switch v := argument.(type) {
	case float32:
		*slot = uint64(math.Float32bits(v))
		return true
	case Value:
		*slot = v.bits
		return v.valueType == TypeF32
	default:
		return false
	}
}

func encodeF64(slot *uint64, argument interface{}) bool {
	switch v := argument.(type) {
	case float64:
		*slot = math.Float64bits(v)
	case float32:
		*slot = math.Float64bits(float64(v))
	case Value:
		*slot = v.bits
		return v.valueType == TypeF64
	default:
		return false
	}
	return true
}

// outOfRange reports whether an argument has a type that can stand for an i32, and only its value
// cannot.
func outOfRange(t engine.ValType, argument interface{}) bool {
	switch argument.(type) {
	case int, uint:
		return t == engine.I32
	default:
		return false
	}
}

// encodeAnyNumber is encodeArgument by the rules of Function.Call:
//
//	i32  integers of all types within -2^31 .. 2^32-1, bool, Value of type i32
//	i64  integers of all types, Value of type i64
//	f32  float32, Value of type f32
//	f64  float32, float64, Value of type f64
//
// and of types that are defined as one of these.
func encodeAnyNumber(slot *uint64, t engine.ValType, argument interface{}) bool {
	if encodeArgument(slot, t, argument) {
		return true
	}
	if _, ok := argument.(Value); ok {
		return false
	}
	v := reflect.ValueOf(argument)
	isInteger := t == engine.I32 || t == engine.I64
	switch {
	case v.CanInt() && isInteger:
		*slot = uint64(v.Int())
		if t == engine.I32 {
			*slot = uint64(uint32(v.Int()))
			return v.Int() >= math.MinInt32 && v.Int() <= math.MaxUint32
		}
	case v.CanUint() && isInteger:
		*slot = v.Uint()
		return t == engine.I64 || v.Uint() <= math.MaxUint32
	case v.Kind() == reflect.Bool && t == engine.I32:
		*slot = 0
		if v.Bool() {
			*slot = 1
		}
	case v.Kind() == reflect.Float32 && t == engine.F32: // Convert keeps the bits of NaNs
		*slot = uint64(math.Float32bits(v.Convert(reflect.TypeFor[float32]()).Interface().(float32)))
	case v.CanFloat() && t == engine.F64:
		*slot = math.Float64bits(v.Float())
	default:
		return false
	}
	return true
}

// unfit tells why an argument of Function.Call cannot stand for a type: what it is, and what can.
func unfit(t engine.ValType, argument interface{}) error {
	given := fmt.Sprintf("of type %T", argument)
	v, _ := argument.(Value)
	kind := reflect.Invalid
	if argument != nil {
		kind = reflect.TypeOf(argument).Kind()
	}
	switch {
	case argument == nil:
		given = "nil"
	case reflect.TypeOf(argument) == reflect.TypeFor[Value]():
		given = fmt.Sprintf("a Value of type %s", v.valueType)
		if v.valueType.isNumber() {
			given += " (" + v.String() + ")"
		}
	case kind >= reflect.Bool && kind <= reflect.Float64:
		given = fmt.Sprintf("the %T %v", argument, plain(reflect.ValueOf(argument)))
	case kind == reflect.String:
		given = fmt.Sprintf("the %T %.40q", argument, reflect.ValueOf(argument).String())
	}
	return fmt.Errorf("%s, expected %s", given, expectedOf[t])
}

// plain returns a number or bool as a value that no type of the user's formats.
func plain(v reflect.Value) interface{} {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	default:
		return v.Bool()
	}
}

// expectedOf are what arguments of Function.Call may be.
var expectedOf = [...]string{
	engine.I32:       "an integer from -2147483648 to 4294967295, a bool or a Value of type i32",
	engine.I64:       "an integer or a Value of type i64",
	engine.F32:       "a float32 or a Value of type f32",
	engine.F64:       "a float64, a float32 or a Value of type f64",
	engine.V128:      "a [16]byte, a [2]uint64 or a Value of type v128",
	engine.FuncRef:   "a *wasmer.Function, nil or a Value of type funcref",
	engine.ExnRef:    "a *wasmer.Exception, nil or a Value of type exnref",
	engine.ExternRef: "a Value of type externref, or any Go value that is no Value",
}
