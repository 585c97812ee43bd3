package wasmer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// sharedTable has a table that only calls use, which all instances share, and one that it exports,
// of which each has its own.
const sharedTable = `(module
	(type $t (func (result i32)))
	(table $shared 4 funcref)
	(table $own (export "own") 4 funcref)
	(elem (table $shared) (i32.const 0) func $global $memory) (elem (table $shared) (i32.const 1) func $two)
	(elem (table $own) (i32.const 0) func $global $two)
	(memory 1)
	(global $g (mut i32) (i32.const 1))
	(func $global (result i32) (global.get $g))
	(func $memory (result i32) (unreachable))
	(func $two (result i32) (i32.load (i32.const 8)))
	(func (export "set") (param i32)
		(global.set $g (local.get 0)) (i32.store (i32.const 8) (i32.mul (local.get 0) (i32.const 2))))
	(func (export "call") (param i32) (result i32) (call_indirect $shared (type $t) (local.get 0)))
	(func (export "tail") (param i32) (result i32) (return_call_indirect $shared (type $t) (local.get 0)))
	(func (export "other") (param i32) (call_indirect $shared (local.get 0)))
	(func (export "reference") (result funcref) (ref.func $two)))`

// expectShared calls all that the table has, in an instance whose numbers were set.
func expectShared(t *testing.T, instance *wasmer.Instance, number int32) {
	t.Helper()
	for _, export := range []string{"call", "tail"} {
		for element, expected := range []int32{number, 2 * number} {
			if value, err := instance.Exports[export](element); err != nil || value.ToI32() != expected {
				t.Errorf("%s(%d) returned %v, %v, expected %d", export, element, value, err, expected)
			}
		}
		for element, expected := range map[int]wasmer.TrapCode{
			2: wasmer.TrapIndirectCallToNull, 4: wasmer.TrapUndefinedElement, -1: wasmer.TrapUndefinedElement,
		} {
			if _, err := instance.Exports[export](element); !errors.Is(err, expected) {
				t.Errorf("%s(%d) returned the error %v, expected %v", export, element, err, expected)
			}
		}
	}
	if _, err := instance.Exports["other"](0); !errors.Is(err, wasmer.TrapBadSignature) {
		t.Errorf("other(0) returned the error %v, expected %v", err, wasmer.TrapBadSignature)
	}
}

func TestTableThatInstancesShare(t *testing.T) {
	binary := must(wasmer.Wat2Wasm(sharedTable))(t)
	for name, options := range map[string][]wasmer.CompileOption{
		"eager": nil, "lazy": {wasmer.WithLazy()}, "in the background": {wasmer.WithBackground()},
		"explicit bounds": {wasmer.WithExplicitBounds()}, "no optimisation": {wasmer.WithOptLevel(wasmer.OptLevelNone)},
	} {
		t.Run(name, func(t *testing.T) {
			module := must(wasmer.Compile(distinct(binary, t.Name()), options...))(t)
			defer module.Close()
			one, two := must(module.Instantiate())(t), must(module.Instantiate())(t)
			defer two.Close()
			call(t, one, "set", 5)
			call(t, two, "set", 6)
			expectShared(t, &one, 5)
			expectShared(t, &two, 6)

			// A lazy module has other code from now on.
			if err := module.Complete(context.Background()); err != nil {
				t.Fatal(err)
			}
			three := must(module.Instantiate())(t)
			defer three.Close()
			call(t, three, "set", 7)
			expectShared(t, &one, 5)
			expectShared(t, &three, 7)

			snapshot := must(one.Snapshot())(t)
			defer snapshot.Close()
			read := must(module.DeserializeSnapshot(must(snapshot.Serialize())(t)))(t)
			defer read.Close()
			loaded := must(wasmer.DeserializeModule(must(module.Serialize())(t)))(t)
			one.Close()
			for _, snapshot := range []*wasmer.Snapshot{snapshot, read} {
				again := must(snapshot.Instantiate(context.Background(), nil))(t)
				expectShared(t, &again, 5)
				call(t, again, "set", 8)
				if err := again.Reset(context.Background()); err != nil {
					t.Error(err)
				}
				expectShared(t, &again, 5)
				again.Close()
			}
			four := must(loaded.Instantiate())(t)
			loaded.Close()
			defer four.Close()
			call(t, four, "set", 9)
			expectShared(t, &four, 9)
			expectShared(t, &two, 6)
		})
	}
}

// What Go gets hold of names its instance.
func TestReferencesBesideASharedTable(t *testing.T) {
	module := must(wasmer.Compile(must(wasmer.Wat2Wasm(sharedTable))(t)))(t)
	defer module.Close()
	one, two := must(module.Instantiate())(t), must(module.Instantiate())(t)
	defer one.Close()
	defer two.Close()
	call(t, one, "set", 5)
	call(t, two, "set", 6)
	reference := call(t, one, "reference")
	table := must(two.Table("own"))(t)
	if err := table.Set(3, reference); err != nil {
		t.Fatal(err)
	}
	for index, expected := range map[uint64]int32{0: 6, 1: 12, 3: 10} {
		function := must(table.Get(index))(t).ToFunc()
		results, err := function.Call(context.Background())
		if err != nil || results[0].ToI32() != expected {
			t.Errorf("element %d returned %v, %v, expected %d", index, results, err, expected)
		}
	}
	if _, err := module.InstantiateContext(context.Background(), nil, wasmer.WithTableCeiling(3)); err == nil {
		t.Error("tables of 4 elements were made under a ceiling of 3")
	} else {
		checkContains(t, err, "table of 4 elements, expected at most 3")
	}
}
