package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// hookedModule compiles a module in the text format.
func hookedModule(t *testing.T, text string) wasmer.Module {
	t.Helper()
	module := must(wasmer.Compile(must(wasmer.Wat2Wasm([]byte(text)))(t)))(t)
	t.Cleanup(module.Close)
	return module
}

// describe writes a call on a line.
func describe(call *wasmer.HostCall) string {
	return fmt.Sprintf("%s.%s%v %s -> %v", call.Namespace, call.Name, call.Arguments, call.Type, call.Results)
}

const hookText = `(module
	(import "env" "mix" (func $mix (param i32 i64 f32 f64 v128) (result i64 v128)))
	(import "env" "reference" (func $reference (param externref funcref) (result externref)))
	(import "env" "nothing" (func $nothing))
	(elem declare func $f)
	(func $f (export "f"))
	(func (export "numbers") (result i64)
		(call $nothing)
		(call $mix (i32.const -1) (i64.const 2) (f32.const 0.5) (f64.const -0.25) (v128.const i32x4 1 2 3 4))
		drop)
	(func (export "references") (param externref) (result externref)
		(call $reference (local.get 0) (ref.func $f))))`

func TestHookSeesValues(t *testing.T) {
	module := hookedModule(t, hookText)
	imports := wasmer.NewImports()
	for name, function := range map[string]any{
		"nothing": func() {},
		"mix": func(a int32, b int64, c float32, d float64, e [2]uint64) (int64, [2]uint64) {
			return int64(a) + b, [2]uint64{e[1], e[0]}
		},
		"reference": func(value any, f *wasmer.Function) any { return fmt.Sprint(value, " and ", f) },
	} {
		must(imports.Append(name, function))(t)
	}
	var lines []string
	instance := must(module.InstantiateContext(t.Context(), imports, wasmer.WithHook(
		func(_ *wasmer.InstanceContext, call *wasmer.HostCall, next func() error) error {
			if call.Results != nil {
				t.Errorf("results before the call: %v", call.Results)
			}
			err := next()
			lines = append(lines, describe(call))
			return err
		})))(t)
	defer instance.Close()
	if value := call(t, instance, "numbers"); value.ToI64() != 1 {
		t.Errorf("numbers returned %v", value)
	}
	if value := call(t, instance, "references", "text"); value.ToExternRef() != "text and f() -> ()" {
		t.Errorf("references returned %v", value)
	}
	expected := `env.nothing[] () -> () -> []
env.mix[-1 2 0.500000 -0.250000 i32x4 0x00000001 0x00000002 0x00000003 0x00000004] (i32, i64, f32, f64, v128) -> (i64, v128) -> [1 i32x4 0x00000003 0x00000004 0x00000001 0x00000002]
env.reference[text f() -> ()] (externref, funcref) -> (externref) -> [text and f() -> ()]`
	if text := strings.Join(lines, "\n"); text != expected {
		t.Errorf("the hook saw\n%s\nexpected\n%s", text, expected)
	}
}

// What a hook returns, and what it does not, never leaves the guest without a result of the
// function.
func TestHookOutcomes(t *testing.T) {
	module := hookedModule(t, `(module (import "env" "f" (func $f (param i32) (result externref)))
		(func (export "run") (result i32) (ref.is_null (call $f (i32.const 7)))))`)
	failure, refusal := errors.New("the function fails"), errors.New("the hook refuses")
	type next = func() error
	for _, test := range []struct {
		name     string
		hook     func(next) error
		fails    bool
		expected string // in the error; none if empty
		is       error
	}{
		{"passed on", func(next next) error { return next() }, false, "", nil},
		{"refused", func(next) error { return refusal }, false, "the hook refuses", refusal},
		{"refused after the call", func(next next) error { next(); return refusal }, false, "the hook refuses", refusal},
		{"silent", func(next) error { return nil }, false, "the hook returned nil without calling the host function", nil},
		{"twice", func(next next) error { next(); return next() }, false, "called the host function twice", nil},
		{"twice, unnoticed", func(next next) error { next(); next(); return nil }, false, "", nil},
		{"failed", func(next next) error { return next() }, true, "the function fails", failure},
		{"failed, swallowed", func(next next) error { next(); return nil }, true, "the function fails", failure},
		{"failed, wrapped", func(next next) error { return fmt.Errorf("wrapped: %w", next()) }, true, "wrapped: the function fails", failure},
	} {
		t.Run(test.name, func(t *testing.T) {
			imports := must(wasmer.NewImports().Append("f", func(int32) (any, error) {
				if test.fails {
					return nil, failure
				}
				return nil, nil
			}))(t)
			instance := must(module.InstantiateContext(t.Context(), imports, wasmer.WithHook(
				func(_ *wasmer.InstanceContext, call *wasmer.HostCall, next func() error) error {
					return test.hook(next)
				})))(t)
			defer instance.Close()
			value, err := instance.Exports["run"]()
			switch {
			case test.expected == "" && (err != nil || value.ToI32() != 1):
				t.Errorf("returned %v, %v", value, err)
			case test.expected != "":
				checkContains(t, err, test.expected)
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("%v does not match %v", err, test.is)
				}
			}
		})
	}
}

