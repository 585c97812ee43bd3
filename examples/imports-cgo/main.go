// Imports-cgo gives a guest a Go function that cgo exports to C. The machine code of the guest
// calls the C pointer directly. It is how programs for go-ext-wasm are written, and how to import
// functions that are in C. Where the function is in Go, a closure does the same without cgo, and
// can return an error: see ../imports-closure.
//
// The guest is testdata/guests/imported_function.wasm, made of imported_function.c beside it: its
// function add1 calls the imported function sum and adds 1. Run it at the top of the repository:
//
//	go run ./examples/imports-cgo
package main

// #include <stdint.h>
//
// extern int32_t sum(void *context, int32_t x, int32_t y);
import "C"

import (
	"fmt"
	"log"
	"unsafe"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// sum is the host function. The declaration in C above has the same parameters: first the pointer
// that stands for the instance that calls, then the numbers that the guest passes.
//
//export sum
func sum(context unsafe.Pointer, x int32, y int32) int32 {
	instance := wasmer.IntoInstanceContext(context)
	fmt.Printf("%v asks for %d + %d\n", instance.Data(), x, y)
	return x + y
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/imported_function.wasm")
	if err != nil {
		return err
	}

	// The Go function tells the types, the C pointer is what is called. The guest imports it as
	// "sum" of the namespace "env", which is the one that a set of imports begins with.
	imports, err := wasmer.NewImports().Append("sum", sum, C.sum)
	if err != nil {
		return err
	}
	defer imports.Close()

	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return err
	}
	defer instance.Close()

	// Any Go value can be attached to an instance; its host functions find it by
	// IntoInstanceContext.
	instance.SetContextData("the first guest")

	result, err := instance.Exports["add1"](1, 2)
	if err != nil {
		return err
	}
	fmt.Println("add1(1, 2) =", result)
	return nil
}
