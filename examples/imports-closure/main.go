// Imports-closure gives a guest Go functions to call: any function or closure whose parameters and
// results are numbers. No cgo is needed. In front of the numbers a host function may take the
// instance that calls it, or the context of the call, and its last result may be an error, which
// ends the call.
//
// The guest is order.wasm, made of order.wat beside it. Run it at the top of the repository:
//
//	go run ./examples/imports-closure
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// customerKey is the key of the customer in a context.
type customerKey struct{}

// errNoSuchItem is an error of the host that comes back through the guest.
var errNoSuchItem = errors.New("no such item")

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("examples/imports-closure/order.wasm")
	if err != nil {
		return err
	}
	prices := map[int32]float64{1: 2.50, 2: 40}
	imports, err := newImports(prices)
	if err != nil {
		return err
	}
	defer imports.Close()

	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return err
	}
	defer instance.Close()
	instance.SetContextData("guest") // print gets it

	// By Exports the guest is called without a context; by Function.Call, with one that host
	// functions get.
	result, err := instance.Exports["total"](1, 8)
	if err != nil {
		return err
	}
	fmt.Println("8 of item 1:", result)

	total, err := instance.Function("total")
	if err != nil {
		return err
	}
	ctx := context.WithValue(context.Background(), customerKey{}, "Ada")
	results, err := total.Call(ctx, 2, 1)
	if err != nil {
		return err
	}
	fmt.Println("1 of item 2:", results[0])

	// The error of a host function ends the guest, and is in the error of the call.
	_, err = total.Call(ctx, 3, 1)
	fmt.Println("1 of item 3:", err)
	fmt.Println("is it errNoSuchItem?", errors.Is(err, errNoSuchItem))
	return nil
}

// newImports makes the host functions. The guest imports print of the namespace "env", the others
// of "shop".
func newImports(prices map[int32]float64) (*wasmer.Imports, error) {
	imports := wasmer.NewImports()

	// With *InstanceContext, a host function reaches the memory and the data of the instance that
	// calls it.
	if _, err := imports.Append("print", func(instance *wasmer.InstanceContext, address, length uint32) error {
		data := instance.Memory().Data()
		if uint64(address)+uint64(length) > uint64(len(data)) { // never trust what a guest passes
			return fmt.Errorf("print: %d bytes at %d are not in the memory of %d bytes", length, address, len(data))
		}
		fmt.Printf("[%v] %s\n", instance.Data(), data[address:address+length])
		return nil
	}); err != nil {
		return nil, err
	}

	imports.Namespace("shop")
	if _, err := imports.Append("price", func(item int32) (float64, error) {
		price, ok := prices[item]
		if !ok {
			return 0, fmt.Errorf("%w: %d", errNoSuchItem, item)
		}
		return price, nil
	}); err != nil {
		return nil, err
	}

	// With context.Context, it gets the context that was given to Function.Call.
	if _, err := imports.Append("discount", func(ctx context.Context) float64 {
		if ctx.Value(customerKey{}) == "Ada" {
			return 0.25
		}
		return 0
	}); err != nil {
		return nil, err
	}
	return imports, nil
}
