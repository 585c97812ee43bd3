package wasmer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// read is the reading of a file in the examples.
func read(name string) []byte {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/" + name + ".wasm")
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

// A module is compiled, instantiated and called.
func Example() {
	bytes, err := wasmer.ReadBytes("../../testdata/guests/sum.wasm")
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	result, err := instance.Exports["sum"](5, 37)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result, result.GetType())
	// Output: 42 i32
}

// One instance is called by many goroutines.
func Example_goroutines() {
	instance, err := wasmer.NewInstance(read("sum"))
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	sum := instance.Exports["sum"]
	results := make([]wasmer.Value, 5)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			if value, err := sum(i, 100); err == nil {
				results[i] = value
			}
		})
	}
	group.Wait()
	fmt.Println(results)
	// Output: [100 101 102 103 104]
}

// Compile once, instantiate often.
func ExampleCompile() {
	module, err := wasmer.Compile(read("memory"))
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()

	for _, export := range module.Exports[:3] {
		fmt.Println(export.Kind, export.Name)
	}
	for range 2 {
		instance, err := module.Instantiate()
		if err != nil {
			log.Fatal(err)
		}
		size, _ := instance.Exports["size"]()
		fmt.Println(size, "pages")
		instance.Close()
	}
	// Output:
	// memory memory
	// function return_hello
	// function size
	// 2 pages
	// 2 pages
}

// The error tells what is wrong with a module, and what to do.
func ExampleCompile_invalid() {
	_, err := wasmer.Compile([]byte("\x00asm\x0d\x00\x01\x00"))
	fmt.Println(strings.HasPrefix(err.Error(), "Failed to compile the module.\n    the proposal component model is not supported: "))
	_, err = wasmer.Compile([]byte("\x00asm\x02\x00\x00\x00"))
	fmt.Println(err)
	// Output:
	// true
	// Failed to compile the module.
	//     unknown binary version: 0x2 (at offset 0x4)
}

// A Go function is imported by an instance.
func ExampleImports_Append() {
	imports, err := wasmer.NewImports().Append("sum", func(x, y int32) int32 {
		fmt.Println("the guest asks for the sum of", x, "and", y)
		return x + y
	})
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(read("imported_function"), imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	result, err := instance.Exports["add1"](2, 3)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result)
	// Output:
	// the guest asks for the sum of 2 and 3
	// 6
}

