// Package cwork is the part of the programs that needs C: guests that import a function in C, and
// one that calls Go from C.
package cwork

/*
#include <stdint.h>

extern int32_t cwork_callback(void *context, int32_t n);

// A function that is in C alone, and one that calls back.
static int32_t add(void *context, int32_t a, int32_t b) { return a + b; }
static int32_t through(void *context, int32_t n) { return cwork_callback(context, n) + 1; }

static void *add_pointer(void) { return add; }
static void *through_pointer(void) { return through; }
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/gowasmer/wasmer/go/tests/testdata/buildmodes/work"
	"github.com/gowasmer/wasmer/go/wasmer"
)

const guest = `(module
	(import "env" "add" (func $add (param i32 i32) (result i32)))
	(import "env" "through" (func $through (param i32) (result i32)))
	(import "env" "exported" (func $exported (param i32) (result i32)))
	(func (export "sum") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
	(func (export "through") (param i32) (result i32) (call $through (local.get 0)))
	(func (export "exported") (param i32) (result i32) (call $exported (local.get 0)))
	(func (export "divide") (param i32 i32) (result i32) (i32.div_s (call $add (local.get 0) (i32.const 0)) (local.get 1)))
	(func $recurse (export "recurse") (param i32) (result i32) (i32.add (call $recurse (call $add (local.get 0) (i32.const 1))) (local.get 0)))
	(func (export "endless") (loop (drop (call $add (i32.const 1) (i32.const 2))) (br 0)))
	(func (export "endless_quiet") (loop (br 0))))`

//export cwork_callback
func cwork_callback(context unsafe.Pointer, n int32) int32 {
	instance := wasmer.IntoInstanceContext(context)
	runtime.GC()
	return instance.Data().(func(int32) int32)(n)
}

// Run does it.
func Run() error {
	imports := wasmer.NewImports()
	for _, f := range []struct {
		name           string
		implementation any
		pointer        unsafe.Pointer
	}{
		{"add", func(unsafe.Pointer, int32, int32) int32 { return 0 }, C.add_pointer()},
		{"through", cwork_callback, C.through_pointer()},
		{"exported", cwork_callback, C.cwork_callback},
	} {
		if _, err := imports.Append(f.name, f.implementation, f.pointer); err != nil {
			return err
		}
	}
	defer imports.Close()
	bytes, err := wasmer.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return err
	}
	defer instance.Close()
	instance.SetContextData(func(n int32) int32 {
		if n == 0 {
			return 10
		}
		value, err := instance.Exports["through"](n - 1)
		if err != nil {
			panic(err)
		}
		return value.ToI32()
	})
	if err := work.Computes(&instance); err != nil {
		return err
	}
	for name, want := range map[string]int32{"through": 10 + 4, "exported": 10 + 3} {
		if value, err := instance.Exports[name](3); err != nil || value.ToI32() != want {
			return fmt.Errorf("%s(3) = %v, %v; expected %d", name, value, err, want)
		}
	}
	if _, err := instance.Exports["divide"](1, 0); !errors.Is(err, wasmer.TrapIntegerDivideByZero) {
		return fmt.Errorf("divide: %v", err)
	}
	if _, err := instance.Exports["recurse"](0); !errors.Is(err, wasmer.TrapStackOverflow) {
		return fmt.Errorf("recurse: %v", err)
	}
	for _, name := range []string{"endless", "endless_quiet"} {
		if err := work.Endless(&instance, name); err != nil {
			return err
		}
	}
	return work.Computes(&instance)
}
