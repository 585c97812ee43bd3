package tests

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Calls and stacks: recursion, nesting, traps, panics and exits across frames of guests.

// Every trap has its code, the instance works afterwards, and nothing is held.
func TestTraps(t *testing.T) {
	instance := stressGuest(t, increment)
	defer instance.Close()
	c := cGuest(t, increment, nil)
	defer c.Close()
	expectSteady(t, 3, func() {
		for _, trap := range guestTraps {
			what := fmt.Sprint(trap.function, trap.arguments)
			_, err := instance.Exports[trap.function](trap.arguments...)
			expectTrap(t, what, err, trap.code)
			expectSane(t, &instance)
		}
		for _, trap := range cTraps {
			_, err := c.Exports[trap.function](trap.arguments...)
			expectTrap(t, "entered by cgo: "+trap.function, err, trap.code)
			expectSane(t, c)
		}
	})
}

// The backtrace names the functions that are on the stack, innermost first, and the instructions in
// the module's bytes.
func TestTrapBacktrace(t *testing.T) {
	instance := stressGuest(t, func(context.Context, int32) (int32, error) { return 0, errors.New("unused") })
	defer instance.Close()
	_, err := instance.Exports["trap_stack"](0)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) {
		t.Fatal(err)
	}
	if len(trap.Backtrace) != 64 || trap.Omitted == 0 {
		t.Errorf("backtrace of %d frames, %d left out, expected 64 and some", len(trap.Backtrace), trap.Omitted)
	}
	for _, frame := range trap.Backtrace {
		if frame.FunctionName != "recurse_forever" || frame.ModuleName != "stress" || frame.Offset == 0 {
			t.Fatalf("frame %v", frame)
		}
	}
	c := cGuest(t, increment, nil)
	defer c.Close()
	_, err = c.Exports["c_go_then_trap"](1)
	if !errors.As(err, &trap) || len(trap.Backtrace) != 1 {
		t.Fatalf("entered by cgo: %v", err)
	}
}

// Endless recursion in 100 goroutines at once is a trap in each, whatever the limit of the threads'
// own stacks.
func TestEndlessRecursion(t *testing.T) {
	for _, limit := range []string{"-s 256", "-s 8192", "-s unlimited"} {
		t.Run(strings.TrimPrefix(limit, "-s "), func(t *testing.T) {
			if !inChild(t, childOptions{ulimit: limit}) {
				return
			}
			instance := stressGuest(t, increment)
			defer instance.Close()
			c := cGuest(t, increment, nil)
			defer c.Close()
			expectSteady(t, 1, func() {
				inParallel(pick(100, 40), func(int) {
					for _, name := range []string{"trap_stack", "trap_stack_wide", "trap_stack_indirect"} {
						_, err := instance.Exports[name](0)
						expectTrap(t, name, err, wasmer.TrapStackOverflow)
					}
					for _, name := range []string{"trap_stack", "trap_stack_c"} {
						_, err := c.Exports[name](0)
						expectTrap(t, "entered by cgo: "+name, err, wasmer.TrapStackOverflow)
					}
				})
				expectSane(t, &instance)
				expectSane(t, c)
			})
		})
	}
}

