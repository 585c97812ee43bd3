package wasmer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file moves the values that are no numbers between Go and slots.

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

// errStale is the error for a handle that no value belongs to.
var errStale = errors.New("the slot is no reference to a value of the host, expected 0 (null) or one that was got from here")

// encodeV128 writes a v128: [16]byte or [2]uint64, lowest byte and half first, or a Value of this type.
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

// encodeReference writes a reference and says whether the Go value can stand for the type:
//
//	funcref    nil, *Function, Value of type funcref
//	externref  everything, but no Value of another type
//
// The error is about a function of an instance that is closed.
func (s *instanceState) encodeReference(slot *uint64, t engine.ValType, argument interface{}) (ok bool, err error) {
	value, isValue := argument.(Value)
	if t == engine.ExternRef {
		switch {
		case !isValue:
			s.store.newReference(slot, held(argument))
		case value.valueType == TypeExternRef:
			s.store.newReference(slot, value.ref)
		default:
			return false, nil
		}
		return true, nil
	}
	var f *exportedFunction
	switch v := argument.(type) {
	case nil:
	case *Function:
		if v != nil {
			f = v.inner
		}
	case Value:
		f, _ = v.ref.(*exportedFunction)
		if v.valueType != TypeFuncRef {
			return false, nil
		}
	default:
		return false, nil
	}
	reference, err := s.slotOfFunction(f)
	if err == nil {
		*slot = reference
	}
	return true, err
}

// encode writes arguments of all types into slots.
func (f *exportedFunction) encode(slots unsafe.Pointer, arguments []interface{}) error {
	at := 0
	for i, argument := range arguments {
		var ok bool
		var err error
		switch t := f.typ.Params[i]; t {
		case engine.V128:
			ok = encodeV128(slotAt(slots, at), slotAt(slots, at+1), argument)
			at++
		case engine.FuncRef, engine.ExternRef:
			ok, err = f.instance.encodeReference(slotAt(slots, at), t, argument)
		default:
			ok = encodeArgument(slotAt(slots, at), t, argument)
		}
		if err != nil {
			return f.failed(fmt.Errorf("argument #%d: %w", i+1, err))
		}
		if !ok {
			return f.badArgument(i, argument)
		}
		at++
	}
	return nil
}

// decode reads values of all types from slots.
func (s *instanceState) decode(slots unsafe.Pointer, types []engine.ValType) ([]Value, error) {
	values, at := make([]Value, len(types)), 0
	for i, t := range types {
		var err error
		if values[i], err = s.decodeOne(slots, at, t); err != nil {
			return nil, err
		}
		at += t.Slots()
	}
	return values, nil
}

func (s *instanceState) decodeOne(slots unsafe.Pointer, at int, t engine.ValType) (Value, error) {
	slot := *slotAt(slots, at)
	switch t {
	case engine.V128:
		return V128(slot, *slotAt(slots, at+1)), nil
	case engine.FuncRef:
		f, err := s.functionAt(slot)
		return valueOfFunction(f), err
	case engine.ExternRef:
		value, ok := s.store.referent(slot)
		if !ok {
			return Value{}, errStale
		}
		return Value{ref: value, valueType: TypeExternRef}, nil
	default:
		return valueFromSlot(slot, t), nil
	}
}

// ValueToSlots writes a value as it is passed on raw slots, by [Function.CallSlots] and [HostFunc]: a v128 takes the first two slots, the low half first, all
// others take the first. A reference is a number that means something to this instance, and those linked with it, only: 0 is null. A function of an instance that is not
// linked with this one is from now on: see [Function].
//
// What an externref stands for is kept until the reference is passed to a call by [Function.CallSlots], and then as long as a guest can reach it; one that is passed to
// none is kept as long as the instances are. In a host function use [InstanceContext.ValueToSlots] instead. The error matches [ErrClosed]: this
// instance, or that of the function, is closed; or there are too few slots.
func (instance *Instance) ValueToSlots(value Value, slots []uint64) error {
	if instance == nil || instance.inner == nil || instance.inner.life.isClosed() {
		return instanceError("Cannot write the value", closedError("instance"))
	}
	return instance.inner.valueToSlots(value, slots, true)
}

// ValueFromSlots reads a value of a type from raw slots; see [Instance.ValueToSlots]. What an externref among the results of [Function.CallSlots] stands for is kept
// until it was read here once, or passed to another call: read each of them. The error is that the slot is no reference of the type, this
// instance is closed, or there are too few slots.
func (instance *Instance) ValueFromSlots(valueType ValueType, slots []uint64) (Value, error) {
	if instance == nil || instance.inner == nil || instance.inner.life.isClosed() {
		return Value{}, instanceError("Cannot read the value", closedError("instance"))
	}
	value, err := instance.inner.valueFromSlots(valueType, slots)
	if err == nil && valueType == TypeExternRef {
		instance.inner.store.unpin(slots[0])
	}
	return value, err
}

// ValueToSlots writes a value into the slots of a host function that [HostFunc] has made; see [Instance.ValueToSlots].
func (instanceContext *InstanceContext) ValueToSlots(value Value, slots []uint64) error {
	if instanceContext == nil || instanceContext.instance == nil {
		return instanceError("Cannot write the value", closedError("instance"))
	}
	return instanceContext.instance.valueToSlots(value, slots, false)
}

// ValueFromSlots reads a value of a type from the slots of a host function that [HostFunc] has made; see [Instance.ValueFromSlots].
func (instanceContext *InstanceContext) ValueFromSlots(valueType ValueType, slots []uint64) (Value, error) {
	if instanceContext == nil || instanceContext.instance == nil {
		return Value{}, instanceError("Cannot read the value", closedError("instance"))
	}
	return instanceContext.instance.valueFromSlots(valueType, slots)
}

// valueToSlots writes a value. A reference to a value of the host is pinned if the slots are not those of a host call.
func (s *instanceState) valueToSlots(value Value, slots []uint64, pin bool) error {
	t, err := slotsFor(value.valueType, slots)
	if err != nil {
		return instanceError("Cannot write the value", err)
	}
	if pin && t == engine.ExternRef {
		slots[0] = s.store.useSpace().Pinned(value.ref)
		return nil
	}
	switch t {
	case engine.V128:
		slots[0], slots[1] = value.bits, value.high()
	case engine.FuncRef, engine.ExternRef:
		if _, err := s.encodeReference(&slots[0], t, value); err != nil {
			return instanceError("Cannot write the value", err)
		}
	default:
		slots[0] = value.bits
	}
	return nil
}

func (s *instanceState) valueFromSlots(valueType ValueType, slots []uint64) (Value, error) {
	t, err := slotsFor(valueType, slots)
	if err != nil {
		return Value{}, instanceError("Cannot read the value", err)
	}
	value, err := s.decodeOne(unsafe.Pointer(unsafe.SliceData(slots)), 0, t)
	if err != nil {
		return Value{}, instanceError("Cannot read the value", err)
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
