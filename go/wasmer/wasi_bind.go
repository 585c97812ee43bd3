package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// This file makes the functions of package wasi host functions.

// wasiGuest shows an instance to package wasi.
type wasiGuest InstanceContext

// Memory returns the bytes of memory 0: none if there is no memory, or if the instance was closed,
// as guests that are linked with it may call its functions even then. The bytes are there as long
// as the call, whatever is closed meanwhile.
func (g *wasiGuest) Memory() []byte { return g.call.Instance().BytesInCall() }

// Context returns that of the call.
func (g *wasiGuest) Context() context.Context { return (*InstanceContext)(g).Context() }

// wasiImportObject makes an ImportObject of the functions of some namespaces.
func wasiImportObject(system *wasi.System, namespaces ...string) *ImportObject {
	items := make(map[core.Name]core.Item)
	// The engine and package wasi go by one clock: which of both reads it for the guest depends on
	// the depth of its stack.
	origin := engine.ClockMonotonic() - 1
	shared := system.ShareClock(func() int64 { return engine.ClockMonotonic() - origin })
	for _, namespace := range namespaces {
		for _, f := range wasi.Functions(namespace) {
			host := wasiFunction(system, f).host
			if shared && f.Name == wasi.ClockTimeGet {
				host.Intrinsic = engine.ClockRead(origin)
			}
			items[core.Name{Namespace: namespace, Name: f.Name}] = host
		}
	}
	return &ImportObject{imports: &Imports{core.NewRegistry(items), defaultNamespace}}
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