// inParallel runs f in n goroutines and waits for all.
func inParallel(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// Whatever is called at the very end of the stack - a host function, a runtime function, a bulk
// operation, a C function - works or traps.
func TestCallsAtEndOfStack(t *testing.T) {
	instance := stressGuest(t, increment)
	defer instance.Close()
	c := cGuest(t, increment, nil)
	defer c.Close()
	for _, f := range []struct {
		instance *wasmer.Instance
		name     string
		bottom   int32 // what the innermost call returns
	}{
		{&instance, "recurse", 0},
		{&instance, "host_at_depth", 1},
		{&instance, "grow_at_depth", 2},
		{&instance, "fill_at_depth", 0},
		{c, "c_at_depth", 0},
	} {
		run := func(depth int32) error {
			value, err := f.instance.Exports[f.name](depth)
			if err == nil && value.ToI32() != depth+f.bottom {
				t.Errorf("%s(%d) = %v", f.name, depth, value)
			}
			return err
		}
		end := deepest(t, run)
		// The depths around the end, each several times: some of them touch the guard with a push,
		// a call or a spill.
		for depth := end - 64; depth <= end+64; depth++ {
			if err := run(depth); err != nil {
				expectTrap(t, f.name, err, wasmer.TrapStackOverflow)
			} else if depth > end {
				t.Errorf("%s works at depth %d and not at %d", f.name, depth, end+1)
			}
		}
		t.Logf("%s reaches depth %d", f.name, end)
		expectSane(t, f.instance)
	}
}

// wasm -> Go -> wasm, 10,000 levels deep, works; by cgo, where each level takes some of the
// thread's stack if C functions are between, it works or is a stack overflow.
func TestNestedCalls(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	const levels = 10_000
	t.Run("assembly", func(t *testing.T) {
		var instance wasmer.Instance
		instance = stressGuest(t, func(_ context.Context, n int32) (int32, error) {
			if n == 0 {
				return 0, nil
			}
			value, err := instance.Exports["host_once"](n - 1)
			return value.ToI32(), err
		})
		defer instance.Close()
		expectSteady(t, 1, func() {
			if value := call(t, &instance, "host_once", levels-1); value.ToI32() != levels*100 {
				t.Errorf("%d levels return %v", levels, value)
			}
		})
	})
	t.Run("cgo, left for Go", func(t *testing.T) {
		var instance *wasmer.Instance
		instance = cGuest(t, func(_ context.Context, n int32) (int32, error) {
			if n == 0 {
				return 7, nil
			}
			value, err := instance.Exports["host"](n - 1)
			return value.ToI32(), err
		}, nil)
		defer instance.Close()
		if value := call(t, instance, "host", levels-1); value.ToI32() != 7 {
			t.Errorf("%d levels return %v", levels, value)
		}
	})
	t.Run("cgo, by C", func(t *testing.T) {
		needsCgo(t)
		deepestReached := int32(0)
		var failure error
		instance := cGuest(t, increment, func(instance *wasmer.Instance, n int32) int32 {
			deepestReached = max(deepestReached, n)
			value, err := instance.Exports["c_go"](n + 1)
			if err != nil {
				failure = err
				return n
			}
			return value.ToI32()
		})
		defer instance.Close()
		value, err := instance.Exports["c_go"](0)
		if err != nil || value.ToI32() != deepestReached {
			t.Errorf("endless nesting returns %v, %v; %d levels were reached", value, err, deepestReached)
		}
		expectTrap(t, "innermost level", failure, wasmer.TrapStackOverflow)
		if deepestReached < 100 {
			t.Errorf("%d levels of C and Go fit on a thread's stack", deepestReached)
		}
		t.Logf("%d levels of C and Go", deepestReached)
		expectSane(t, instance)
	})
}

// A trap in an inner call that the host function swallows does not concern the outer call, which
// then traps by itself.
func TestInnerTrap(t *testing.T) {
	inner := stressGuest(t, increment)
	defer inner.Close()
	for _, trap := range guestTraps {
		host := func(context.Context, int32) (int32, error) {
			_, err := inner.Exports[trap.function](trap.arguments...)
			expectTrap(t, "inner "+trap.function, err, trap.code)
			return 5, nil
		}
		outer := stressGuest(t, host)
		if value := call(t, &outer, "host_once", 1); value.ToI32() != 105 {
			t.Errorf("after an inner %s: %v", trap.function, value)
		}
		_, err := outer.Exports["host_then_trap"](1)
		expectTrap(t, "outer", err, wasmer.TrapUnreachable)
		expectSane(t, &outer)
		outer.Close()
	}
	c := cGuest(t, increment, func(instance *wasmer.Instance, _ int32) int32 {
		for _, trap := range cTraps {
			if trap.function == "c_go_then_trap" {
				continue // itself
			}
			_, err := instance.Exports[trap.function](trap.arguments...)
			expectTrap(t, "below C: "+trap.function, err, trap.code)
		}
		return 5
	})
	defer c.Close()
	if value := call(t, c, "c_go", 1); value.ToI32() != 5 {
		t.Errorf("after inner traps below C: %v", value)
	}
	_, err := c.Exports["c_go_then_trap"](1)
	expectTrap(t, "outer, entered by cgo", err, wasmer.TrapUnreachable)
}

// An error of a host function ends the call and arrives as it is, through several levels.
func TestHostError(t *testing.T) {
	cause := errors.New("cause")
	var instance wasmer.Instance
	instance = stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		if n == 0 {
			return 0, cause
		}
		_, err := instance.Exports["host_once"](n - 1)
		return 0, err
	})
	defer instance.Close()
	expectSteady(t, 2, func() {
		if _, err := instance.Exports["host_once"](20); !errors.Is(err, cause) {
			t.Errorf("error %v", err)
		}
		expectSane(t, &instance)
	})
}

// A panic of a host function arrives at the caller of the export, through several levels of guests,
// and the instances work afterwards.
func TestHostPanic(t *testing.T) {
	var instance wasmer.Instance
	instance = stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		if n == 0 {
			panic("thrown")
		}
		_, err := instance.Exports["host_once"](n - 1)
		return 0, err
	})
	defer instance.Close()
	c := cGuest(t, func(context.Context, int32) (int32, error) { panic("thrown") }, func(instance *wasmer.Instance, n int32) int32 {
		if n == 0 {
			panic("thrown")
		}
		return call(t, instance, "c_go", n-1).ToI32()
	})
	defer c.Close()
	expectSteady(t, 3, func() {
		for what, f := range map[string]func(){
			"host function":       func() { _, _ = instance.Exports["host_once"](20) },
			"host function, cgo":  func() { _, _ = c.Exports["host"](1) },
			"C function":          func() { _, _ = c.Exports["c_go"](0) },
			"nested C functions":  func() { _, _ = c.Exports["c_go"](5) },
			"in another function": func() { _, _ = instance.Exports["host_loop"](1) },
		} {
			if caught := catch(f); caught != "thrown" {
				t.Errorf("%s: caught %v", what, caught)
			}
		}
		expectSane(t, &instance)
		expectSane(t, c)
	})
}

