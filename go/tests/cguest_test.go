package tests

import (
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// The Go functions below tell the types of the C functions of their names, and do the same. Without
// cgo they take the place of the C functions.

func cAdd(_ unsafe.Pointer, a, b int32) int32 { return a + b }

func cGo(pointer unsafe.Pointer, n int32) int32 {
	instance := wasmer.IntoInstanceContext(pointer)
	if f, ok := instance.Data().(func(int32) int32); ok {
		return f(n)
	}
	return n + 1
}

func cMix(_ unsafe.Pointer, a int32, b int64, c float32, d float64, e int32, f int64, g float32, h float64, i, j int64) float64 {
	return float64(a) + float64(b) + float64(c) + d + float64(e) + float64(f) + float64(g) + h + float64(i) + float64(j)
}

func cRegisters(_ unsafe.Pointer, a float32, b int32, c float64, d int64, e int32, f float64, g int64) float32 {
	return float32(float64(a) + float64(b) + c + float64(d) + float64(e) + f + float64(g))
}

func init() { cfuncs.OnGo(cGo) }

// needsCgo skips a test that is about C.
func needsCgo(t testing.TB) {
	t.Helper()
	if !cfuncs.Available {
		t.Skip("needs cgo")
	}
}

// cImports gives env.host and the C functions that c_imports.wat imports, as Go functions without
// cgo.
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
		var pointers []unsafe.Pointer
		if cfuncs.Available {
			pointers = append(pointers, f.pointer)
		}
		if _, err := set.Append(f.name, f.implementation, pointers...); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// cGuest makes an instance of c_imports.wat; onGo, if not nil, is what its C function c_go calls.
// It travels as the instance's data. The caller closes the instance.
func cGuest(t testing.TB, host hostFunction, onGo func(instance *wasmer.Instance, n int32) int32) *wasmer.Instance {
	t.Helper()
	instance := start(t, compiled(t, "c_imports"), cImports(t, host))
	if onGo != nil {
		instance.SetContextData(func(n int32) int32 { return onGo(&instance, n) })
	}
	return &instance
}
