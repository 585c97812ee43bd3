package wasmer

import (
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// This file has the shapes of go-ext-wasm 0.3.1 by which host functions find what belongs to an
// instance.

// IntoInstanceContext makes an InstanceContext of the first argument of a host function. A pointer
// that does not stand for a living instance has no memory and no data.
func IntoInstanceContext(instanceContext unsafe.Pointer) InstanceContext {
	return InstanceContext{core.InstanceOfToken(instanceContext)}
}

// SetContextData sets the data that host functions of the instance get by [InstanceContext.Data].
// It may hold anything, and is shared by all calls of the instance. It may be set at any time; host
// functions that run at that moment see the old or the new data.
func (instance *Instance) SetContextData(data interface{}) {
	if instance != nil && instance.inner != nil {
		instance.inner.Data.Store(&data)
	}
}
