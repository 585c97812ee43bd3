package wasmer_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// busy is the code of a function that adds and multiplies, in n blocks; some 20,000 of them take a
// second to compile.
func busy(n int) []byte {
	var code []byte
	for i := range n {
		c := byte(i % 64) // of one byte as a signed number
		code = append(code, 0x20, 0, 0x41, c, 0x6a, 0x04, 0x40, 0x20, 0, 0x41, c, 0x6c, 0x21, 0, 0x0b)
	}
	return append(code, 0x20, 0)
}

// busyModule has functions of such code, all of one type, and exports the first.
func busyModule(functions, blocks int) []byte {
	types, bodies := make([][]byte, functions), make([][]byte, functions)
	for i := range bodies {
		types[i], bodies[i] = []byte{0}, body(busy(blocks)...)
	}
	return module(section(1, []byte{0x60, 1, 0x7f, 1, 0x7f}), section(3, types...),
		section(7, join(name("f"), []byte{0, 0})), section(10, bodies...))
}

// counts is what a progress function was told.
type counts struct{ done, totals []int }

func (c *counts) tell(done, total int) {
	c.done, c.totals = append(c.done, done), append(c.totals, total)
}

// check holds what was told against what is documented.
func (c *counts) check(t *testing.T, total int, all bool) {
	t.Helper()
	if len(c.done) == 0 {
		t.Fatal("progress is never told")
	}
	if slices.Min(c.totals) != total || slices.Max(c.totals) != total {
		t.Errorf("the totals are %v, expected always %d", c.totals, total)
	}
	if !slices.IsSorted(c.done) || c.done[0] < 0 || slices.Max(c.done) > total {
		t.Errorf("done of %d are %v", total, c.done)
	}
	if last := c.done[len(c.done)-1]; all && last != total {
		t.Errorf("in the end %d of %d are done", last, total)
	}
}

// Done never falls and ends at total, which is that of functions and trampolines.
func TestProgress(t *testing.T) {
	imported := section(2, join(name("env"), name("f"), []byte{0, 0}))
	for _, c := range []struct {
		what  string
		bytes []byte
		total int
	}{
		{"an empty module", module(), 0},
		{"one function", busyModule(1, 1), 2},
		{"many functions", busyModule(400, 100), 401},
		{"an import", module(section(1, []byte{0x60, 0, 0}), imported), 3},
	} {
		t.Run(c.what, func(t *testing.T) {
			var told counts
			compiled, err := wasmer.Compile(c.bytes, wasmer.WithProgress(told.tell))
			if err != nil {
				t.Fatal(err)
			}
			compiled.Close()
			told.check(t, c.total, true)
			t.Logf("told %d times", len(told.done))
		})
	}
	// As an option of NewInstanceContext.
	var told counts
	instance := must(wasmer.NewInstanceContext(t.Context(), busyModule(30, 10), nil, wasmer.WithProgress(told.tell)))(t)
	defer instance.Close()
	told.check(t, 31, true)
	// Of a module that is invalid in a function.
	told = counts{}
	_, err := wasmer.Compile(module(section(1, []byte{0x60, 0, 1, 0x7f}), section(3, []byte{0}), section(10, body())),
		wasmer.WithProgress(told.tell))
	checkText(t, err, "Failed to compile the module.\n    type mismatch: expected i32 but nothing on stack (at offset 0x18)")
	told.check(t, 1, false)
}

// Progress is called by the goroutine that compiles, and while others compile: a long function does
// not keep it from being told.
func TestProgressIsToldMeanwhile(t *testing.T) {
	var told counts
	for blocks := 5000; blocks < 1_000_000; blocks *= 2 {
		told = counts{}
		compiled := must(wasmer.Compile(busyModule(2, blocks), wasmer.WithProgress(told.tell)))(t)
		compiled.Close()
		told.check(t, 3, true)
		if len(told.done) >= 3 {
			return
		}
	}
	t.Errorf("told %d times only", len(told.done))
}

