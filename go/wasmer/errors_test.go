package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// fromText translates a module from the text format.
func fromText(t testing.TB, text string) []byte {
	t.Helper()
	return must(wasmer.Wat2Wasm(text))(t)
}

func TestCompileHints(t *testing.T) {
	for _, c := range []struct{ what, bytes, hint string }{
		{"text", "(module)", "it is a module as text: Wat2Wasm translates it"},
		{"text after a comment", "\ufeff \n;; by hand\n(module)", "Wat2Wasm"},
		{"text of a component", "(component)", "components are not supported"},
		{"a page", "<!DOCTYPE html><html>", "it is a page of HTML, not a module"},
		{"a page in capitals", "\r\n<HTML>", "it is a page of HTML, not a module"},
		{"a component", "\x00asm\x0d\x00\x01\x00", "components are not supported"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00", "compressed by gzip"},
		{"a program", "\x7fELF\x02\x01\x01", "native program"},
		{"threads", string(fromText(t, "(module (memory 1 1 shared))")), "the proposal threads is not supported: "},
		{"garbage collection", string(fromText(t, "(module (type (struct)))")), "build the module without this proposal"},
	} {
		_, err := wasmer.Compile([]byte(c.bytes))
		checkContains(t, err, "Failed to compile the module.\n    ")
		checkContains(t, err, c.hint)
		if err != nil && strings.Count(err.Error(), "\n") != 1 {
			t.Errorf("%s: the reason is not one line: %v", c.what, err)
		}
		_, err = wasmer.NewInstance([]byte(c.bytes))
		checkContains(t, err, "Failed to instantiate the module:\n    compile error: Validation error \"")
		checkContains(t, err, c.hint)
	}
}

// A fault tells address and size, a refused growth who refused it.
func TestTrapDetails(t *testing.T) {
	module := must(wasmer.Compile(fromText(t, `(module (memory 1 1000) (table 1 1000 funcref)
		(func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
		(func (export "alloc") (param i32) (if (i32.eq (memory.grow (local.get 0)) (i32.const -1)) (then unreachable)))
		(func (export "add") (param i32) (if (i32.eq (table.grow (ref.null func) (local.get 0)) (i32.const -1)) (then unreachable))))`)))(t)
	defer module.Close()
	instance := must(module.InstantiateContext(context.Background(), nil, wasmer.WithMemoryCeiling(256), wasmer.WithTableCeiling(16)))(t)
	defer instance.Close()
	trapOf := func(name string, argument int) (*wasmer.Trap, error) {
		_, err := instance.Exports[name](argument)
		var trap *wasmer.Trap
		if !errors.As(err, &trap) {
			t.Fatalf("%s: %v", name, err)
		}
		return trap, err
	}
	trap, err := trapOf("load", 65525)
	if trap.Fault == nil || *trap.Fault != (wasmer.MemoryFault{Address: 65536, MemorySize: 65536}) || trap.RefusedGrowths != nil {
		t.Errorf("the fault is %+v, refused was %v", trap.Fault, trap.RefusedGrowths)
	}
	checkContains(t, err, "\nwasm trap: out of bounds memory access: address 0x10000 of a memory of 65536 bytes\n    at function 0(i32) (at offset 0x")
	trap, err = trapOf("alloc", 299)
	checkContains(t, err, "\nwasm trap: unreachable\n    memory.grow to 300 pages was refused: limit 256 pages, set by WithMemoryCeiling\n    at ")
	if trap.Fault != nil || len(trap.RefusedGrowths) != 1 || trap.RefusedGrowths[0] != (wasmer.RefusedGrowth{
		PageSize: 65536, Size: 300, Limit: 256, LimitedBy: wasmer.LimitedByCeiling}) {
		t.Errorf("the fault is %+v, refused was %+v", trap.Fault, trap.RefusedGrowths)
	}
	call(t, instance, "alloc", 1)
	trap, err = trapOf("add", 16)
	checkContains(t, err, "\nwasm trap: unreachable\n    table.grow to 17 elements was refused: limit 16 elements, set by WithTableCeiling\n    at ")
	if len(trap.RefusedGrowths) != 1 || !trap.RefusedGrowths[0].Table {
		t.Errorf("refused was %+v", trap.RefusedGrowths)
	}
	open := must(module.Instantiate())(t)
	defer open.Close()
	_, err = open.Exports["alloc"](1000)
	checkContains(t, err, "memory.grow to 1001 pages was refused: limit 1000 pages, declared by the module")
}

// The error of a host function has the frames of the guest that called it, at every level.
func TestHostErrorBacktrace(t *testing.T) {
	boom := errors.New("boom")
	imports := must(wasmer.NewImports().Append("fail", func() error { return boom }))(t)
	instance := instantiate(t, fromText(t, `(module $guest (import "env" "fail" (func $fail))
		(func $inner (param i64) (call $fail) (call $fail))
		(func $outer (export "run") (param i32) (if (local.get 0) (then (return))) (call $inner (i64.const 1)) (drop (i32.load8_s (i32.const -1))))
		(memory 1))`), imports)
	for range 3 { // first by way of the pool, then on the instance's own fiber
		_, err := instance.Exports["run"](0)
		var failure *wasmer.HostError
		if !errors.As(err, &failure) || failure.Err != boom || !errors.Is(err, boom) || len(failure.Backtrace) != 2 || failure.Omitted != 0 {
			t.Fatalf("%v: %+v", err, failure)
		}
		for i, name := range []string{"inner", "outer"} {
			if frame := failure.Backtrace[i]; frame.FunctionName != name || frame.ModuleName != "guest" || frame.Offset <= frame.CodeOffset ||
				len(frame.Type.Params) != 1 || len(frame.Type.Results) != 0 {
				t.Errorf("frame %d is %+v", i, frame)
			}
		}
		checkText(t, err, "Failed to call the `run` exported function.\nboom\n    at "+failure.Backtrace[0].String()+"\n    at "+failure.Backtrace[1].String())
		if last, _ := wasmer.GetLastError(); last != failure.Error() {
			t.Errorf("the last error is %q", last)
		}
		runtime.KeepAlive(err)
		call(t, instance, "run", 1)
	}
}

// What a host function has returned is not kept for GetLastError, nor is its text made.
func TestLastErrorKeepsNothing(t *testing.T) {
	asked := 0
	collected := make(chan struct{})
	fail := func() error {
		e := &countingError{asked: &asked, big: make([]byte, 1<<20)}
		runtime.AddCleanup(e, func(c chan struct{}) { close(c) }, collected)
		return e
	}
	instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, fail))
	func() {
		if _, err := instance.Exports["nop_then_trap"](); err == nil {
			t.Fatal("no error")
		}
	}()
	if asked != 0 {
		t.Errorf("the text was made %d times", asked)
	}
	settle(t, "the error is collected", func() bool {
		runtime.GC()
		select {
		case <-collected:
			return true
		default:
			return false
		}
	})
	if last, err := wasmer.GetLastError(); last == "" || err != nil {
		t.Errorf("the last error is %q (%v)", last, err)
	}
}

