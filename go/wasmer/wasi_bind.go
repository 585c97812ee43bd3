package wasmer

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

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

// wasiBinding is what the WASI functions of an instance act on: a System, which a pool replaces
// between two uses of the instance.
type wasiBinding struct {
	system atomic.Pointer[wasi.System]
	origin int64 // when the clock began that the engine reads for the guest
	shared bool  // the engine reads it
}

// bindWasi makes a binding to begin with, at a time of the clock that never goes back.
func bindWasi(system *wasi.System, clock int64) *wasiBinding {
	// The engine and package wasi go by one clock: which of both reads it for the guest depends on
	// the depth of its stack.
	b := &wasiBinding{origin: engine.ClockMonotonic() - 1 - clock}
	b.shared = system.ShareClock(b.clock)
	b.system.Store(system)
	return b
}

func (b *wasiBinding) clock() int64 { return engine.ClockMonotonic() - b.origin }

// replace puts a System in place of the one before, which is closed. It reports false, and does
// nothing, if the engine reads the system's clocks for the guest, and these are to be others. No
// function may be running.
func (b *wasiBinding) replace(system *wasi.System) bool {
	if !system.ShareClock(b.clock) && b.shared {
		return false
	}
	b.close()
	b.system.Store(system)
	return true
}

// close closes what the guest has open.
func (b *wasiBinding) close() { _ = b.system.Load().Close() }

// functions returns the WASI functions of a namespace that are wanted, as items to import.
func (b *wasiBinding) functions(namespace string, wanted func(core.Name) bool) map[core.Name]core.Item {
	items := make(map[core.Name]core.Item)
	for _, f := range wasi.Functions(namespace) {
		name := core.Name{Namespace: namespace, Name: f.Name}
		if !wanted(name) {
			continue
		}
		host := b.function(f).host
		if b.shared && f.Name == wasi.ClockTimeGet {
			host.Intrinsic = engine.ClockRead(b.origin)
		}
		items[name] = host
	}
	return items
}

// wasiImportObject makes an ImportObject of the functions of some namespaces.
func wasiImportObject(system *wasi.System, namespaces ...string) *ImportObject {
	b := bindWasi(system, 0)
	items := make(map[core.Name]core.Item)
	for _, namespace := range namespaces {
		maps.Copy(items, b.functions(namespace, func(core.Name) bool { return true }))
	}
	return &ImportObject{imports: &Imports{core.NewRegistry(items), defaultNamespace}}
}

// snapshot returns the time of the guest, for a snapshot, or why there can be none.
func (b *wasiBinding) snapshot() (int64, error) {
	if fd, opened := b.system.Load().Opened(); opened {
		return 0, fmt.Errorf("the guest has opened the file descriptor %d, which a snapshot cannot keep; have it closed before", fd)
	}
	return b.clock(), nil
}

// imports returns what a module imports of WASI, and all of other imports, which are preferred.
func (b *wasiBinding) imports(about *core.About, others *Imports) (*Imports, error) {
	wanted := make(map[core.Name]bool)
	for i := range about.Imports {
		wanted[core.Name{Namespace: about.Imports[i].Namespace, Name: about.Imports[i].Name}] = true
	}
	items := make(map[core.Name]core.Item)
	for _, namespace := range [...]string{wasi.Snapshot0, wasi.Snapshot1} {
		maps.Copy(items, b.functions(namespace, func(name core.Name) bool { return wanted[name] }))
	}
	added, err := others.registry().Items()
	if err != nil {
		return nil, err
	}
	maps.Copy(items, added)
	return &Imports{core.NewRegistry(items), defaultNamespace}, nil
}

// function makes a host function on raw slots.
func (b *wasiBinding) function(f wasi.Function) HostFunction {
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
		system := b.system.Load()
		if system.LendsMemory() {
			c.call.Instance().ShowInCall()
		}
		slots[0] = uint64(call(system, (*wasiGuest)(c), slots))
		return nil
	})
}
