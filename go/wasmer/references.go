package wasmer

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file moves the values that are no numbers between Go and slots.

// encodeV128 writes a v128: [16]byte or [2]uint64, lowest byte and half first, or a Value of this
// type.
func encodeV128(low, high *uint64, argument interface{}) bool {
	switch v := argument.(type) {
	case Value:
		*low, *high = v.bits, v.high()
		return v.valueType == TypeV128
	case [16]byte:
		*low, *high = binary.LittleEndian.Uint64(v[:8]), binary.LittleEndian.Uint64(v[8:])
	case [2]uint64:
		*low, *high = v[0], v[1]
	default:
		return false
	}
	return true
}

// encodeReference writes a reference and reports whether the Go value can stand for the type:
//
//	funcref    nil, *Function, Value of type funcref
//	externref  everything, but no Value of another type
//	exnref     nil, *Exception, Value of type exnref
//
// The error is about a function of an instance that is closed.
func encodeReference(s *core.Instance, slot *uint64, t engine.ValType, argument interface{}) (ok bool, err error) {
	value, isValue := argument.(Value)
	if t == engine.ExternRef {
		switch {
		case !isValue:
			s.PutReference(slot, held(argument))
		case value.valueType == TypeExternRef:
			s.PutReference(slot, value.ref)
		default:
			return false, nil
		}
		return true, nil
	}
	if t == engine.ExnRef {
		var e *core.Exception
		switch v := argument.(type) {
		case nil:
		case *Exception:
			e = v.made()
		case Value:
			if v.valueType != TypeExnRef {
				return false, nil
			}
			e, _ = v.ref.(*core.Exception)
		default:
			return false, nil
		}
		return true, s.PutException(slot, e)
	}
	var f *core.Function
	switch v := argument.(type) {
	case nil:
	case *Function:
		if v != nil {
			f = v.inner
		}
	case Value:
		f, _ = v.ref.(*core.Function)
		if v.valueType != TypeFuncRef {
			return false, nil
		}
	default:
		return false, nil
	}
	reference, err := s.SlotOf(f)
	if err == nil {
		*slot = reference
	}
	return true, err
}

// rules are what arguments of a call may be.
type rules struct {
	encode func(slot *uint64, t engine.ValType, argument interface{}) bool
	refuse func(f *core.Function, i int, argument interface{}) error
}

// encode writes arguments of all types into slots.
func encode(f *core.Function, slots unsafe.Pointer, arguments []interface{}, r *rules) error {
	at := 0
	for i, argument := range arguments {
		var ok bool
		var err error
		switch t := f.Type().Params[i]; t {
		case engine.V128:
			ok = encodeV128(core.SlotAt(slots, at), core.SlotAt(slots, at+1), argument)
			at++
		case engine.FuncRef, engine.ExternRef, engine.ExnRef:
			ok, err = encodeReference(f.Instance(), core.SlotAt(slots, at), t, argument)
		default:
			ok = r.encode(core.SlotAt(slots, at), t, argument)
		}
		if err != nil {
			return failed(f, fmt.Errorf("argument #%d: %w", i+1, err))
		}
		if !ok {
			return r.refuse(f, i, argument)
		}
		at++
	}
	return nil
}

// decode reads values of all types from slots.
func decode(s *core.Instance, slots unsafe.Pointer, types []engine.ValType) ([]Value, error) {
	values, at := make([]Value, len(types)), 0
	for i, t := range types {
		var err error
		if values[i], err = decodeOne(s, slots, at, t); err != nil {
			return nil, err
		}
		at += t.Slots()
	}
	return values, nil
}

func decodeOne(s *core.Instance, slots unsafe.Pointer, at int, t engine.ValType) (Value, error) {
	slot := *core.SlotAt(slots, at)
	switch t {
	case engine.V128:
		return V128(slot, *core.SlotAt(slots, at+1)), nil
	case engine.FuncRef:
		f, err := s.FunctionAt(slot)
		return valueOfFunction(f), err
	case engine.ExternRef:
		value, err := s.Referent(slot)
		if err != nil {
			return Value{}, err
		}
		return Value{ref: value, valueType: TypeExternRef}, nil
	case engine.ExnRef:
		e, err := s.ExceptionAt(slot)
		return valueOfException(e), err
	default:
		return valueFromSlot(slot, t), nil
	}
}

// valueToSlots writes a value. A reference to a value of the host is pinned if the slots are not
// those of a host call.
func valueToSlots(s *core.Instance, value Value, slots []uint64, pin bool) error {
	t, err := slotsFor(value.valueType, slots)
	if err != nil {
		return instanceError("cannot write the value", err)
	}
	if pin && t == engine.ExternRef {
		slots[0] = s.PinnedReference(value.ref)
		return nil
	}
	if pin && t == engine.ExnRef {
		e, _ := value.ref.(*core.Exception)
		exception, err := s.PinnedException(e)
		if err != nil {
			return instanceError("cannot write the value", err)
		}
		slots[0] = uint64(exception)
		return nil
	}
	switch t {
	case engine.V128:
		slots[0], slots[1] = value.bits, value.high()
	case engine.FuncRef, engine.ExternRef, engine.ExnRef:
		if _, err := encodeReference(s, &slots[0], t, value); err != nil {
			return instanceError("cannot write the value", err)
		}
	default:
		slots[0] = value.bits
	}
	return nil
}

func valueFromSlots(s *core.Instance, valueType ValueType, slots []uint64) (Value, error) {
	t, err := slotsFor(valueType, slots)
	if err != nil {
		return Value{}, instanceError("cannot read the value", err)
	}
	value, err := decodeOne(s, unsafe.Pointer(unsafe.SliceData(slots)), 0, t)
	if err != nil {
		return Value{}, instanceError("cannot read the value", err)
	}
	return value, nil
}

// slotsFor returns the engine's type if there are enough slots.
func slotsFor(valueType ValueType, slots []uint64) (engine.ValType, error) {
	if !valueType.isValue() {
		return 0, fmt.Errorf("it is of type `%s`, expected a type of WebAssembly", valueType)
	}
	t := engineTypes[valueType]
	if len(slots) < t.Slots() {
		return 0, fmt.Errorf("%d slots are given, expected %d for a value of type `%s`", len(slots), t.Slots(), valueType)
	}
	return t, nil
}
