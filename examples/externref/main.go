// Externref lets a guest hold Go values that it cannot look into, and give them back.
//
// The guest is in testdata/guests, with its source. Run it at the top of the repository:
//
//	go run ./examples/externref
package main

import (
	"fmt"
	"log"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/objects.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()

	// Any value: here a pointer to a strings.Builder, which the guest keeps in a global.
	builder := &strings.Builder{}
	builder.WriteString("written before")
	if _, err := instance.Exports["keep_extern"](builder); err != nil {
		return err
	}
	kept, err := instance.Exports["kept_extern"]()
	if err != nil {
		return err
	}
	kept.ToExternRef().(*strings.Builder).WriteString(", and after")
	fmt.Println(builder)

	// A table of values, from both sides.
	if _, err := instance.Exports["set_value"](0, map[string]int{"answer": 42}); err != nil {
		return err
	}
	table, err := instance.Table("values")
	if err != nil {
		return err
	}
	for i := range table.Size() {
		value, err := table.Get(i)
		if err != nil {
			return err
		}
		fmt.Printf("element %d: %v (null: %v)\n", i, value, value.IsNull())
	}

	// nil is the null reference, and what was kept is released by a later collection.
	_, err = instance.Exports["keep_extern"](nil)
	return err
}
