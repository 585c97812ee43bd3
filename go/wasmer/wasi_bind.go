package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// This file makes the functions of package wasi host functions.

// wasiGuest shows an instance to package wasi.
type wasiGuest InstanceContext

// Memory gives the bytes of memory 0, none if there is no memory. The instance is being called and thus alive, and its memory too.
func (g *wasiGuest) Memory() []byte {
	memory := g.instance.first.Load()
	if memory == nil {
		if memory = g.instance.memory0(); memory == nil {
			return nil
		}
	}
	if definition := memory.inner.definition.Load(); definition != nil {
		return definition.Bytes()
	}
	return memory.inner.get().Bytes()
}

// Context gives that of the call.
func (g *wasiGuest) Context() context.Context { return (*InstanceContext)(g).Context() }

// wasiImportObject makes an ImportObject of the functions of some namespaces.
func wasiImportObject(system *wasi.System, namespaces ...string) *ImportObject {
	object := NewImportObject()
	for _, namespace := range namespaces {
		for _, f := range wasi.Functions(namespace) {
			object.imports.set.entries[importName{namespace, f.Name}] = ImportFunction{host: wasiFunction(system, f).host}
		}
	}
	return object
}

// wasiFunction makes a host function on raw slots.
func wasiFunction(system *wasi.System, f wasi.Function) HostFunction {
	params := make([]ValueType, len(f.Params))
	for i, letter := range f.Params {
		params[i] = TypeI32
		if letter == 'I' {
			params[i] = TypeI64
		}
	}
	call := f.Call
	if call == nil {
		return HostFunc(params, nil, func(_ *InstanceContext, slots []uint64) error { return &ExitError{Code: uint32(slots[0])} })
	}
	return HostFunc(params, []ValueType{TypeI32}, func(c *InstanceContext, slots []uint64) error {
		slots[0] = uint64(call(system, (*wasiGuest)(c), slots))
		return nil
	})
}
