package wasmer

import (
	"context"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/wasi"
)

// This file makes the functions of package wasi host functions.

// wasiGuest shows an instance to package wasi.
type wasiGuest InstanceContext

// Memory gives the bytes of memory 0, none if there is no memory, or if the instance was closed: guests that are linked with it may go on calling its functions. The
// bytes, and their definition, are there as long as the call, whatever is closed meanwhile.
func (g *wasiGuest) Memory() []byte {
	if memory := g.instance.first.Load(); memory != nil {
		if definition := memory.inner.definition.Load(); definition != nil {
			return definition.Bytes()
		}
	}
	return g.instance.memory0().Data()
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
	function := HostFunc(params, []ValueType{TypeI32}, func(c *InstanceContext, slots []uint64) error {
		slots[0] = uint64(call(system, (*wasiGuest)(c), slots))
		return nil
	})
	if start, ok := system.SystemClock(); ok && f.Name == wasi.ClockTimeGet {
		function.host.readsClock, function.host.clockOrigin = true, clockOrigin(start)
	}
	return function
}

// clockEpoch is one time by the engine's clock and by Go's. The engine's is read first, so that what it tells a guest is never behind what package wasi
// goes by: when a guest is woken at a time, it does not see an earlier one.
var clockEpoch = sync.OnceValue(func() (epoch struct {
	engine int64
	here   time.Time
}) {
	epoch.engine = engine.ClockMonotonic()
	epoch.here = time.Now()
	return epoch
})

// clockOrigin gives the time of the engine's clock that is 0 for a guest whose clock began, at 1 ns, at a time.
func clockOrigin(start time.Time) int64 {
	epoch := clockEpoch()
	return epoch.engine + int64(start.Sub(epoch.here)) - 1
}
