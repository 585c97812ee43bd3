package tests

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Endless guests: deadlines, and the garbage collector beside them. Times are logged; what is
// asserted is that nothing hangs, or comes so late that it can only be by luck.

// tooLate is how late a deadline is met at the latest, on the busiest machine. It should be some
// milliseconds.
const tooLate = 3 * time.Second

// expectDeadline runs a function that never ends under a deadline of 20 ms, collects garbage
// meanwhile, and returns how late the deadline was met and how long the longest collection took.
func expectDeadline(t testing.TB, what string, f *wasmer.Function, arguments ...any) (late, collection time.Duration) {
	t.Helper()
	const deadline = 20 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	collected := make(chan time.Duration)
	go func() {
		longest := time.Duration(0)
		for ctx.Err() == nil {
			begin := time.Now()
			runtime.GC()
			longest = max(longest, time.Since(begin))
		}
		collected <- longest
	}()
	begin := time.Now()
	within(t, what, func() {
		_, err := f.Call(ctx, arguments...)
		late = time.Since(begin) - deadline
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error %v, expected the deadline", what, err)
		}
		collection = <-collected
	})
	if late > tooLate || collection > tooLate {
		t.Errorf("%s: %v after the deadline, longest collection %v", what, late, collection)
	}
	return late, collection
}

func TestDeadlines(t *testing.T) {
	instance := stressGuest(t, increment)
	defer instance.Close()
	c := cGuest(t, increment, nil)
	defer c.Close()
	spin := function(t, &instance, "spin_at_depth")
	spinDepth := deepest(t, func(depth int32) error {
		_, err := spin.Call(t.Context(), depth, 0)
		return err
	})
	expectSteady(t, 1, func() {
		for _, loop := range append(endlessLoops,
			guestCall{"spin_at_depth", []any{spinDepth, -1}, 0},
			guestCall{"endless_sweep", []any{10_000}, 0},
			guestCall{"mix", []any{int64(-1)}, 0},
		) {
			what := fmt.Sprint(loop.function, loop.arguments)
			late, collection := expectDeadline(t, what, function(t, &instance, loop.function), loop.arguments...)
			t.Logf("%s: %v after the deadline, longest collection %v", what, late, collection)
			expectSane(t, &instance)
		}
		for _, name := range []string{"endless", "endless_c", "endless_c_go"} {
			late, collection := expectDeadline(t, name, function(t, c, name))
			t.Logf("entered by cgo, %s: %v after the deadline, longest collection %v", name, late, collection)
			expectSane(t, c)
		}
	})
}

// A fill of 2 GiB is interrupted, too. Half of the memory is never touched.
func TestDeadlineOfLongFill(t *testing.T) {
	instance := start(t, compiled(t, "grow"), nil)
	defer instance.Close()
	const half = 1 << 31
	if value := call(t, &instance, "memory_grow", half/65536); value.ToI32() != 1 {
		t.Fatalf("memory.grow to 2 GiB returns %v", value)
	}
	late, collection := expectDeadline(t, "memory.fill", function(t, &instance, "fill"), 0, int64ToI32(half))
	t.Logf("memory.fill of 2 GiB: %v after the deadline, longest collection %v", late, collection)
	if value := call(t, &instance, "load8", 0); value.ToI32() != 171 {
		t.Errorf("first byte %v, expected 171", value)
	}
}

// int64ToI32 gives the i32 of the same low bits.
func int64ToI32(n int64) int32 { return int32(uint32(n)) }

// Without preemption by signals, deadlines are met, too, and the collector runs.
func TestDeadlinesWithoutPreemption(t *testing.T) {
	if !inChild(t, childOptions{env: []string{"GODEBUG=asyncpreemptoff=1"}}) {
		return
	}
	instance := stressGuest(t, increment)
	defer instance.Close()
	for _, loop := range endlessLoops {
		what := fmt.Sprint(loop.function, loop.arguments)
		late, collection := expectDeadline(t, what, function(t, &instance, loop.function), loop.arguments...)
		t.Logf("%s: %v after the deadline, longest collection %v", what, late, collection)
		expectSane(t, &instance)
	}
}

// On one P, an endless guest keeps neither other goroutines nor timers from running.
func TestEndlessGuestOnOneP(t *testing.T) {
	if !inChild(t, childOptions{env: []string{"GOMAXPROCS=1"}}) {
		return
	}
	instance := stressGuest(t, increment)
	defer instance.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := function(t, &instance, "endless").Call(ctx)
		ended <- err
	}()
	within(t, "one P", func() {
		for range 20 {
			time.Sleep(time.Millisecond)
			runtime.GC()
			expectSane(t, &instance)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// A host function that waits for its context ends with it, and the call with the context's error;
// so does a call whose context is done before it begins, and one that is done when a host function
// returns.
func TestDeadlineInHostFunction(t *testing.T) {
	instance := stressGuest(t, func(ctx context.Context, n int32) (int32, error) {
		<-ctx.Done()
		if n == 1 {
			return 0, nil // as if nothing had happened
		}
		return 0, ctx.Err()
	})
	defer instance.Close()
	host := function(t, &instance, "host_once")
	for n := range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		within(t, "a host function", func() {
			if _, err := host.Call(ctx, n); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("host_once(%d): error %v", n, err)
			}
		})
		cancel()
		if _, err := function(t, &instance, "add").Call(ctx, 1, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call with a context that is done: error %v", err)
		}
	}
	expectSane(t, &instance)
}

// Nested calls end with the outer context.
func TestDeadlineOfNestedCalls(t *testing.T) {
	var instance wasmer.Instance
	instance = stressGuest(t, func(ctx context.Context, n int32) (int32, error) {
		if n == 0 {
			_, err := function(t, &instance, "endless").Call(ctx)
			return 0, err
		}
		_, err := function(t, &instance, "host_once").Call(ctx, n-1)
		return 0, err
	})
	defer instance.Close()
	expectSteady(t, 1, func() {
		expectDeadline(t, "nested calls", function(t, &instance, "host_once"), 50)
		expectSane(t, &instance)
	})
}

// A start function that never ends is given up, and nothing of the instance stays.
func TestDeadlineOfStart(t *testing.T) {
	module := compile(t, read(t, "../../testdata/guests/start_loop.wasm"))
	defer module.Close()
	expectSteady(t, 2, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		within(t, "a start function", func() {
			if _, err := module.InstantiateContext(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	})
}