// runtime.Goexit in a host function (t.FailNow does it) runs the deferred functions and gives the
// stack of the guest back.
func TestHostGoexit(t *testing.T) {
	instance := stressGuest(t, func(context.Context, int32) (int32, error) { runtime.Goexit(); return 0, nil })
	defer instance.Close()
	c := cGuest(t, func(context.Context, int32) (int32, error) { runtime.Goexit(); return 0, nil }, nil)
	defer c.Close()
	expectSteady(t, 3, func() {
		for _, f := range []func(...any) (wasmer.Value, error){instance.Exports["host_once"], c.Exports["host"]} {
			deferred, returned := false, false
			inParallel(1, func(int) {
				defer func() { deferred = true }()
				_, _ = f(1)
				returned = true
			})
			if !deferred || returned {
				t.Errorf("deferred function run: %v, call returned: %v", deferred, returned)
			}
		}
		expectSane(t, &instance)
		expectSane(t, c)
	})
}

// Go's own faults stay Go's: a nil dereference and a division by zero in Go code are ordinary
// panics, outside and inside of host functions, and below C.
func TestGoFaultsStillPanic(t *testing.T) {
	faults := map[string]struct {
		fault func()
		text  string
	}{
		"nil dereference":  {func() { *nilPointer = 1 }, "nil pointer dereference"},
		"division by zero": {func() { one /= zero }, "integer divide by zero"},
		"index":            {func() { one = make([]int, 1)[one] }, "index out of range"},
	}
	current := func() {}
	instance := stressGuest(t, func(context.Context, int32) (int32, error) { current(); return 0, nil })
	defer instance.Close()
	c := cGuest(t, func(context.Context, int32) (int32, error) { current(); return 0, nil },
		func(*wasmer.Instance, int32) int32 { current(); return 0 })
	defer c.Close()
	for name, fault := range faults {
		current = fault.fault
		for where, f := range map[string]func(){
			"in plain Go":                        current,
			"in a host function":                 func() { _, _ = instance.Exports["host_once"](1) },
			"in a host function, entered by cgo": func() { _, _ = c.Exports["host"](1) },
			"in Go below C below a guest":        func() { _, _ = c.Exports["c_go"](1) },
			"in a host function, after it trapped": func() {
				_, _ = instance.Exports["trap_load"](-1)
				_, _ = instance.Exports["host_once"](1)
			},
		} {
			err, isError := catch(f).(runtime.Error)
			if !isError || !strings.Contains(err.Error(), fault.text) {
				t.Errorf("%s %s: %v", name, where, err)
			}
		}
		expectSane(t, &instance)
		expectSane(t, c)
	}
}

var (
	nilPointer *int
	one, zero  = 1, 0
)

// Guests run on threads that C has created, small ones too, and on locked threads.
func TestThreadsOfC(t *testing.T) {
	needsCgo(t)
	instance := stressGuest(t, increment)
	defer instance.Close()
	c := cGuest(t, increment, nil)
	defer c.Close()
	work := func() {
		expectSane(t, &instance)
		expectSane(t, c)
		if value := call(t, &instance, "host_loop", 20); value.ToI32() != 43 {
			t.Errorf("host_loop(20) = %v", value)
		}
		if value := call(t, c, "all_loop", 20); value.ToI32() != 60 {
			t.Errorf("all_loop(20) = %v", value)
		}
		_, err := instance.Exports["trap_stack"](0)
		expectTrap(t, "trap_stack", err, wasmer.TrapStackOverflow)
		_, err = c.Exports["trap_stack_c"](0)
		expectTrap(t, "trap_stack_c", err, wasmer.TrapStackOverflow)
		_, err = instance.Exports["trap_load"](-1)
		expectTrap(t, "trap_load", err, wasmer.TrapMemoryOutOfBounds)
		n := int64(3_000_000)
		if value := call(t, &instance, "mix", n); value.ToI64() != mix(n) {
			t.Errorf("mix(%d) = %v", n, value)
		}
		if value := call(t, &instance, "grow_storm", 20); value.ToI32() != 0 {
			t.Errorf("grow_storm = %v", value)
		}
	}
	expectSteady(t, 1, func() {
		inParallel(8, func(i int) {
			if !cfuncs.OnThread(256<<10<<(i%4), work) {
				t.Error("cannot create a thread")
			}
		})
		inParallel(2, func(int) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			work()
		})
	})
}
