package wasmer

import (
	"context"
	"sync"
	"unsafe"
	"weak"
)

// InstanceContext is the view of an instance that its host functions have. A host function gets it as first parameter of type
// *InstanceContext, or makes it of a first parameter of type [unsafe.Pointer] by [IntoInstanceContext].
//
// The pointer that a host function gets is valid during its call: Memory and Data may be used later, Context may not.
type InstanceContext struct {
	instance *instanceState
	ctx      context.Context // of the call, nil for none
}

// IntoInstanceContext makes an InstanceContext of the first argument of a host function. A pointer that does not stand for a living instance
// gives a context without memory and data.
func IntoInstanceContext(instanceContext unsafe.Pointer) InstanceContext {
	tokens.RLock()
	instance := tokens.instances[uintptr(instanceContext)]
	tokens.RUnlock()
	return InstanceContext{instance: instance.Value()}
}

// Context returns the context of the call, as given to [Function.Call] and its like, for this host function to wait by and to hand on to nested calls. It is
// [context.Background] in calls by [Instance.Exports] and in what [IntoInstanceContext] returns.
func (instanceContext *InstanceContext) Context() context.Context {
	if instanceContext == nil || instanceContext.ctx == nil {
		return background
	}
	return instanceContext.ctx
}

// Memory returns memory 0 of the instance, be it imported or its own, exported or not; nil if it has none.
func (instanceContext *InstanceContext) Memory() *Memory {
	if instanceContext == nil || instanceContext.instance == nil {
		return nil
	}
	return instanceContext.instance.memory0()
}

// Data returns what [Instance.SetContextData] set last, or nil.
func (instanceContext *InstanceContext) Data() interface{} {
	if instanceContext == nil || instanceContext.instance == nil {
		return nil
	}
	if data := instanceContext.instance.data.Load(); data != nil {
		return *data
	}
	return nil
}

// tokens finds instances by what C functions get as their first argument. The references are weak: an instance can be collected although
// it is listed here, and is taken off the list when it is freed. Only instances with a host function that can ask are listed.
var tokens = struct {
	sync.RWMutex
	instances map[uintptr]weak.Pointer[instanceState]
}{instances: make(map[uintptr]weak.Pointer[instanceState])}

func addToken(token unsafe.Pointer, instance *instanceState) {
	tokens.Lock()
	tokens.instances[uintptr(token)] = weak.Make(instance)
	tokens.Unlock()
}

func removeToken(token unsafe.Pointer) {
	tokens.Lock()
	delete(tokens.instances, uintptr(token))
	tokens.Unlock()
}
