// Callbacks shows how a guest gives functions of its own to the host. A function pointer of C, Rust
// or any other language is an index into the guest's table: the host function takes it from there,
// and calls it.
//
// Run it anywhere:
//
//	go run ./examples/callbacks
package main

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// guest sorts numbers in its memory by a function of the host, once by each of two comparisons.
const guest = `(module
	(import "host" "sort" (func $sort (param $at i32) (param $count i32) (param $less i32)))
	(memory (export "memory") 1)
	(data (i32.const 64) "\05\00\00\00\03\00\00\00\08\00\00\00\01\00\00\00")
	(table (export "__indirect_function_table") 3 funcref)
	(elem (i32.const 1) $up $down)
	(func $up (param i32 i32) (result i32) (i32.lt_s (local.get 0) (local.get 1)))
	(func $down (param i32 i32) (result i32) (i32.gt_s (local.get 0) (local.get 1)))
	(func (export "sort_up") (call $sort (i32.const 64) (i32.const 4) (i32.const 1)))
	(func (export "sort_down") (call $sort (i32.const 64) (i32.const 4) (i32.const 2)))
	(func (export "sort_wrong") (call $sort (i32.const 64) (i32.const 4) (i32.const 0))))`

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	code, err := wasmer.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	imports, err := wasmer.NewImports().Namespace("host").Append("sort", sort)
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstanceContext(ctx, code, imports)
	if err != nil {
		return err
	}
	defer instance.Close()

	for _, name := range []string{"sort_up", "sort_down", "sort_wrong"} {
		function, err := instance.Function(name)
		if err != nil {
			return err
		}
		_, err = function.Call(ctx)
		numbers, readErr := readNumbers(instance.Memory, 64, 4)
		if readErr != nil {
			return readErr
		}
		fmt.Printf("%s: %d, failed: %v\n", name, numbers, err != nil)
	}
	return nil
}

// sort sorts count numbers at an address by a comparison, which is a function pointer of the guest.
func sort(c *wasmer.InstanceContext, at, count, less uint32) error {
	table, err := c.Table("__indirect_function_table") // as compilers of C and Rust call it
	if err != nil {
		return err
	}
	pointer, err := table.Get(uint64(less))
	if err != nil {
		return err
	}
	comparison := pointer.ToFunc()
	if comparison == nil {
		return fmt.Errorf("the function pointer %d is null", less)
	}
	numbers, err := readNumbers(c.Memory(), uint64(at), uint64(count))
	if err != nil {
		return err
	}
	var failed error
	slots := make([]uint64, 2)
	isLess := func(a, b int32) bool {
		slots[0], slots[1] = uint64(uint32(a)), uint64(uint32(b))
		if err := comparison.CallSlots(c.Context(), slots); err != nil {
			failed = err
		}
		return slots[0] != 0
	}
	slices.SortFunc(numbers, func(a, b int32) int {
		switch {
		case failed != nil:
			return 0
		case isLess(a, b):
			return -1
		case isLess(b, a):
			return 1
		}
		return 0
	})
	if failed != nil {
		return failed
	}
	for i, number := range numbers {
		if err := c.Memory().WriteUint32Le(uint64(at)+4*uint64(i), uint32(number)); err != nil {
			return err
		}
	}
	return nil
}

func readNumbers(memory *wasmer.Memory, at, count uint64) ([]int32, error) {
	numbers := make([]int32, 0, min(count, 1024)) // the count is the guest's: it may be anything
	for i := range count {
		number, err := memory.ReadUint32Le(at + 4*i)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, int32(number))
	}
	return numbers, nil
}
