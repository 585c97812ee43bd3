package wasmer

import (
	"math"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// encodeArgument writes a Go value into the slot of a parameter, and reports whether it can stand
// for the type:
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
