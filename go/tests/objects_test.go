package tests

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Functions as values, tables and globals between instances: C function pointers reached by a
// shared table, and what is left behind.

// objectsGuest reads one of the guests of testdata/guests.
func objectsGuest(t testing.TB, name string) []byte {
	t.Helper()
	bytes, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// A C function pointer in a table that an instance shares which is entered without cgo: it is
// called by cgo all the same, in all ways to reach it.
func TestCFunctionsInSharedTables(t *testing.T) {
	needsCgo(t)
	if !inChild(t, childOptions{}) {
		return
	}
	set := wasmer.NewImports()
	if _, err := set.Append("add", func(_ unsafe.Pointer, a, b int32) int32 { return a + b }, cfuncs.Add()); err != nil {
		t.Fatal(err)
	}
	// (module (import "env" "add" (func (param i32 i32) (result i32))) (export "add" (func 0)))
	direct := compile(t, []byte("\x00asm\x01\x00\x00\x00\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x02\x0b\x01\x03env\x03add\x00\x00\x07\x07\x01\x03add\x00\x00"))
	defer direct.Close()
	// (module (import "env" "table" (table 2 funcref)) (func (export "f") (param i32 i32) (result
	// i32) local.get 0 local.get 1 i32.const 1 call_indirect (type 0)))
	indirect := compile(t, []byte("\x00asm\x01\x00\x00\x00\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x02\x0f\x01\x03env\x05table\x01\x70\x00\x02\x03\x02\x01\x00"+
		"\x07\x05\x01\x01f\x00\x00\x0a\x0d\x01\x0b\x00\x20\x00\x20\x01\x41\x01\x11\x00\x00\x0b"))
	defer indirect.Close()
	expectSteady(t, 1, func() {
		table, err := wasmer.NewTable(wasmer.TypeFuncRef, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		defer table.Close()
		tables, err := wasmer.NewImports().AppendTable("table", table)
		if err != nil {
			t.Fatal(err)
		}
		caller, owner := start(t, indirect, tables), start(t, direct, set)
		defer caller.Close()
		defer owner.Close()
		if _, err := caller.Exports["f"](1, 2); !errors.Is(err, wasmer.ErrIndirectCallToNull) {
			t.Errorf("a null element: %v", err)
		}
		add, err := owner.Function("add")
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Set(1, wasmer.FuncRef(add)); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if value, err := caller.Exports["f"](i, 2); err != nil || value.ToI32() != int32(i)+2 {
				t.Fatalf("f(%d, 2) = %v, %v", i, value, err)
			}
		}
		value, err := table.Get(1)
		if err != nil {
			t.Fatal(err)
		}
		if results, err := value.ToFunc().Call(t.Context(), 3, 4); err != nil || results[0].ToI32() != 7 {
			t.Errorf("the function of the table: %v, %v", results, err)
		}
		inParallel(4, func(int) {
			for range 100 {
				if value, err := caller.Exports["f"](5, 6); err != nil || value.ToI32() != 11 {
					t.Errorf("f(5, 6) = %v, %v", value, err)
				}
			}
		})
	})
}

// Objects that are closed, and objects that are dropped, leave nothing behind.
func TestObjectsLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	module := compile(t, objectsGuest(t, "objects"))
	defer module.Close()
	round := func(closing bool) {
		a, b := start(t, module, nil), start(t, module, nil)
		table, err := a.Table("functions")
		if err != nil {
			t.Fatal(err)
		}
		global, err := wasmer.NewGlobal(wasmer.TypeExternRef, true, wasmer.ExternRef(&a))
		if err != nil {
			t.Fatal(err)
		}
		function, err := b.Function("double")
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Set(3, wasmer.FuncRef(function)); err != nil { // links both instances
			t.Fatal(err)
		}
		if err := global.Set(wasmer.FuncRef(function)); err == nil {
			t.Error("a funcref in a global of type externref")
		}
		call(t, &a, "keep_extern", &b)
		if value := call(t, &a, "call", 3, 4); value.ToI32() != 8 {
			t.Errorf("call = %v", value)
		}
		if closing {
			a.Close()
			b.Close()
			global.Close()
		}
	}
	rounds := pick(2_000, 300)
	for range rounds / 5 {
		round(true)
	}
	before := measure(t)
	for i := range rounds {
		round(i%10 != 0)
		if i%100 == 0 {
			runtime.GC()
		}
	}
	expectBack(t, before)
}
