package wasmer_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// usedUp is more calls than quickly made code is used for.
const usedUp = 300

// withoutLoops makes the functions of a text such whose first calls are by quickly made code.
func withoutLoops(text string) string {
	return strings.NewReplacer("(loop (br_if 0 (i32.const 0)))", "", "(loop)", "").Replace(text)
}

// TestLazyQuick calls functions in all ways by quickly made code, and then by the code that takes
// its place, and completes the module before, between and after.
func TestLazyQuick(t *testing.T) {
	imports := everyCallImports()
	defer imports.Close()
	text := withoutLoops(everyCall)
	for _, completed := range []int{0, 1, usedUp, -1} {
		module := compileLazily(t, text, wasmer.WithLazy())
		instance := instantiateLazy(t, module, imports)
		for round := range usedUp + 2 {
			if round == completed {
				if err := module.Complete(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if checkEveryCall(t, instance); t.Failed() {
				t.Fatalf("round %d, completed at %d", round, completed)
			}
		}
	}
}

// TestLazyQuickSerialize compares what a module gives whose functions were called with what one
// gives that was compiled at once.
func TestLazyQuickSerialize(t *testing.T) {
	imports := everyCallImports()
	defer imports.Close()
	binary := lazyModule(t, withoutLoops(everyCall))
	eager := must(wasmer.Compile(binary))(t)
	want := must(eager.Serialize())(t)
	eager.Close() // its code would be shared
	module := must(wasmer.Compile(binary, wasmer.WithLazy()))(t)
	defer module.Close()
	instance := instantiateLazy(t, &module, imports)
	checkEveryCall(t, instance)
	if got := must(module.Serialize())(t); !bytes.Equal(got, want) {
		t.Error("the serialised module differs from that of one that was compiled at once")
	}
	checkEveryCall(t, instance)
}

// TestLazyQuickWithinACall has one call of the host use functions up that call each other,
// directly, by a table and as tail calls, and that call themselves.
func TestLazyQuickWithinACall(t *testing.T) {
	module := compileLazily(t, `(module
		(type $count (func (param i32) (result i32)))
		(table 1 funcref)
		(elem (i32.const 0) $indirect)
		(func $direct (type $count)
			(if (result i32) (local.get 0)
				(then (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1)))))
				(else (i32.const 0))))
		(func $again (type $count) (call $direct (local.get 0)))
		(func $indirect (type $count)
			(if (result i32) (local.get 0)
				(then (i32.add (i32.const 1)
					(call_indirect (type $count) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
				(else (i32.const 0))))
		(func $tail (param i32 i32) (result i32)
			(if (i32.eqz (local.get 0)) (then (return (local.get 1))))
			(return_call $tail (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 1) (i32.const 1))))
		(func (export "direct") (type $count) (call $direct (local.get 0)))
		(func (export "indirect") (type $count) (call $indirect (local.get 0)))
		(func (export "tail") (type $count) (call $tail (local.get 0) (i32.const 0)))
		(func (export "loop") (type $count) (local i32)
			(loop
				(local.set 1 (i32.add (local.get 1) (call $direct (i32.const 1))))
				(br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
			(local.get 1)))`, wasmer.WithLazy())
	instance := instantiateLazy(t, module, nil)
	for range 2 {
		for _, name := range []string{"direct", "indirect", "tail", "loop"} {
			if got := callLazy(t, instance, name, 2*usedUp).ToI32(); got != 2*usedUp {
				t.Errorf("%s = %d, want %d", name, got, 2*usedUp)
			}
		}
	}
}

// TestLazyQuickHammer has many goroutines use up the same functions, while others complete the
// module.
func TestLazyQuickHammer(t *testing.T) {
	const functions = 20
	text := withoutLoops(manyFunctions(functions, 3))
	for range 3 {
		module := compileLazily(t, text, wasmer.WithLazy())
		var group sync.WaitGroup
		for g := range 6 {
			group.Go(func() {
				instance := instantiateLazy(t, module, nil)
				for i := range 2 * usedUp / functions {
					at := (i*7 + g*5) % functions
					result, err := instance.Exports[fmt.Sprintf("f%d", at)](0)
					if err != nil || result.ToI32() != int32(functions-at) {
						t.Errorf("f%d = %v, %v, want %d", at, result, err, functions-at)
						return
					}
				}
			})
		}
		group.Wait()
		if err := module.Complete(t.Context()); err != nil || !module.IsComplete() {
			t.Fatalf("the module is not complete: %v", err)
		}
	}
}

// TestLazyQuickTrap compares the backtraces of a trap in quickly made code, and in what takes its
// place, with that in code compiled at once.
func TestLazyQuickTrap(t *testing.T) {
	binary := lazyModule(t, `(module (memory 1)
		(func $load (param i32) (result i32) (i32.add (i32.const 1) (i32.load (local.get 0))))
		(func $middle (param i32) (result i32) (i32.mul (call $load (local.get 0)) (i32.const 3)))
		(func (export "outer") (param i32) (result i32) (i32.sub (call $middle (local.get 0)) (i32.const 2))))`)
	trapped := func(instance *wasmer.Instance) string {
		_, err := instance.Exports["outer"](-1)
		var trap *wasmer.Trap
		if !errors.As(err, &trap) || len(trap.Backtrace) != 3 {
			t.Fatalf("error %v, want a trap in three functions", err)
		}
		return fmt.Sprintf("%v %+v", trap.Code, trap.Backtrace)
	}
	lazy := must(wasmer.Compile(binary, wasmer.WithLazy()))(t)
	defer lazy.Close()
	eager := must(wasmer.Compile(distinct(binary, "eager")))(t)
	defer eager.Close()
	want := trapped(instantiateLazy(t, &eager, nil))
	instance := instantiateLazy(t, &lazy, nil)
	for round := range usedUp {
		if got := trapped(instance); got != want {
			t.Fatalf("round %d: %s, want %s", round, got, want)
		}
	}
}