type countingError struct {
	asked *int
	big   []byte
}

func (e *countingError) Error() string { *e.asked++; return "failure" }

// nested calls a guest whose host function calls the guest again, to a depth, and returns the error
// of the innermost one through all.
func nested(t testing.TB, wrap func(error) error) func(depth int) error {
	var instance wasmer.Instance
	boom := errors.New("boom")
	imports := must(wasmer.NewImports().Append("down", func(depth int32) error {
		if depth == 0 {
			return boom
		}
		_, err := instance.Exports["down"](depth - 1)
		return wrap(err)
	}))(t)
	instance = instantiate(t, fromText(t, `(module (import "env" "down" (func $down (param i32))) (func (export "down") (param i32) (call $down (local.get 0))))`), imports)
	return func(depth int) error {
		_, err := instance.Exports["down"](depth)
		if !errors.Is(err, boom) || errors.Is(err, wasmer.ErrClosed) {
			t.Fatalf("%d levels: the error does not match", depth)
		}
		var innermost *wasmer.HostError
		for next := err; errors.As(next, &innermost); next = innermost.Err {
		}
		if innermost.Err != boom || len(innermost.Backtrace) != 1 {
			t.Fatalf("%d levels: the innermost error is %v", depth, innermost)
		}
		return err
	}
}

// lazyError makes its text when it is asked for.
type lazyError struct{ err error }

func (e lazyError) Error() string { return "level: " + e.err.Error() }
func (e lazyError) Unwrap() error { return e.err }