// leavesNothing runs something twice, and expects what the engine has and the number of goroutines
// to be as after the first time.
func leavesNothing(t *testing.T, do func()) {
	t.Helper()
	do()
	before, goroutines := baseline(), runtime.NumGoroutine()
	do()
	settle(t, "the engine's counts", func() bool { return engine.ReadStats() == before })
	settle(t, "goroutines", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// A panic of the progress function is an error that says so, and leaves nothing behind.
func TestProgressPanics(t *testing.T) {
	cause := errors.New("no more")
	for _, c := range []struct {
		what, text string
		functions  int
		at         func(done, total int) bool
		panics     any
	}{
		{"at once", "the progress function panicked: too slow", 2000, func(int, int) bool { return true }, "too slow"},
		{"at the end", "the progress function panicked: 7", 1, func(done, total int) bool { return done == total }, 7},
		{"with an error", "the progress function panicked: no more", 500, func(int, int) bool { return true }, cause},
		{"with nil", "panic called with nil", 500, func(int, int) bool { return true }, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			bytes := busyModule(c.functions, 100)
			leavesNothing(t, func() {
				calls := 0
				compiled, err := wasmer.Compile(bytes, wasmer.WithProgress(func(done, total int) {
					if c.at(done, total) {
						calls++
						panic(c.panics)
					}
				}))
				checkText(t, err, "Failed to compile the module.\n    "+errors.Unwrap(err).Error())
				checkContains(t, errors.Unwrap(err), c.text)
				if c.panics == any(cause) && !errors.Is(err, cause) {
					t.Errorf("%v is not the error that it panicked with", errors.Unwrap(err))
				}
				if last, _ := wasmer.GetLastError(); !strings.Contains(last, c.text) {
					t.Errorf("the last error is %q", last)
				}
				if calls != 1 {
					t.Errorf("called %d times although it panicked", calls)
				}
				compiled.Close()
			})
		})
	}
	// The instance's error says what happened.
	_, err := wasmer.NewInstanceContext(t.Context(), busyModule(1, 1), nil, wasmer.WithProgress(func(int, int) { panic("no") }))
	checkContains(t, err, "the progress function panicked: no")
}

// A progress function that ends its goroutine ends compiling, which leaves nothing behind.
func TestProgressExits(t *testing.T) {
	bytes := busyModule(500, 100)
	leavesNothing(t, func() {
		returned := make(chan bool)
		go func() {
			finished := false
			defer func() { returned <- finished }()
			compiled, _ := wasmer.Compile(bytes, wasmer.WithProgress(func(int, int) { runtime.Goexit() }))
			finished = true
			compiled.Close()
		}()
		if <-returned {
			t.Error("compiling has returned")
		}
	})
}

// The progress function can cancel: compiling ends with the context's error and its cause.
func TestProgressCancels(t *testing.T) {
	cause := errors.New("the user has closed the window")
	for _, functions := range []int{1, 3000} { // the only call is the last one, or there are some
		bytes := busyModule(functions, 100)
		leavesNothing(t, func() {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			var told counts
			compiled, err := wasmer.CompileContext(ctx, bytes, wasmer.WithProgress(func(done, total int) {
				told.tell(done, total)
				cancel(cause)
			}))
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
				t.Errorf("%d functions: %v", functions, err)
			}
			told.check(t, functions+1, false)
			compiled.Close()
		})
	}
}

// A context that is done: nothing is compiled, and nothing told.
func TestCompileWithDoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var told counts
	if _, err := wasmer.CompileContext(ctx, busyModule(1, 1), wasmer.WithProgress(told.tell)); !errors.Is(err, context.Canceled) {
		t.Errorf("Compile: %v", err)
	}
	if len(told.done) > 0 {
		t.Errorf("told %d times", len(told.done))
	}
	if _, err := wasmer.Wat2WasmContext(ctx, "(module)"); !errors.Is(err, context.Canceled) {
		t.Errorf("Wat2WasmContext: %v", err)
	}
	//lint:ignore SA1012 a nil context is what is tested
	if _, err := wasmer.Wat2WasmContext(nil, "(module)"); err == nil {
		t.Error("Wat2WasmContext: a nil context is accepted")
	}
}

// lateAtMost is how late a deadline is met at the latest, on the busiest machine. It should be some
// milliseconds.
const lateAtMost = 5 * time.Second

// expectGivenUp does something with a deadline of 20 ms that takes far longer without one, and
// expects the deadline's error in time.
func expectGivenUp(t *testing.T, what string, do func(ctx context.Context) error) {
	t.Helper()
	const deadline = 20 * time.Millisecond
	leavesNothing(t, func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		begin := time.Now()
		err := do(ctx)
		late := time.Since(begin) - deadline
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
		if late > lateAtMost {
			t.Errorf("%s: the deadline was met %v late", what, late)
		}
		t.Logf("%s: %v late", what, late)
	})
}
