// Package work is what the programs of the tests of build modes do, whatever they were built by.
package work

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/go/internal/image"
	"github.com/gowasmer/wasmer/go/wasmer"
)

const guest = `(module
	(import "env" "host" (func $host (param i32) (result i32)))
	(memory 1)
	(func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
	(func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
	(func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
	(func (export "unreachable") unreachable)
	(func $recurse (export "recurse") (param i32) (result i32) (i32.add (call $recurse (local.get 0)) (local.get 0)))
	(func (export "host") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1)))
	(func (export "endless") (loop (br 0))))`

// Run does everything that needs no C.
func Run() error {
	calls := 0
	imports, err := wasmer.NewImports().Append("host", func(ctx context.Context, n int32) (int32, error) {
		calls++
		return n + 1, ctx.Err()
	})
	if err != nil {
		return err
	}
	defer imports.Close()
	bytes, err := wasmer.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		return fmt.Errorf("%w (%v)", err, errors.Unwrap(err))
	}
	defer instance.Close()
	if err := Computes(&instance); err != nil {
		return err
	}
	if value, err := instance.Exports["host"](5); err != nil || value.ToI32() != 7 || calls != 1 {
		return fmt.Errorf("host(5) = %v, %v after %d calls of the host", value, err, calls)
	}
	for _, trap := range []struct {
		name      string
		arguments []any
		code      wasmer.TrapCode
	}{
		{"divide", []any{1, 0}, wasmer.TrapIntegerDivideByZero},
		{"load", []any{-1}, wasmer.TrapMemoryOutOfBounds},
		{"unreachable", nil, wasmer.TrapUnreachable},
		{"recurse", []any{1}, wasmer.TrapStackOverflow},
	} {
		if _, err := instance.Exports[trap.name](trap.arguments...); !errors.Is(err, trap.code) {
			return fmt.Errorf("%s: %v, expected the trap %v", trap.name, err, trap.code)
		}
	}
	if err := faults(); err != nil {
		return err
	}
	if err := Endless(&instance, "endless"); err != nil {
		return err
	}
	if err := pausesFound(os.Getenv("EXPECT_PAUSES")); err != nil {
		return err
	}
	return Computes(&instance)
}

// pausesFound looks whether it was found out that Go's signals pause guests ("true"), or that they
// do not ("false"); it is found out in the background.
func pausesFound(expected string) error {
	for begin := time.Now(); expected != "" && fmt.Sprint(!image.WithoutP()) != expected; time.Sleep(time.Millisecond) {
		if time.Since(begin) > slow {
			return fmt.Errorf("guests hold a processor of Go: %v, expected %s", !image.WithoutP(), expected)
		}
	}
	return nil
}

// Computes calls sum.
func Computes(instance *wasmer.Instance) error {
	if value, err := instance.Exports["sum"](5, 37); err != nil || value.ToI32() != 42 {
		return fmt.Errorf("sum(5, 37) = %v, %v", value, err)
	}
	return nil
}

var nilPointer *int

// faults looks whether Go's own faults are still panics.
func faults() (err error) {
	defer func() {
		if _, ok := recover().(runtime.Error); !ok {
			err = errors.New("a nil dereference of Go does not panic")
		}
	}()
	*nilPointer = 1
	return nil
}

// slow is how long something may take that takes moments: machines that run tests are busy.
const slow = 20 * time.Second

// Endless lets one more function than there are processors run until a deadline. Meanwhile the
// garbage collector has to get through, and compilations.
func Endless(instance *wasmer.Instance, name string) error {
	endless, err := instance.Function(name)
	if err != nil {
		return err
	}
	module, err := wasmer.Wat2Wasm(large())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	guests := runtime.GOMAXPROCS(0) + 1
	ends := make(chan error, guests+2)
	begin := time.Now()
	for range guests {
		go func() {
			if _, err := endless.Call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				ends <- fmt.Errorf("%s ended with %v, expected the deadline", name, err)
				return
			}
			ends <- nil
		}()
	}
	go func() {
		collections := 0
		for ; collections == 0 || ctx.Err() == nil; collections++ {
			runtime.GC()
		}
		ends <- nil
	}()
	go func() {
		for compiled := 0; compiled == 0 || ctx.Err() == nil; compiled++ {
			module, err := wasmer.Compile(module)
			if err != nil {
				ends <- err
				return
			}
			module.Close()
		}
		ends <- nil
	}()
	timeout := time.After(slow)
	for range cap(ends) {
		select {
		case err = <-ends:
			if err != nil {
				return err
			}
		case <-timeout:
			return fmt.Errorf("%s, a collection or a compilation has not ended after %v", name, slow)
		}
	}
	if took := time.Since(begin); took > slow {
		return fmt.Errorf("%s ended after %v", name, took)
	}
	return nil
}

// large is a module whose compilation takes some time.
func large() string {
	var text strings.Builder
	text.WriteString("(module (memory 1)\n")
	for i := range 300 {
		fmt.Fprintf(&text, "(func (export \"f%d\") (param i32 i64) (result i32) (local f64)\n", i)
		for j := range 50 {
			fmt.Fprintf(&text, "(if (i32.and (local.get 0) (i32.const %d)) (then (local.set 1 (i64.mul (local.get 1) (i64.const %d))) (i32.store offset=%d (i32.const %d) (i32.wrap_i64 (local.get 1)))))\n",
				1<<(j%31), i*j+3, 8*j, 4*j)
		}
		text.WriteString("(i32.load (local.get 0)))\n")
	}
	text.WriteString(")")
	return text.String()
}
