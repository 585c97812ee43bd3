package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// This file turns values of the package into those of the oracles and back, and hashes what
// memories and tables hold.

// external is what references to values of the host refer to.
type external uint64

// of tells a value of the package as oracles do.
func of(v wasmer.Value) value {
	to := value{kind: v.GetType()}
	switch to.kind {
	case wasmer.TypeI32, wasmer.TypeI64, wasmer.TypeF32, wasmer.TypeF64:
		to.low = uint64(v.ToI64())
	case wasmer.TypeV128:
		to.low, to.high = v.ToV128()
	case wasmer.TypeFuncRef:
		if v.ToFunc() != nil {
			to.low = 1
		}
	case wasmer.TypeExternRef:
		if number, ok := v.ToExternRef().(external); ok {
			to.low = uint64(number)
		} else if !v.IsNull() {
			to.high = math.MaxUint64 // equal to none
		}
	}
	return to
}

// to makes the package's value. Function is what a function that is one stands for.
func (v value) to(function *wasmer.Function) wasmer.Value {
	switch v.kind {
	case wasmer.TypeI32:
		return wasmer.I32(int32(uint32(v.low)))
	case wasmer.TypeF32:
		return wasmer.F32(math.Float32frombits(uint32(v.low)))
	case wasmer.TypeF64:
		return wasmer.F64(math.Float64frombits(v.low))
	case wasmer.TypeV128:
		return wasmer.V128(v.low, v.high)
	case wasmer.TypeFuncRef:
		if v.low == 0 {
			return wasmer.FuncRef(nil)
		}
		return wasmer.FuncRef(function)
	case wasmer.TypeExternRef:
		if v.low == 0 {
			return wasmer.ExternRef(nil)
		}
		return wasmer.ExternRef(external(v.low))
	default:
		return wasmer.I64(int64(v.low))
	}
}

// references converts references to slots and back: an instance, or the view that its host
// functions have.
type references interface {
	ValueToSlots(wasmer.Value, []uint64) error
	ValueFromSlots(wasmer.ValueType, []uint64) (wasmer.Value, error)
}

// slotsOf is how many slots values of a type take.
func slotsOf(t wasmer.ValueType) int {
	if t == wasmer.TypeV128 {
		return 2
	}
	return 1
}

// fromSlots reads values of types from slots. That values of 32 bits are zero-extended is checked
// here.
func fromSlots(by references, types []wasmer.ValueType, slots []uint64) ([]value, error) {
	values := make([]value, len(types))
	for i, t := range types {
		size := slotsOf(t)
		if (t == wasmer.TypeI32 || t == wasmer.TypeF32) && slots[0]>>32 != 0 {
			return nil, fmt.Errorf("value %d: slot %#x of type %v", i, slots[0], t)
		}
		v, err := by.ValueFromSlots(t, slots[:size])
		if err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
		values[i], slots = of(v), slots[size:]
	}
	return values, nil
}

// toSlots writes values to slots.
func toSlots(by references, values []value, function *wasmer.Function, slots []uint64) error {
	for _, v := range values {
		if err := by.ValueToSlots(v.to(function), slots); err != nil {
			return err
		}
		slots = slots[slotsOf(v.kind):]
	}
	return nil
}

// The hashes are those of rust/fuzz/src/rng.rs.

// mix is one step of a hash.
func mix(hash, word uint64) uint64 {
	return (bits.RotateLeft64(hash, 23) ^ word) * 0x9e37_79b9_7f4a_7c15
}

// hashBytes hashes the bytes of a memory.
func hashBytes(bytes []byte) uint64 {
	hash := uint64(len(bytes)) ^ 0x51_7c_c1_b7_27_22_0a_95
	for ; len(bytes) >= 8; bytes = bytes[8:] {
		hash = mix(hash, binary.LittleEndian.Uint64(bytes))
	}
	for _, b := range bytes {
		hash = mix(hash, uint64(b))
	}
	return hash
}