// An error that passes through n nested calls costs about n. It was n^3: 8 GB for 1,000 levels.
func TestErrorThroughNestedCalls(t *testing.T) {
	for name, wrap := range map[string]func(error) error{
		"as it is":     func(err error) error { return err },
		"wrapped":      func(err error) error { return fmt.Errorf("level: %w", err) },
		"wrapped late": func(err error) error { return lazyError{err} },
	} {
		t.Run(name, func(t *testing.T) {
			run := nested(t, wrap)
			run(1000) // whatever is made once
			var text string
			cost := func(depth int) uint64 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := run(depth)
				text = err.Error()
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			half, whole := cost(500), cost(1000)
			t.Logf("500 levels %d KB, 1000 levels %d KB, a text of %d bytes", half>>10, whole>>10, len(text))
			if whole > 3*half || whole > 200<<20 {
				t.Errorf("500 levels allocate %d bytes, 1000 levels %d", half, whole)
			}
			if len(text) > 20<<10 || !strings.HasPrefix(text, "Failed to call the `down` exported function.\n") {
				t.Errorf("a text of %d bytes: %.200s", len(text), text)
			}
			if name == "as it is" && (!strings.Contains(text, "\nboom\n    at ") || !strings.Contains(text, "\n... 985 more\n")) {
				t.Errorf("the text is %s", text)
			}
			if last, _ := wasmer.GetLastError(); len(last) > 20<<10 {
				t.Errorf("the last error has %d bytes", len(last))
			}
		})
	}
}

// The same through start functions.
func TestErrorThroughNestedInstantiations(t *testing.T) {
	boom := errors.New("boom")
	var imports *wasmer.Imports
	depth := 0
	module := must(wasmer.Compile(fromText(t, `(module (import "env" "down" (func $down)) (start $down))`)))(t)
	defer module.Close()
	imports = must(wasmer.NewImports().Append("down", func() error {
		if depth--; depth <= 0 {
			return boom
		}
		_, err := module.InstantiateWithImports(imports)
		return err
	}))(t)
	cost := func(levels int) uint64 {
		depth = levels
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := module.InstantiateWithImports(imports)
		if text := err.Error(); !errors.Is(err, boom) || len(text) > 20<<10 || !strings.Contains(text, "    boom") {
			t.Fatalf("%d levels: %v", levels, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	cost(400)
	if half, whole := cost(200), cost(400); whole > 3*half {
		t.Errorf("200 levels allocate %d bytes, 400 levels %d", half, whole)
	}
}

// Names of a guest may be of any length; the text is bounded.
func TestLongNamesAreCut(t *testing.T) {
	name := strings.Repeat("né", 30_000)
	instance := instantiate(t, fromText(t, `(module (func $`+strings.Repeat("x", 90_000)+` (export "`+name+`") unreachable))`), nil)
	_, err := instance.Exports[name]()
	if text := err.Error(); len(text) > 20<<10 || !strings.Contains(text, " more bytes\n") || strings.ToValidUTF8(text, "?") != text {
		t.Errorf("a text of %d bytes", len(text))
	}
	if !errors.Is(err, wasmer.ErrUnreachable) {
		t.Error("the trap is not in the error")
	}
}

func TestExitErrorIsOneLine(t *testing.T) {
	module := must(wasmer.Compile(fromText(t, `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 3))))`)))(t)
	defer module.Close()
	err := new(wasmer.Wasi).Run(context.Background(), &module)
	checkText(t, err, "the guest exited with code 3")
	var exit *wasmer.ExitError
	if !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("%#v", err)
	}
}

func TestNearNames(t *testing.T) {
	instance := instantiate(t, fromText(t, `(module (memory (export "memory") 1)
		(func $f) (export "sum" (func $f)) (export "sub" (func $f)) (export "sums" (func $f)) (export "multiply" (func $f)) (export "x" (func $f)))`), nil)
	for name, near := range map[string]string{
		"summ":     `; did you mean "sum" or "sums"?`,
		"Sum":      `; did you mean "sum", "sub" or "sums"?`,
		"multipli": `; did you mean "multiply"?`,
		"memory":   ", but a memory",
		"divide":   "",
		"y":        "",
		"":         "",
	} {
		_, err := instance.Function(name)
		checkText(t, err, "cannot find the function `"+name+"`: the instance exports no function of this name"+near)
	}
}
