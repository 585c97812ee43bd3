package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// text compiles a module from its text.
func text(wat string) wasmer.Module {
	bytes, err := wasmer.Wat2Wasm(wat)
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		log.Fatal(err)
	}
	return module
}

const logging = `(module
  (import "env" "log" (func $log (param i32)))
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (func (export "run") (result i32)
    (call $log (i32.const 7))
    (call $ask (i32.const 5))))`

// run calls the export run.
func run(instance wasmer.Instance, err error) (int32, error) {
	if err != nil {
		return 0, err
	}
	defer instance.Close()
	run, err := wasmer.Func0[int32](&instance, "run")
	if err != nil {
		return 0, err
	}
	return run(context.Background())
}

func ExampleWithTrappingImports() {
	module := text(logging)
	defer module.Close()
	_, err := run(module.InstantiateContext(context.Background(), nil, wasmer.WithTrappingImports()))
	var unknown *wasmer.UnknownImportError
	if errors.As(err, &unknown) {
		fmt.Println(unknown)
	}
	// Output: the guest called an imported function that nobody provides, namespace: env, name: log
}

func ExampleWithZeroImports() {
	module := text(logging)
	defer module.Close()
	fmt.Println(run(module.InstantiateContext(context.Background(), nil, wasmer.WithZeroImports())))
	// Output: 0 <nil>
}

func ExampleWithDefaultImports() {
	module := text(logging)
	defer module.Close()
	provide := func(namespace, name string, t wasmer.FunctionType) wasmer.HostFunction {
		return wasmer.HostFunc(t.Params, t.Results, func(_ *wasmer.InstanceContext, slots []uint64) error {
			fmt.Printf("%s.%s of type %s\n", namespace, name, t)
			clear(slots)
			return nil
		})
	}
	fmt.Println(run(module.InstantiateContext(context.Background(), nil, wasmer.WithDefaultImports(provide))))
	// Output:
	// env.log of type (i32) -> ()
	// env.ask of type (i32) -> (i32)
	// 0 <nil>
}

// Plugins that call each other, by the names under which the host has instantiated them.
func ExampleLinker() {
	ctx := context.Background()
	linker := wasmer.NewLinker()
	defer linker.Close()

	host, err := wasmer.NewImports().Namespace("host").Append("print", func(n int32) { fmt.Println("printing", n) })
	if err != nil {
		log.Fatal(err)
	}
	if err := linker.DefineImports(host); err != nil {
		log.Fatal(err)
	}
	double := text(`(module (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))`)
	printer := text(`(module
	  (import "math" "double" (func $double (param i32) (result i32)))
	  (import "host" "print" (func $print (param i32)))
	  (func (export "print") (param i32) (call $print (call $double (local.get 0)))))`)
	for _, plugin := range []struct {
		name   string
		module wasmer.Module
	}{{"math", double}, {"printer", printer}, {"math", printer}} {
		if _, err := linker.Instantiate(ctx, plugin.name, &plugin.module); err != nil {
			fmt.Println(err)
		}
	}
	instance, _ := linker.Instance("printer")
	printDouble, err := wasmer.Proc1[int32](&instance, "print")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(linker.Names(), printDouble(ctx, 21))
	// Output:
	// cannot instantiate `math`: the linker has this name already
	// printing 42
	// [math printer] <nil>
}

func ExampleInspect() {
	bytes, err := wasmer.Wat2Wasm(`(module $greeter
	  (import "env" "now" (func (result i64)))
	  (memory (export "memory") 2 16)
	  (func (export "greet") (param i32 i32)))`)
	if err != nil {
		log.Fatal(err)
	}
	info, err := wasmer.Inspect(bytes)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Name, "defines", info.Functions, "function; memories:", info.Memories)
	for _, imported := range info.Imports {
		fmt.Println("imports", imported.Namespace, imported.Name, imported.Type)
	}
	for _, exported := range info.Exports {
		fmt.Println("exports", exported.Name, exported.Type)
	}
	for _, section := range info.CustomSections {
		fmt.Printf("section %q of %d bytes\n", section.Name, len(section.Data))
	}
	// Output:
	// greeter defines 1 function; memories: [2 to 16 pages]
	// imports env now function () -> (i64)
	// exports memory memory 2 to 16 pages
	// exports greet function (i32, i32) -> ()
	// section "name" of 10 bytes
}

func ExampleValidateContext() {
	// (module (func (result i32)))
	broken := []byte("\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")
	fmt.Println(wasmer.Validate(broken))
	fmt.Println(wasmer.ValidateContext(context.Background(), broken))
	// Output:
	// false
	// failed to validate the module: type mismatch: expected i32 but nothing on stack (at offset 0x18)
}

func ExampleRequiredProposals() {
	bytes, err := wasmer.Wat2Wasm(`(module (memory i64 1) (func (result i32 i64) (i32.const 1) (i64.const 2)))`)
	if err != nil {
		log.Fatal(err)
	}
	proposals, err := wasmer.RequiredProposals(context.Background(), bytes)
	for _, proposal := range proposals {
		fmt.Println(proposal.Name, proposal.Supported)
	}
	fmt.Println(err)
	// Output:
	// multi-value true
	// 64-bit memories true
	// <nil>
}

// The size of stacks is set before the package is first used.
func ExampleSetStackSize() {
	if err := wasmer.SetStackSize(8 << 20); err != nil {
		fmt.Println(err)
	}
}

// Types that are defined as numbers, bool and int stand for what the function has; nothing is cut.
func ExampleNumber() {
	module := text(`(module
	  (func (export "is_even") (param i32) (result i32) (i32.eqz (i32.and (local.get 0) (i32.const 1))))
	  (func (export "twice") (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2)))
	  (func (export "length") (result i32) (i32.const 300)))`)
	defer module.Close()
	instance, err := module.Instantiate()
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	ctx := context.Background()
	isEven, err1 := wasmer.Func1[int, bool](&instance, "is_even")
	twice, err2 := wasmer.Func1[time.Duration, time.Duration](&instance, "twice")
	length, err3 := wasmer.Func0[uint8](&instance, "length")
	if err := errors.Join(err1, err2, err3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(isEven(ctx, 42))
	fmt.Println(twice(ctx, time.Minute))
	_, err = length(ctx)
	fmt.Println(errors.Unwrap(err))
	// Output:
	// true <nil>
	// 2m0s <nil>
	// the result is the i32 300, expected 0 to 255 for a uint8
}

func ExampleOpenCache() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cache, err := wasmer.OpenCache(filepath.Join(dir, "modules"), wasmer.WithCacheSize(100<<20))
	if err != nil {
		log.Fatal(err)
	}
	bytes, err := wasmer.Wat2Wasm(`(module (func (export "answer") (result i32) (i32.const 42)))`)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		module, err := wasmer.Compile(bytes, wasmer.WithCache(cache))
		if err != nil {
			log.Fatal(err)
		}
		module.Close()
	}
	stats := cache.Stats()
	fmt.Println(stats.Stored, "stored,", stats.Hits, "loaded")

	// Output:
	// 1 stored, 1 loaded
}