// A panic of a host function passes the hook, which can see it.
func TestHookAndPanic(t *testing.T) {
	module := hookedModule(t, `(module (import "env" "f" (func $f)) (func (export "run") (call $f)))`)
	imports := must(wasmer.NewImports().Append("f", func() { panic("of the host") }))(t)
	seen := false
	instance := must(module.InstantiateContext(t.Context(), imports, wasmer.WithHook(
		func(_ *wasmer.InstanceContext, _ *wasmer.HostCall, next func() error) error {
			defer func() { seen = true }()
			return next()
		})))(t)
	defer instance.Close()
	defer func() {
		if value := recover(); value != "of the host" || !seen {
			t.Errorf("recovered %v, and the hook's deferred function ran: %v", value, seen)
		}
	}()
	instance.Exports["run"]()
}

// Hooks are called in the order in which they are given, for functions of WASI and missing ones,
// too.
func TestHooksInOrder(t *testing.T) {
	module := hookedModule(t, `(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(import "env" "missing" (func $missing (param i32) (result i32)))
		(memory (export "memory") 1)
		(func (export "_start")
			(drop (call $time (i32.const 1) (i64.const 0) (i32.const 8)))
			(drop (call $missing (i32.const 5)))
			(call $exit (i32.const 3))))`)
	var lines []string
	hook := func(name string) wasmer.InstanceOption {
		return wasmer.WithHook(func(ctx *wasmer.InstanceContext, call *wasmer.HostCall, next func() error) error {
			lines = append(lines, name+" before "+call.Name)
			err := next()
			lines = append(lines, fmt.Sprintf("%s after %s %v %v", name, call.Name, call.Results, err))
			if call.Name == "clock_time_get" {
				if now, err := ctx.Memory().ReadUint64Le(8); err != nil || now == 0 {
					t.Errorf("the guest's memory has the time %d, %v", now, err)
				}
			}
			return err
		})
	}
	var exit *wasmer.ExitError
	err := new(wasmer.Wasi).Run(t.Context(), &module, hook("first"), wasmer.WithHook(nil), wasmer.WithZeroImports(), hook("second"))
	if !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("the program ended with %v", err)
	}
	expected := []string{
		"first before clock_time_get", "second before clock_time_get",
		"second after clock_time_get [0] <nil>", "first after clock_time_get [0] <nil>",
		"first before missing", "second before missing", "second after missing [0] <nil>", "first after missing [0] <nil>",
		"first before proc_exit", "second before proc_exit",
		"second after proc_exit [] the guest exited with code 3", "first after proc_exit [] the guest exited with code 3",
	}
	if text, expected := strings.Join(lines, "\n"), strings.Join(expected, "\n"); text != expected {
		t.Errorf("the hooks saw\n%s\nexpected\n%s", text, expected)
	}
}

// The time that host functions take.
func ExampleWithHook() {
	bytes, _ := wasmer.Wat2Wasm([]byte(`(module
		(import "env" "add" (func $add (param i32 i32) (result i32)))
		(func (export "run") (result i32) (call $add (i32.const 5) (i32.const 37))))`))
	module, err := wasmer.Compile(bytes)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer module.Close()
	imports, _ := wasmer.NewImports().Append("add", func(x, y int32) int32 { return x + y })
	hook := func(_ *wasmer.InstanceContext, call *wasmer.HostCall, next func() error) error {
		begin := time.Now()
		err := next()
		fmt.Println(call.Namespace, call.Name, call.Arguments, call.Results, time.Since(begin) < time.Minute)
		return err
	}
	instance, err := module.InstantiateContext(context.Background(), imports, wasmer.WithHook(hook))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer instance.Close()
	result, _ := instance.Exports["run"]()
	fmt.Println(result)
	// Output:
	// env add [5 37] [42] true
	// 42
}
