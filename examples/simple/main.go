// Simple runs a function of a WebAssembly module: read the bytes, make an instance, call what it
// exports.
//
// The guest is testdata/guests/sum.wasm, made of sum.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/simple
package main

import (
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/sum.wasm")
	if err != nil {
		return err
	}

	// NewInstance validates the module, compiles it to machine code, and gives it memory of its
	// own.
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()

	// Exports holds the exported functions by name. Arguments are Go numbers; the result is a
	// Value, which knows its type.
	sum := instance.Exports["sum"]
	result, err := sum(5, 37)
	if err != nil {
		return err
	}
	fmt.Println(result, "is of type", result.GetType())

	// As a Go number:
	var number int32 = result.ToI32()
	fmt.Println(number + 1)
	return nil
}
