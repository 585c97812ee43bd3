package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Instance is a module that has memories, tables and globals, and whose functions can be called.
// Copies of an Instance are the same instance; the zero Instance is closed. All methods and
// exported functions may be used by many goroutines at once; see [Function].
type Instance struct {
	// Exports holds all exported functions by their names. A name that no function has is nil, and
	// calling it panics: [Instance.Function] returns an error that lists similar names. They may be
	// called by many goroutines at once, and from within host functions. They keep the instance
	// alive.
	//
	// An argument is a Go value that can stand for the type of the parameter: for i32 an int8,
	// int16, int32, uint8, uint16, uint32, or an int or uint within -2^31 .. 2^32-1; for i64 any
	// integer; for f32 a float32; for f64 a float32 or float64; for each a [Value] of exactly this
	// type. Unsigned values are taken bit for bit.
	//
	// The result is a [Value] of the type of the function's result, or of type [TypeVoid] if it has
	// none. A function with several results is not called, which is an error: get it by
	// [Instance.Function], and all results by [Function.Call].
	//
	// The error is an [*ExportedFunctionError]; see [Function.Call]. A call allocates nothing but
	// what the conversion of its arguments to interfaces does.
	Exports map[string]func(...interface{}) (Value, error)

	// Memory is the first memory that the instance exports, or nil. It is closed with the instance.
	Memory *Memory

	inner *core.Instance
}

// made returns the instance of package core, nil if it was never made.
func (instance *Instance) made() *core.Instance {
	if instance == nil {
		return nil
	}
	return instance.inner
}

// instanceOf returns what users get of an instance, the same each time; nil for nil.
func instanceOf(instance *core.Instance) *Instance {
	if instance == nil {
		return nil
	}
	return core.Face(&instance.Faces, func(shown *Instance) {
		*shown = Instance{makeExports(instance.Functions()), memoryOf(instance.ExportedMemory()), instance}
	})
}

func notFound(what, name string, cause error) error {
	return instanceError("cannot find the "+what+" `"+name+"`", cause)
}

// Function returns an exported function by its name. The error is an [*InstanceError]: the instance
// exports no function of this name, in which case similar names are listed, or is closed.
func (instance *Instance) Function(name string) (*Function, error) {
	s := instance.made()
	if s == nil || s.IsClosed() {
		return nil, notFound("function", name, closedError("instance"))
	}
	f := s.Function(name)
	if f == nil {
		return nil, notFound("function", name, noFunction(s, name))
	}
	return functionOf(f), nil
}

// Functions returns all exported functions, in the order of the module's exports; each has its
// name and type. It is nil if the instance is closed.
func (instance *Instance) Functions() []*Function {
	s := instance.made()
	if s == nil || s.IsClosed() {
		return nil
	}
	exported := s.Functions()
	functions := make([]*Function, len(exported))
	for i := range functions {
		functions[i] = functionOf(&exported[i])
	}
	return functions
}

// callNothing calls an exported function without arguments, and drops its results.
func (instance *Instance) callNothing(ctx context.Context, name string) error {
	function, err := instance.Function(name)
	if err == nil {
		_, err = function.Call(ctx)
	}
	return err
}

// IsClosed reports whether the instance was closed, or never made.
func (instance *Instance) IsClosed() bool {
	s := instance.made()
	return s == nil || s.IsClosed()
}

// ExportedMemory returns an exported memory by its name, for instances with several;
// [Instance.Memory] is the first of them. It is closed with the instance. The same memory is the
// same pointer each time. The error is an [*InstanceError]: the instance exports no memory of this
// name, or is closed.
func (instance *Instance) ExportedMemory(name string) (*Memory, error) {
	memory, err := instance.made().Memory(name)
	if err != nil {
		return nil, notFound("memory", name, err)
	}
	return memoryOf(memory), nil
}

// Global returns an exported global by its name. It is closed with the instance, and keeps the
// instance alive. The same global is the same pointer each time. The error is an [*InstanceError]:
// the instance exports no global of this name, or is closed.
func (instance *Instance) Global(name string) (*Global, error) {
	global, err := instance.made().Global(name)
	if err != nil {
		return nil, notFound("global", name, err)
	}
	return globalOf(global), nil
}

// Table returns an exported table by its name. It is closed with the instance, and keeps the
// instance alive. The same table is the same pointer each time. The error is an [*InstanceError]:
// the instance exports no table of this name, or is closed.
func (instance *Instance) Table(name string) (*Table, error) {
	table, err := instance.made().Table(name)
	if err != nil {
		return nil, notFound("table", name, err)
	}
	return tableOf(table), nil
}

// Tag returns an exported tag by its name. It is closed with the instance, and keeps the instance
// alive. The same tag is the same pointer each time. The error is an [*InstanceError]: the instance
// exports no tag of this name, or is closed.
func (instance *Instance) Tag(name string) (*Tag, error) {
	tag, err := instance.made().Tag(name)
	if err != nil {
		return nil, notFound("tag", name, err)
	}
	return tagOf(tag), nil
}

// ValueToSlots writes a value as it is passed on raw slots, by [Function.CallSlots] and [HostFunc]:
// a v128 takes the first two slots, the low half first, all others take the first. A reference is a
// number that means something to this instance, and those linked with it, only: 0 is null. A
// function of an instance that is not linked with this one is from now on: see [Function].
//
// What an externref stands for is kept until the reference is passed to a call by
// [Function.CallSlots], and then as long as a guest can reach it; one that is passed to none is
// kept as long as the instances are. In a host function use [InstanceContext.ValueToSlots] instead.
// The error matches [ErrClosed]: this instance, or that of the function, is closed; or there are
// too few slots.
func (instance *Instance) ValueToSlots(value Value, slots []uint64) error {
	if instance == nil || instance.inner == nil || instance.inner.IsClosed() {
		return instanceError("cannot write the value", closedError("instance"))
	}
	return valueToSlots(instance.inner, value, slots, true)
}

// ValueFromSlots reads a value of a type from raw slots; see [Instance.ValueToSlots]. What an
// externref among the results of [Function.CallSlots] stands for is kept until it was read here
// once, or passed to another call: read each of them. It is an error if the slot is no reference of
// the type, this instance is closed, or there are too few slots.
func (instance *Instance) ValueFromSlots(valueType ValueType, slots []uint64) (Value, error) {
	if instance == nil || instance.inner == nil || instance.inner.IsClosed() {
		return Value{}, instanceError("cannot read the value", closedError("instance"))
	}
	value, err := valueFromSlots(instance.inner, valueType, slots)
	if err == nil && valueType == TypeExternRef {
		instance.inner.Unpin(slots[0])
	}
	return value, err
}

// Close closes the instance and what it exports: functions, memories, globals and tables. Calls
// that are running end as usual, and what the instance holds is freed after the last of them; new
// calls return an error that matches [ErrClosed]. Further calls of Close do nothing. Imports are
// not closed. Other instances that are linked with this one, as they import something of it or have
// its functions in their tables, stay open, and what they can reach of it is freed when the last of
// them is closed. Host functions that they reach so get an [InstanceContext] without memory.
func (instance *Instance) Close() {
	if instance != nil && instance.inner != nil {
		instance.inner.Close()
	}
}
