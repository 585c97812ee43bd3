package wasmer_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

var lazyModules atomic.Int64

// lazyModule returns the bytes of a text, of which no other module shares what is compiled.
func lazyModule(t testing.TB, text string) []byte {
	t.Helper()
	binary, err := wasmer.Wat2Wasm(text)
	if err != nil {
		t.Fatal(err)
	}
	return distinct(binary, fmt.Sprint(t.Name(), lazyModules.Add(1)))
}

// compileLazily compiles a text with an option.
func compileLazily(t testing.TB, text string, option wasmer.CompileOption) *wasmer.Module {
	t.Helper()
	module, err := wasmer.Compile(lazyModule(t, text), option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	return &module
}

func instantiateLazy(t testing.TB, module *wasmer.Module, imports *wasmer.Imports) *wasmer.Instance {
	t.Helper()
	if imports == nil {
		imports = wasmer.NewImports()
	}
	instance, err := module.InstantiateWithImports(imports)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Close)
	return &instance
}

func callLazy(t testing.TB, instance *wasmer.Instance, name string, arguments ...any) wasmer.Value {
	t.Helper()
	result, err := instance.Exports[name](arguments...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return result
}

// goValue returns an integer or a float.
func goValue(value wasmer.Value) any {
	if value.GetType() == wasmer.TypeF64 {
		return value.ToF64()
	}
	return value.ToI32()
}

// everyCall is a module that calls functions in all ways.
const everyCall = `(module
	(import "env" "host" (func $host (param i32) (result i32)))
	(type $unary (func (param i32) (result i32)))
	(table (export "table") 4 funcref)
	(elem (i32.const 0) $double $host $traps)
	(elem declare func $late)
	(global $started (mut i32) (i32.const 0))
	(global (export "reference") funcref (ref.func $double))
	(func $start (global.set $started (call $double (i32.const 21))))
	(start $start)
	(func $double (type $unary) (loop (br_if 0 (i32.const 0))) (i32.mul (local.get 0) (i32.const 2)))
	(func $traps (type $unary) (loop (br_if 0 (i32.const 0))) (i32.div_u (i32.const 7) (local.get 0)))
	(func (export "started") (result i32) (global.get $started))
	(func (export "direct") (type $unary) (call $double (call $double (local.get 0))))
	(func (export "indirect") (param i32 i32) (result i32)
		(call_indirect (type $unary) (local.get 0) (local.get 1)))
	(func (export "tail") (type $unary) (return_call $double (local.get 0)))
	(func (export "tail_indirect") (param i32 i32) (result i32)
		(return_call_indirect (type $unary) (local.get 0) (local.get 1)))
	(func (export "set") (param i32) (table.set (local.get 0) (ref.func $late)))
	(func $late (type $unary) (loop (br_if 0 (i32.const 0))) (i32.add (local.get 0) (i32.const 100)))
	(func (export "to_host") (type $unary) (call $host (local.get 0)))
	(func (export "mix") (param i64 f64 f32 i32) (result f64)
		(call $mixed (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
	(func $mixed (param i32 f32 f64 i64) (result f64) (loop (br_if 0 (i32.const 0)))
		(f64.add (f64.add (f64.convert_i32_s (local.get 0)) (f64.promote_f32 (local.get 1)))
			(f64.add (local.get 2) (f64.convert_i64_s (local.get 3))))))`

func everyCallImports() *wasmer.Imports {
	imports, err := wasmer.NewImports().Namespace("env").AppendFunction("host",
		func(x int32) int32 { return -x }, nil)
	if err != nil {
		panic(err)
	}
	return imports
}

// checkEveryCall calls all functions of everyCall.
func checkEveryCall(t *testing.T, instance *wasmer.Instance) {
	t.Helper()
	for _, c := range []struct {
		name      string
		arguments []any
		want      any
	}{
		{"started", nil, int32(42)},
		{"direct", []any{5}, int32(20)},
		{"indirect", []any{5, 0}, int32(10)},
		{"indirect", []any{5, 1}, int32(-5)},
		{"indirect", []any{2, 2}, int32(3)},
		{"tail", []any{4}, int32(8)},
		{"tail_indirect", []any{4, 0}, int32(8)},
		{"to_host", []any{3}, int32(-3)},
		{"mix", []any{int64(1), 2.5, float32(0.25), 8}, 11.75},
	} {
		if got := goValue(callLazy(t, instance, c.name, c.arguments...)); got != c.want {
			t.Errorf("%s%v = %v, want %v", c.name, c.arguments, got, c.want)
		}
	}
	callLazy(t, instance, "set", 3)
	if got := callLazy(t, instance, "indirect", 1, 3).ToI32(); got != 101 {
		t.Errorf("the function that was put into the table gives %d, want 101", got)
	}
	_, err := instance.Exports["indirect"](0, 2)
	var trap *wasmer.Trap
	if !errors.As(err, &trap) || trap.Code != wasmer.TrapIntegerDivideByZero {
		t.Fatalf("error %v, want a division by zero", err)
	}
	if len(trap.Backtrace) != 2 || trap.Backtrace[0].FunctionName != "traps" {
		t.Errorf("backtrace %v, want that of $traps and its caller", trap.Backtrace)
	}
}

// TestLazy calls functions in all ways before and after they are compiled.
func TestLazy(t *testing.T) {
	imports := everyCallImports()
	defer imports.Close()
	module := compileLazily(t, everyCall, wasmer.WithLazy())
	instance := instantiateLazy(t, module, imports)
	if module.IsComplete() {
		t.Error("the module is complete before its functions were called")
	}
	for range 2 {
		checkEveryCall(t, instance)
	}
	for range 2 {
		if err := module.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !module.IsComplete() {
		t.Error("the module is not complete")
	}
	checkEveryCall(t, instance)
	checkEveryCall(t, instantiateLazy(t, module, imports))
}

// TestLazySerialize compares what a module gives with what one gives that was compiled at once.
func TestLazySerialize(t *testing.T) {
	for _, level := range []wasmer.OptLevel{wasmer.OptLevelSpeed, wasmer.OptLevelNone} {
		for _, option := range []wasmer.CompileOption{wasmer.WithLazy(), wasmer.WithBackground()} {
			binary := lazyModule(t, everyCall)
			eager := must(wasmer.Compile(binary, wasmer.WithOptLevel(level)))(t)
			want := must(eager.Serialize())(t)
			if !eager.IsComplete() || eager.Complete(t.Context()) != nil {
				t.Error("a module that was compiled at once is not complete")
			}
			eager.Close() // its code would be shared
			module := must(wasmer.Compile(binary, option, wasmer.WithOptLevel(level)))(t)
			clear(binary[8:]) // it has a copy
			if got := must(module.Serialize())(t); !bytes.Equal(got, want) {
				t.Error("the serialised module differs from that of one that was compiled at once")
			}
			module.Close()
		}
	}
}

// TestLazyInvalid refuses modules as eager compilation does.
func TestLazyInvalid(t *testing.T) {
	binary, err := wasmer.Wat2Wasm(`(module (func) (func (result i32) (i64.const 1)))`)
	if err != nil {
		t.Fatal(err)
	}
	_, eager := wasmer.Compile(binary)
	_, lazy := wasmer.Compile(binary, wasmer.WithLazy())
	if eager == nil || lazy == nil || eager.Error() != lazy.Error() {
		t.Errorf("errors %v and %v, want the same", eager, lazy)
	}
}

// manyFunctions is a module of functions that call each other in a chain, each of about so many
// operations.
func manyFunctions(count, operations int) string {
	var text strings.Builder
	text.WriteString("(module (memory 1)")
	for i := range count {
		fmt.Fprintf(&text, "\n(func $f%d (export \"f%d\") (param i32) (result i32) (local i32)\n", i, i)
		for k := range operations {
			fmt.Fprintf(&text, "(i32.store offset=%d (local.get 0) (i32.add (local.get 1) (i32.load offset=%d (local.get 0))))\n", k%1000*4, (k*7+i)%1000*4)
			fmt.Fprintf(&text, "(if (i32.eq (local.get 1) (i32.const %d)) (then (local.set 1 (i32.const %d))))\n", k+1, k)
		}
		if i+1 < count {
			fmt.Fprintf(&text, "(loop) (i32.add (i32.const 1) (call $f%d (local.get 0))))", i+1)
		} else {
			text.WriteString("(i32.const 1))")
		}
	}
	text.WriteString(")")
	return text.String()
}

// TestLazyHammer has many goroutines call the same functions that are not compiled, with and
// without goroutines in the background.
func TestLazyHammer(t *testing.T) {
	const functions = 60
	text := manyFunctions(functions, 20)
	for name, option := range map[string]wasmer.CompileOption{"lazy": wasmer.WithLazy(), "background": wasmer.WithBackground()} {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				module := compileLazily(t, text, option)
				var group sync.WaitGroup
				for g := range 12 {
					group.Go(func() {
						instance := instantiateLazy(t, module, nil)
						for i := range functions {
							at := (i*7 + g*5) % functions
							result, err := instance.Exports[fmt.Sprintf("f%d", at)](0)
							if err != nil || result.ToI32() != int32(functions-at) {
								t.Errorf("f%d = %v, %v, want %d", at, result, err, functions-at)
								return
							}
						}
					})
				}
				if name == "lazy" {
					group.Go(func() {
						if err := module.Complete(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
				if err := module.Complete(t.Context()); err != nil || !module.IsComplete() {
					t.Fatalf("the module is not complete: %v", err)
				}
			}
		})
	}
}

// TestLazyTerminate ends a call while it compiles.
func TestLazyTerminate(t *testing.T) {
	module := compileLazily(t, manyFunctions(1, 30_000), wasmer.WithLazy())
	instance := instantiateLazy(t, module, nil)
	time.AfterFunc(20*time.Millisecond, func() { instance.Terminate(errors.New("enough")) })
	_, err := instance.Exports["f0"](0)
	if !errors.Is(err, wasmer.ErrTerminated) {
		t.Errorf("error %v, want that of a terminated instance", err)
	}
}

// TestLazyClose closes modules while goroutines compile them in the background, and uses instances
// that stay.
func TestLazyClose(t *testing.T) {
	text := manyFunctions(200, 40)
	before := runtime.NumGoroutine()
	for range 5 {
		module := compileLazily(t, text, wasmer.WithBackground())
		instance := instantiateLazy(t, module, nil)
		module.Close()
		if got := callLazy(t, instance, "f190", 0).ToI32(); got != 10 {
			t.Errorf("f190 = %d, want 10", got)
		}
		if err := module.Complete(t.Context()); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("error %v, want that of a closed module", err)
		}
		instance.Close()
	}
	for begun := time.Now(); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// tooComplex is a module with a function that this engine cannot compile: its branches pass more
// values than fit in the memory of the code generator.
func tooComplex() string {
	const values, branches = 1000, 10_000
	repeat := strings.Repeat
	return "(module (func (export \"good\") (result i32) (i32.const 7)) (func (export \"bad\") (param i32)" +
		"(block (result " + repeat("i32 ", values) + ")" + repeat("local.get 0 ", values+1) +
		repeat("local.get 0 br_if 0 ", branches) + "unreachable)" + repeat("drop ", values) +
		") (func (export \"calls\") (call 1 (i32.const 1)) (loop)))"
}

// TestLazyNotCompiled calls a function that cannot be compiled.
func TestLazyNotCompiled(t *testing.T) {
	module := compileLazily(t, tooComplex(), wasmer.WithLazy())
	instance := instantiateLazy(t, module, nil)
	if got := callLazy(t, instance, "good").ToI32(); got != 7 {
		t.Errorf("good = %d, want 7", got)
	}
	for range 2 {
		_, err := instance.Exports["calls"]()
		var trap *wasmer.Trap
		if !errors.As(err, &trap) || !errors.Is(err, wasmer.ErrNotCompiled) {
			t.Fatalf("error %v, want %v", err, wasmer.ErrNotCompiled)
		}
		if trap.Reason == nil || !strings.Contains(err.Error(), "function 1") {
			t.Errorf("error %v, want the reason with the function", err)
		}
		if len(trap.Backtrace) != 1 || trap.Backtrace[0].FunctionIndex != 2 {
			t.Errorf("backtrace %v, want the caller", trap.Backtrace)
		}
	}
	if err := module.Complete(t.Context()); err == nil || !strings.Contains(err.Error(), "function 1") {
		t.Errorf("error %v, want that of function 1", err)
	}
	if _, err := module.Serialize(); err == nil {
		t.Error("a module was serialised that cannot be compiled")
	}
}
