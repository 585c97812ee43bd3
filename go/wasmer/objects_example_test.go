package wasmer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func objectsInstance() wasmer.Instance {
	bytes, err := wasmer.ReadBytes(guestFile("objects"))
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		log.Fatal(err)
	}
	return instance
}

func ExampleGlobal() {
	instance := objectsInstance()
	defer instance.Close()
	global, err := instance.Global("i32")
	if err != nil {
		log.Fatal(err)
	}
	if err := global.Set(wasmer.I32(42)); err != nil {
		log.Fatal(err)
	}
	value, err := instance.Exports["get_i32"]()
	fmt.Println(global, value, err)
	fmt.Println(global.Set(wasmer.I64(42)))
	// Output:
	// mut i32 42 <nil>
	// cannot set the global: the value is of type `i64`, expected `i32`
}

func ExampleTable() {
	instance := objectsInstance()
	defer instance.Close()
	table, err := instance.Table("functions")
	if err != nil {
		log.Fatal(err)
	}
	square, err := table.Get(1)
	if err != nil {
		log.Fatal(err)
	}
	results, err := square.ToFunc().Call(context.Background(), 7)
	fmt.Println(square, results, err)
	old, err := table.Grow(1, square)
	fmt.Println(table.Type(), old, table.Size(), err)
	// Output:
	// function[1](i32) -> (i32) [49] <nil>
	// 4 to 20 of funcref 4 5 <nil>
}

func ExampleNewFunction() {
	instance := objectsInstance()
	defer instance.Close()
	increment, err := wasmer.NewFunction(func(x int32) int32 { return x + 1 })
	if err != nil {
		log.Fatal(err)
	}
	value, err := instance.Exports["apply"](increment, 41) // apply(f, x) is f(x)
	fmt.Println(value, err)
	// Output: 42 <nil>
}

func ExampleExternRef() {
	instance := objectsInstance()
	defer instance.Close()
	if _, err := instance.Exports["keep_extern"]([]string{"any", "Go", "value"}); err != nil {
		log.Fatal(err)
	}
	value, err := instance.Exports["kept_extern"]()
	fmt.Println(value.ToExternRef().([]string)[1], err)
	// Output: Go <nil>
}

func ExampleImports_AppendInstance() {
	library := objectsInstance()
	defer library.Close()
	imports, err := wasmer.NewImports().Namespace("objects").AppendInstance(&library)
	if err != nil {
		log.Fatal(err)
	}
	table, err := wasmer.NewTable(wasmer.TypeFuncRef, 1, 10)
	if err != nil {
		log.Fatal(err)
	}
	defer table.Close()
	imports, err = imports.Namespace("other").AppendTable("functions", table)
	fmt.Println(imports != nil, err)
	_, err = imports.AppendTable("functions", table)
	fmt.Println(err)
	// Output:
	// true <nil>
	// cannot append `functions`: the namespace `other` has an import of this name already
}

func ExampleNewGlobal() {
	bytes, err := wasmer.Wat2Wasm(`(module
		(import "env" "counter" (global $counter (mut i32)))
		(func (export "count") (global.set $counter (i32.add (global.get $counter) (i32.const 1)))))`)
	if err != nil {
		log.Fatal(err)
	}
	counter, err := wasmer.NewGlobal(wasmer.TypeI32, true, wasmer.I32(40))
	if err != nil {
		log.Fatal(err)
	}
	defer counter.Close()
	imports, err := wasmer.NewImports().AppendGlobal("counter", counter)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // both instances share it
		instance, err := wasmer.NewInstanceWithImports(bytes, imports)
		if err != nil {
			log.Fatal(err)
		}
		defer instance.Close()
		if _, err := instance.Exports["count"](); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(counter.Get())
	// Output: 42 <nil>
}
