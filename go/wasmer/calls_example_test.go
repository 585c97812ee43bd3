package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// A typed call: the type is compared once, and a call allocates nothing.
func ExampleFunc2() {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/sum.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	sum, err := wasmer.Func2[int32, int32, int32](&instance, "sum")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum(context.Background(), 5, 37))
	// Output: 42 <nil>
}

// Values as they lie in slots.
func ExampleFunction_CallSlots() {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/sum.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	sum, err := instance.Function("sum")
	if err != nil {
		log.Fatal(err)
	}
	slots := []uint64{5, 37}
	if err := sum.CallSlots(context.Background(), slots); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum.Type(), slots[0])
	// Output: (i32, i32) -> (i32) 42
}

// A host function without reflection.
func ExampleHost2() {
	imports, err := wasmer.NewImports().Append("sum", wasmer.Host2(func(_ context.Context, x, y int32) (int32, error) {
		return x + y, nil
	}))
	if err != nil {
		log.Fatal(err)
	}
	bytes, err := wasmer.ReadBytes("../../testdata/guests/imported_function.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	fmt.Println(instance.Exports["add1"](1, 2)) // sum(1, 2) + 1
	// Output: 4 <nil>
}

// A host function on slots.
func ExampleHostFunc() {
	i32 := wasmer.TypeI32
	imports, err := wasmer.NewImports().Append("sum", wasmer.HostFunc([]wasmer.ValueType{i32, i32}, []wasmer.ValueType{i32},
		func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0] = uint64(uint32(slots[0]) + uint32(slots[1]))
			return nil
		}))
	if err != nil {
		log.Fatal(err)
	}
	bytes, err := wasmer.ReadBytes("../../testdata/guests/imported_function.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	fmt.Println(instance.Exports["add1"](1, 2)) // sum(1, 2) + 1
	// Output: 4 <nil>
}

// An endless guest is given up when its time is over.
func ExampleProc0() {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/traps.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	loop, err := wasmer.Proc0(&instance, "endless_loop")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(errors.Is(loop(ctx), context.DeadlineExceeded))
	// Output: true
}

// An instance for each request, and no more than a hundred at the same time.
func ExamplePool() {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/sum.wasm")
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	pool, err := wasmer.NewPool(&module, nil, wasmer.WithLimit(100))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	serve := func(ctx context.Context, x, y int32) (wasmer.Value, error) {
		instance, err := pool.Get(ctx)
		if err != nil {
			return wasmer.Value{}, err
		}
		defer func() { _ = pool.Put(instance) }()
		return instance.Exports["sum"](x, y)
	}
	fmt.Println(serve(context.Background(), 5, 37))
	// Output: 42 <nil>
}

// Strings and numbers in the memory of a guest.
func ExampleMemory_WriteString() {
	memory, err := wasmer.NewMemory(1, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()
	fmt.Println(memory.WriteString(10, "hello"))
	fmt.Println(memory.ReadString(10, 5))
	fmt.Println(memory.ReadUint16Le(10))
	fmt.Println(memory.ReadUint32Le(65533))
	// Output:
	// <nil>
	// hello <nil>
	// 25960 <nil>
	// 0 memory access out of range: 4 bytes at offset 65533 (size 65536)
}
