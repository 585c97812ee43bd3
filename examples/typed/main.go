// Typed shows calls in both directions whose types the Go compiler knows: no conversions, no
// reflection, no allocation.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/typed
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
	bytes, err := wasmer.ReadBytes("testdata/guests/sum.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()

	// The type of the export is compared once, here.
	sum, err := wasmer.Func2[int32, int32, int32](&instance, "sum")
	if err != nil {
		return err
	}
	value, err := sum(ctx, 5, 37)
	if err != nil {
		return err
	}
	fmt.Println("sum(5, 37) =", value)

	if _, err := wasmer.Func2[float64, float64, float64](&instance, "sum"); err != nil {
		fmt.Println(err)
	}

	// The same on slots of 64 bits: arguments in, results out.
	function, err := instance.Function("sum")
	if err != nil {
		return err
	}
	slots := []uint64{100, 200}
	if err := function.CallSlots(ctx, slots); err != nil {
		return err
	}
	fmt.Printf("%s of type %s: %d\n", function.Name(), function.Type(), slots[0])

	return hostFunctions(ctx)
}

// hostFunctions implements what the guest imports: typed, and on slots.
func hostFunctions(ctx context.Context) error {
	i32, i64 := wasmer.TypeI32, wasmer.TypeI64
	imports, err := wasmer.NewImports().Append("swap", wasmer.HostFunc(
		[]wasmer.ValueType{i32, i64}, []wasmer.ValueType{i64, i32},
		func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0], slots[1] = slots[1], slots[0]
			return nil
		}))
	if err != nil {
		return err
	}
	bytes, err := wasmer.ReadBytes("testdata/guests/multi_value.wasm")
	if err != nil {
		return err
	}
	multi, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return err
	}
	defer multi.Close()
	swap, err := multi.Function("host_swap")
	if err != nil {
		return err
	}
	results, err := swap.Call(ctx, 1, 2)
	if err != nil {
		return err
	}
	fmt.Println("host_swap(1, 2) =", results)

	if imports, err = wasmer.NewImports().Append("sum", wasmer.Host2(func(_ context.Context, x, y int32) (int32, error) {
		return x + y, nil
	})); err != nil {
		return err
	}
	if bytes, err = wasmer.ReadBytes("testdata/guests/imported_function.wasm"); err != nil {
		return err
	}
	guest, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return err
	}
	defer guest.Close()
	add1, err := wasmer.Func2[int32, int32, int32](&guest, "add1")
	if err != nil {
		return err
	}
	value, err := add1(ctx, 1, 2)
	fmt.Println("add1(1, 2) =", value)
	return err
}
