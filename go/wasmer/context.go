package wasmer

import (
	"context"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// InstanceContext is the view of an instance that its host functions have. A host function gets it
// as first parameter of type *InstanceContext, or makes it of a first parameter of type
// [unsafe.Pointer] by [IntoInstanceContext].
//
// The pointer that a host function gets is valid during its call: Memory and Data may be used
// later, Context may not.
type InstanceContext struct {
	call core.Call
}

// contextOf returns the InstanceContext that shows a call. It is the same pointer: an
// InstanceContext is a core.Call and nothing else.
func contextOf(call *core.Call) *InstanceContext { return (*InstanceContext)(unsafe.Pointer(call)) }

// hostCall is a core.HostCall that shows its call to users.
type hostCall func(c *InstanceContext, slots []uint64) error

// forCore returns the function as core calls it, without a call in between: the pointer to the call
// is what contextOf makes of it.
func (call hostCall) forCore() core.HostCall { return *(*core.HostCall)(unsafe.Pointer(&call)) }

// instance returns the instance of package core, nil if there is none.
func (instanceContext *InstanceContext) instance() *core.Instance {
	if instanceContext == nil {
		return nil
	}
	return instanceContext.call.Instance()
}

// Context returns the context of the call, as given to [Function.Call] and its like, for this host
// function to wait by and to hand on to nested calls. It is [context.Background] in calls by
// [Instance.Exports] and in what [IntoInstanceContext] returns.
func (instanceContext *InstanceContext) Context() context.Context {
	if instanceContext == nil {
		return background
	}
	return instanceContext.call.Context()
}

// Instance returns the instance that calls the host function, the same pointer each time; also
// while its start function runs, before the functions that instantiate have returned it. It is the
// way back to the caller: its functions may be called, with the context of
// [InstanceContext.Context]. It is nil for a pointer that does not stand for a living instance, and
// for an instance that is not linked yet, whose functions another one has called through a table
// that both share.
func (instanceContext *InstanceContext) Instance() *Instance {
	if instance := instanceContext.instance(); instance != nil && instance.IsOpened() {
		return instanceOf(instance)
	}
	return nil
}

// Function returns a function that the instance exports; see [Instance.Function].
func (instanceContext *InstanceContext) Function(name string) (*Function, error) {
	return instanceContext.Instance().Function(name)
}

// Table returns a table that the instance exports; see [Instance.Table].
func (instanceContext *InstanceContext) Table(name string) (*Table, error) {
	return instanceContext.Instance().Table(name)
}

// Tag returns a tag that the instance exports; see [Instance.Tag].
func (instanceContext *InstanceContext) Tag(name string) (*Tag, error) {
	return instanceContext.Instance().Tag(name)
}

// Global returns a global that the instance exports; see [Instance.Global].
func (instanceContext *InstanceContext) Global(name string) (*Global, error) {
	return instanceContext.Instance().Global(name)
}

// Memory returns memory 0 of the instance, be it imported or its own, exported or not; nil if it
// has none.
func (instanceContext *InstanceContext) Memory() *Memory {
	if instance := instanceContext.instance(); instance != nil {
		return memoryOf(instance.Memory0())
	}
	return nil
}

// Data returns what [Instance.SetContextData] set last, or nil.
func (instanceContext *InstanceContext) Data() interface{} {
	if instance := instanceContext.instance(); instance != nil {
		if data := instance.Data.Load(); data != nil {
			return *data
		}
	}
	return nil
}

// ValueToSlots writes a value into the slots of a host function that [HostFunc] has made; see
// [Instance.ValueToSlots].
func (instanceContext *InstanceContext) ValueToSlots(value Value, slots []uint64) error {
	if instanceContext.instance() == nil {
		return instanceError("cannot write the value", closedError("instance"))
	}
	return valueToSlots(instanceContext.instance(), value, slots, false)
}

// ValueFromSlots reads a value of a type from the slots of a host function that [HostFunc] has
// made; see [Instance.ValueFromSlots].
func (instanceContext *InstanceContext) ValueFromSlots(
	valueType ValueType, slots []uint64,
) (Value, error) {
	if instanceContext.instance() == nil {
		return Value{}, instanceError("cannot read the value", closedError("instance"))
	}
	return valueFromSlots(instanceContext.instance(), valueType, slots)
}
