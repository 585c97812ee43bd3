package wasmer_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// A guest that does not catch an exception leaves the call with it, and a host function throws one
// by returning it.
func ExampleException() {
	bytes, err := wasmer.Wat2Wasm(`(module
		(import "host" "parse" (func $parse (param i32) (result i32)))
		(tag $error (export "error") (param i32))
		(func (export "strict") (param i32) (result i32) (call $parse (local.get 0)))
		(func (export "lenient") (param i32) (result i32)
			(block $failed (result i32)
				(try_table (catch $error $failed) (return (call $parse (local.get 0))))
				(unreachable))
			(i32.mul (i32.const -1))))`)
	if err != nil {
		fmt.Println(err)
		return
	}
	parse := func(instance *wasmer.InstanceContext, x int32) (int32, error) {
		if x < 100 {
			return x, nil
		}
		tag, err := instance.Tag("error")
		if err != nil {
			return 0, err
		}
		exception, err := wasmer.NewException(tag, wasmer.I32(404))
		if err != nil {
			return 0, err
		}
		return 0, exception
	}
	imports, err := wasmer.NewImports().Namespace("host").Append("parse", parse)
	if err != nil {
		fmt.Println(err)
		return
	}
	module, err := wasmer.CompileContext(context.Background(), bytes)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer module.Close()
	instance, err := module.InstantiateWithImports(imports)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer instance.Close()
	fmt.Println(instance.Exports["lenient"](5))
	fmt.Println(instance.Exports["lenient"](500))
	_, err = instance.Exports["strict"](500)
	var exception *wasmer.Exception
	if errors.As(err, &exception) {
		fmt.Println(exception.Tag, exception.Values)
	}
	// Output:
	// 5 <nil>
	// -404 <nil>
	// (i32) [404]
}