// An error that a host function returns is found in that of the call.
func ExampleImports_Append_error() {
	errNegative := errors.New("negative number")
	imports, err := wasmer.NewImports().Append("sum", func(x, y int32) (int32, error) {
		if x < 0 || y < 0 {
			return 0, errNegative
		}
		return x + y, nil
	})
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(read("imported_function"), imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	_, err = instance.Exports["add1"](-2, 3)
	fmt.Println(err)
	fmt.Println(errors.Is(err, errNegative))
	// Output:
	// Failed to call the `add1` exported function.
	// negative number
	//     at add1(i32, i32) (at offset 0x54, 0x7 in the code)
	// true
}

// A memory of the host is shared with instances.
func ExampleImports_AppendMemory() {
	memory, err := wasmer.NewMemory(1, 4)
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()

	identity := func(x int32) int32 { return x }
	imports := wasmer.NewImports()
	for _, namespace := range []string{"other", "env"} {
		if _, err := imports.Namespace(namespace).Append("shared", identity); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := imports.AppendMemory("memory", memory); err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(read("imports_all"), imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	memory.Data()[100] = 42
	result, err := instance.Exports["load8"](100)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result)
	// Output: 42
}

// Several sets of imports are put together.
func ExampleImportObject() {
	object := wasmer.NewImportObject()
	defer object.Close()
	imports, err := wasmer.NewImports().Append("sum", func(x, y int32) int32 { return x + y })
	if err != nil {
		log.Fatal(err)
	}
	if err := object.Extend(*imports); err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(read("imported_function"))
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	instance, err := module.InstantiateWithImportObject(object)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	result, _ := instance.Exports["add1"](20, 21)
	fmt.Println(result)
	// Output: 42
}

// Strings go through memory: the host writes one for the guest, and reads its answer.
func ExampleMemory_Data() {
	instance, err := wasmer.NewInstance(read("greet"))
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	subject := append([]byte("Wasmer"), 0)
	pointer, err := instance.Exports["allocate"](len(subject))
	if err != nil {
		log.Fatal(err)
	}
	copy(instance.Memory.Data()[pointer.ToI32():], subject)
	answer, err := instance.Exports["greet"](pointer)
	if err != nil {
		log.Fatal(err)
	}
	text := instance.Memory.Data()[answer.ToI32():]
	fmt.Println(string(text[:bytes.IndexByte(text, 0)]))
	// Output: Hello, Wasmer!
}

// Memory grows in place: slices from before stay valid.
func ExampleMemory_Grow() {
	instance, err := wasmer.NewInstance(read("memory"))
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	before := instance.Memory.Data()
	if err := instance.Memory.Grow(1); err != nil {
		log.Fatal(err)
	}
	binary.LittleEndian.PutUint32(before, 7)
	value, _ := instance.Exports["load32"](0)
	fmt.Println(len(before), instance.Memory.Length(), value)
	// Output: 131072 196608 7
}

// What a guest did wrong, and where.
func ExampleTrap() {
	instance, err := wasmer.NewInstance(read("names"))
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	_, err = instance.Exports["a"](0)
	var trap *wasmer.Trap
	if errors.As(err, &trap) {
		fmt.Println(trap.Code)
		for _, frame := range trap.Backtrace {
			fmt.Println("in", frame.FunctionName)
		}
	}
	fmt.Println(errors.Is(err, wasmer.ErrIntegerDivideByZero))
	// Output:
	// integer divide by zero
	// in c
	// in b
	// in a
	// true
}

// A guest that does not end is given up; the instance can be called again.
func ExampleFunction_Call() {
	instance, err := wasmer.NewInstance(read("traps"))
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	loop, err := instance.Function("endless_loop")
	if err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err = loop.Call(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	result, err := instance.Exports["sane"](5, 37)
	fmt.Println(result, err)
	// Output:
	// true
	// 42 <nil>
}

// A start function, too, may take too long.
func ExampleNewInstanceContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := wasmer.NewInstanceContext(ctx, read("start_loop"), nil, wasmer.WithMemoryCeiling(100))
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// A compiled module is kept, and run without compiling it again.
func ExampleModule_Serialize() {
	module, err := wasmer.Compile(read("sum"))
	if err != nil {
		log.Fatal(err)
	}
	serialized, err := module.Serialize()
	if err != nil {
		log.Fatal(err)
	}
	module.Close()

	again, err := wasmer.DeserializeModule(serialized)
	if err != nil {
		log.Fatal(err)
	}
	defer again.Close()
	instance, err := again.Instantiate()
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	result, _ := instance.Exports["sum"](5, 37)
	fmt.Println(result)
	// Output: 42
}

// Host functions reach the data and the memory of the instance that calls them.
func ExampleInstance_SetContextData() {
	imports, err := wasmer.NewImports().Append("sum", func(pointer unsafe.Pointer, x, y int32) int32 {
		ctx := wasmer.IntoInstanceContext(pointer)
		fmt.Println("called by", ctx.Data())
		return x + y
	})
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(read("imported_function"), imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()

	instance.SetContextData("example")
	result, _ := instance.Exports["add1"](1, 2)
	fmt.Println(result)
	// Output:
	// called by example
	// 4
}

func ExampleValidate() {
	fmt.Println(wasmer.Validate(read("sum")), wasmer.Validate([]byte("no")))
	// Output: true false
}

func ExampleValue_String() {
	fmt.Println(wasmer.I32(-7), wasmer.I64(7), wasmer.F32(7.42), wasmer.F64(7.42))
	// Output: -7 7 7.420000 7.420000
}

// A module in the text format, and what a mistake in it is called.
func ExampleWat2Wasm() {
	module, err := wasmer.Wat2Wasm(`
		(module
		  (func (export "sum") (param i32 i32) (result i32)
		    (i32.add (local.get 0) (local.get 1))))`)
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	fmt.Println(instance.Exports["sum"](5, 37))

	_, err = wasmer.Wat2Wasm("(module\n  (func (export \"sum\") (param i32 i32)\n    (i32.sum (local.get 0))))")
	fmt.Println(err)

	// Output:
	// 42 <nil>
	// unknown operator or unexpected token at line 3, column 6:
	//         (i32.sum (local.get 0))))
	//          ^
}
