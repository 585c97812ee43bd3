//go:build linux && amd64 && !gowasmer_static

package refusals

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What a child tries: a bit of everything that needs the system.

// guests are read before anything is refused.
var guests = map[string][]byte{}

func readGuests() error {
	for _, name := range []string{"small", "stress"} {
		bytes, err := os.ReadFile(filepath.Join(os.Getenv(guestsVariable), name+".wasm"))
		if err != nil {
			return err
		}
		guests[name] = bytes
	}
	return nil
}

// compileOptions are those of all modules of the child.
var compileOptions []wasmer.CompileOption

// wrong is an error of which none of the refusals can be the reason.
type wrong struct{ error }

func expected(what string, got, want any) error {
	if got == want {
		return nil
	}
	return wrong{fmt.Errorf("WRONG: %s is %v, expected %v", what, got, want)}
}

// steps are what is tried, in this order.
var steps = []func() error{tryText, trySmall, tryWASI, tryStress, tryManyThreads, tryIgnored}

// try compiles and runs guests. The error is the first one, with what it wraps.
func try() error {
	timer := time.AfterFunc(hang, func() { panic("it hangs") })
	defer timer.Stop()
	for _, step := range steps {
		if err := step(); err != nil {
			return whole(err)
		}
	}
	return nil
}

// whole is an error whose text has what all of those have that it wraps.
func whole(err error) error {
	text := err.Error()
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		if !strings.Contains(text, inner.Error()) {
			text += ": " + inner.Error()
		}
	}
	return errors.New(text)
}

func tryText() error {
	bytes, err := wasmer.Wat2Wasm(`(module (func (export "f")))`)
	if err != nil {
		return err
	}
	if !wasmer.Validate(bytes) && wasmer.Validate(guests["small"]) {
		return wrong{errors.New("WRONG: the translated module is not valid")}
	}
	return nil
}

// trySmall goes through the life of a module and its instance.
func trySmall() error {
	module, err := wasmer.Compile(guests["small"], compileOptions...)
	if err != nil {
		return err
	}
	defer module.Close()
	bytes, err := module.Serialize()
	if err != nil {
		return err
	}
	again, err := wasmer.DeserializeModule(bytes)
	if err != nil {
		return err
	}
	defer again.Close()
	for _, module := range []wasmer.Module{module, again} {
		instance, err := module.Instantiate()
		if err != nil {
			return err
		}
		defer instance.Close()
		sum, err := instance.Exports["sum"](5, 37)
		if err != nil {
			return err
		}
		if err := expected("the sum", sum.ToI32(), int32(42)); err != nil {
			return err
		}
		grown, err := instance.Exports["grow"](10)
		if err != nil {
			return err
		}
		if err := expected("the size", grown.ToI32(), int32(1)); err != nil {
			return err
		}
		_, err = instance.Exports["load"](-1)
		if err := expected("a trap", errors.Is(err, wasmer.TrapMemoryOutOfBounds), true); err != nil {
			return err
		}
	}
	return nil
}

func stress() (wasmer.Module, wasmer.Instance, error) {
	module, err := wasmer.Compile(guests["stress"], compileOptions...)
	if err != nil {
		return module, wasmer.Instance{}, err
	}
	imports := wasmer.NewImports()
	if _, err := imports.Append("host", func(_ context.Context, n int32) (int32, error) { return n + 1, nil }); err != nil {
		return module, wasmer.Instance{}, err
	}
	instance, err := module.InstantiateWithImports(imports)
	return module, instance, err
}

// tryStress calls the host, traps in each way that has a signal, and ends an endless guest, while
// Go's collector runs.
func tryStress() error {
	module, instance, err := stress()
	if err != nil {
		return err
	}
	defer module.Close()
	defer instance.Close()
	result, err := instance.Exports["host_once"](1)
	if err != nil {
		return err
	}
	if err := expected("the host's result", result.ToI32(), int32(102)); err != nil {
		return err
	}
	for name, trap := range map[string]wasmer.TrapCode{
		"trap_divide": wasmer.TrapIntegerDivideByZero, "trap_load": wasmer.TrapMemoryOutOfBounds, "trap_stack": wasmer.TrapStackOverflow,
		"trap_unreachable": wasmer.TrapUnreachable,
	} {
		var err error
		switch name {
		case "trap_unreachable":
			_, err = instance.Exports[name]()
		case "trap_load":
			_, err = instance.Exports[name](-1)
		case "trap_stack":
			_, err = instance.Exports[name](int64(0))
		default:
			_, err = instance.Exports[name](0)
		}
		if !errors.Is(err, trap) {
			return wrong{fmt.Errorf("WRONG: %s gives %w", name, err)}
		}
	}
	return endless(&instance, runtime.GC)
}

// endless lets a guest run until its deadline, while something else is done.
func endless(instance *wasmer.Instance, meanwhile func()) error {
	function, err := instance.Function("endless")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := function.Call(ctx)
		done <- err
	}()
	meanwhile()
	switch err := <-done; {
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case err == nil:
		return wrong{errors.New("WRONG: the endless guest ends")}
	default:
		return err
	}
}

// tryManyThreads opens and closes gates, and runs more guests than there are processors.
func tryManyThreads() error {
	module, instance, err := stress()
	if err != nil {
		return err
	}
	defer module.Close()
	defer instance.Close()
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() {
			own, err := module.InstantiateWithImports(hostOnly())
			if err != nil {
				errs[i] = err
				return
			}
			defer own.Close()
			errs[i] = endless(&own, func() {})
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func hostOnly() *wasmer.Imports {
	imports := wasmer.NewImports()
	_, _ = imports.Append("host", func(n int32) int32 { return n })
	return imports
}

// tryIgnored takes the handler of the pauses away: the next instantiation puts it back, and wakes
// threads that have missed a signal.
func tryIgnored() error {
	signal.Ignore(syscall.SIGURG)
	module, instance, err := stress()
	if err != nil {
		return err
	}
	defer module.Close()
	defer instance.Close()
	return endless(&instance, runtime.GC)
}

// tryWASI reads clocks and gets random bytes.
func tryWASI() error {
	bytes, err := wasmer.Wat2Wasm(`(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(memory (export "memory") 1)
		(func (export "now") (result i64)
			(if (call $clock (i32.const 0) (i64.const 1) (i32.const 8)) (then unreachable))
			(if (call $clock (i32.const 1) (i64.const 1) (i32.const 16)) (then unreachable))
			(i64.load (i32.const 8)))
		(func (export "random") (result i32) (call $random (i32.const 0) (i32.const 100))))`)
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes, compileOptions...)
	if err != nil {
		return err
	}
	defer module.Close()
	instance, err := module.InstantiateWithImportObject(wasmer.NewDefaultWasiImportObject())
	if err != nil {
		return err
	}
	defer instance.Close()
	before := time.Now()
	now, err := instance.Exports["now"]()
	if err != nil {
		return err
	}
	if got := time.Unix(0, now.ToI64()); got.Before(before) || got.After(time.Now()) {
		return wrong{fmt.Errorf("WRONG: the time is %v at %v", got, before)}
	}
	random, err := instance.Exports["random"]()
	if err != nil {
		return err
	}
	return expected("what random_get returns", random.ToI32(), int32(0))
}
