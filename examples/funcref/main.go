// Funcref gives guests functions to call: Go functions, and functions of other guests.
//
// The guest is in testdata/guests, with its source. Run it at the top of the repository:
//
//	go run ./examples/funcref
package main

import (
	"errors"
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
	bytes, err := wasmer.ReadBytes("testdata/guests/objects.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()
	apply := instance.Exports["apply"] // apply(f, x) is f(x)

	// A Go closure as a function value.
	calls := 0
	callback, err := wasmer.NewFunction(func(x int32) (int32, error) {
		if calls++; x < 0 {
			return 0, errors.New("no negative numbers")
		}
		return x + 1000, nil
	})
	if err != nil {
		return err
	}
	value, err := apply(callback, 5)
	if err != nil {
		return err
	}
	fmt.Println("the callback gives", value, "after", calls, "call")
	_, err = apply(callback, -5)
	fmt.Println(err)

	// A function of another guest: both are linked from now on.
	other, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer other.Close()
	square, err := other.Exports["give_square"]()
	if err != nil {
		return err
	}
	value, err = apply(square, 11)
	if err != nil {
		return err
	}
	fmt.Println(square, "gives", value)

	// A function of the wrong type is a trap where the guest calls it.
	wrong, err := other.Function("same_func")
	if err != nil {
		return err
	}
	_, err = apply(wrong, 1)
	fmt.Println(errors.Is(err, wasmer.ErrBadSignature))
	return nil
}
