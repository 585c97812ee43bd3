package tests

import (
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// The Go functions below only tell the types of the C functions of their names.

func cAdd(_ unsafe.Pointer, a, b int32) int32 { return a + b }
func cGo(_ unsafe.Pointer, n int32) int32     { return n }
func cMix(_ unsafe.Pointer, _ int32, _ int64, _ float32, _ float64, _ int32, _ int64, _ float32, _ float64, _, _ int64) float64 {
	return 0
}

func cRegisters(_ unsafe.Pointer, _ float32, _ int32, _ float64, _ int64, _ int32, _ float64, _ int64) float32 {
	return 0
}

// cImports gives env.host and the C functions that c_imports.wat imports.
func cImports(t testing.TB, host hostFunction) *wasmer.Imports {
	t.Helper()
	set := imports(t, host)
	for _, f := range []struct {
		name           string
		implementation any
		pointer        unsafe.Pointer
	}{
		{"c_add", cAdd, cfuncs.Add()},
		{"c_mix", cMix, cfuncs.Mix()},
		{"c_registers", cRegisters, cfuncs.Registers()},
		{"c_go", cGo, cfuncs.Go()},
	} {
		if _, err := set.Append(f.name, f.implementation, f.pointer); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// cGuest makes an instance of c_imports.wat; onGo, if not nil, is what its C function c_go calls. It travels as the instance's data.
// The caller closes the instance.
func cGuest(t testing.TB, host hostFunction, onGo func(instance *wasmer.Instance, n int32) int32) *wasmer.Instance {
	t.Helper()
	instance := start(t, compiled(t, "c_imports"), cImports(t, host))
	if onGo != nil {
		instance.SetContextData(func(n int32) int32 { return onGo(&instance, n) })
	}
	return &instance
}

func init() {
	cfuncs.OnGo(func(pointer unsafe.Pointer, n int32) int32 {
		instance := wasmer.IntoInstanceContext(pointer)
		if f, ok := instance.Data().(func(int32) int32); ok {
			return f(n)
		}
		return n + 1
	})
}
