// Globals-tables shares a global, a table and functions between instances, and with the host.
//
// The guest is in testdata/guests, with its source. Run it at the top of the repository:
//
//	go run ./examples/globals-tables
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	bytes, err := wasmer.ReadBytes("testdata/guests/objects.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return err
	}
	defer module.Close()
	for i, t := range module.ExportTypes() {
		if t.Function == nil {
			fmt.Printf("%s: %s\n", module.Exports[i].Name, t)
		}
	}
	instance, err := module.Instantiate()
	if err != nil {
		return err
	}
	defer instance.Close()

	// A global: both sides read and write it.
	global, err := instance.Global("i32")
	if err != nil {
		return err
	}
	if err := global.Set(wasmer.I32(7)); err != nil {
		return err
	}
	seen, err := instance.Exports["get_i32"]()
	if err != nil {
		return err
	}
	fmt.Println("the guest sees", seen)

	// A table of functions: each element can be called, replaced, and given to others.
	table, err := instance.Table("functions")
	if err != nil {
		return err
	}
	square, err := table.Get(1)
	if err != nil {
		return err
	}
	results, err := square.ToFunc().Call(ctx, 12)
	if err != nil {
		return err
	}
	fmt.Println(square, "of 12 is", results[0])
	old, err := table.Grow(1, square)
	if err != nil {
		return err
	}
	result, err := instance.Exports["call"](int(old), 9)
	if err != nil {
		return err
	}
	fmt.Printf("element %d of 9 is %s\n", old, result)

	// What does not fit is an error.
	fmt.Println(table.Set(100, square))
	fmt.Println(global.Set(wasmer.F64(1)))
	return nil
}
