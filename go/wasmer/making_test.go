package wasmer_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Functions of an instance that is just being made are found in a table that others share: they can
// be called, with all that a call needs, or are refused.
func TestFunctionsOfInstancesInTheMaking(t *testing.T) {
	module := wat(t, `(module
		(import "env" "table" (table 1 funcref))
		(import "env" "host" (func $host (result i32)))
		(memory 1)
		(func $load (param i32) (result i32) (i32.add (i32.load (local.get 0)) (call $host)))
		(func (export "unused"))
		(elem (i32.const 0) func $load))`)
	failing := wat(t, `(module
		(import "env" "table" (table 1 funcref))
		(func $f (param i32) (result i32) (local.get 0))
		(memory 1)
		(elem (i32.const 0) func $f)
		(data (i32.const 65536) "x"))`)
	table := must(wasmer.NewTable(wasmer.TypeFuncRef, 1, 1))(t)
	defer table.Close()
	imports := must(must(wasmer.NewImports().AppendTable("table", table))(t).Append("host", func() int32 { return 7 }))(t)
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(done)
		for i := range rounds {
			if i%3 == 0 {
				if _, err := failing.InstantiateWithImports(imports); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) {
					t.Errorf("a segment that does not fit: %v", err)
				}
				continue
			}
			instance, err := module.InstantiateWithImports(imports)
			if err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
			if i%2 == 0 {
				instance.Close()
			}
		}
	})
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				value, err := table.Get(0)
				if err != nil {
					t.Error(err)
					return
				}
				function := value.ToFunc()
				if function == nil {
					continue
				}
				results, err := function.Call(t.Context(), 0)
				if err == nil && results[0].ToI32() != 7 {
					t.Errorf("%v, expected 7", results)
				} else if err != nil && !errors.Is(err, wasmer.ErrClosed) {
					t.Error(err)
				}
				if _, err := function.Call(t.Context(), 65536); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) && !errors.Is(err, wasmer.ErrClosed) {
					t.Errorf("an address outside: %v", err)
				}
			}
		})
	}
	group.Wait()
}

// When the last instance of a store is closed all values go, also if another was to be linked with
// it, and that failed.
func TestValuesGoWithTheLastInstance(t *testing.T) {
	module := wat(t, `(module
		(table (export "table") 1 externref)
		(global $kept (export "kept") (mut externref) (ref.null extern))
		(func (export "keep") (param externref) (global.set $kept (local.get 0))))`)
	other := wat(t, `(module (import "env" "table" (table 1 externref)) (import "env" "none" (global i32)))`)
	instance := must(module.Instantiate())(t)
	imports := must(wasmer.NewImports().AppendTable("table", must(instance.Table("table"))(t)))(t)
	wrong := must(wasmer.NewGlobal(wasmer.TypeI64, false, wasmer.I64(1)))(t)
	defer wrong.Close()
	for range 3 {
		if _, err := other.InstantiateWithImports(must(replace(imports).AppendGlobal("none", wrong))(t)); err == nil {
			t.Fatal("a global of another type: no error")
		}
	}
	value := &struct{ padding [64]byte }{}
	kept := weak.Make(value)
	call(t, instance, "keep", value)
	value = nil
	instance.Close()
	for range 3 {
		runtime.GC()
	}
	if kept.Value() != nil {
		t.Error("the value is kept after the last instance was closed")
	}
	runtime.KeepAlive(instance)
}

// replace copies imports.
func replace(imports *wasmer.Imports) *wasmer.Imports {
	object := wasmer.NewImportObject()
	if err := object.Extend(*imports); err != nil {
		panic(err)
	}
	copied, err := object.Imports()
	if err != nil {
		panic(err)
	}
	return copied
}

// To make an instance and to close it costs little: what only instances need that are linked with
// others, or have values of externref, is made when it is needed.
func TestInstantiationAllocatesLittle(t *testing.T) {
	module := wat(t, `(module (memory (export "memory") 1) (func (export "f")) (func (export "g")))`)
	if n := testing.AllocsPerRun(100, func() {
		instance, err := module.Instantiate()
		if err != nil {
			t.Error(err)
		}
		instance.Close()
	}); n > 16 {
		t.Errorf("%v allocations, expected 14, or 16 by Go 1.25", n)
	}
}
