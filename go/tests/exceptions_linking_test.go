package tests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Exceptions that leave one instance for another: through imported functions, tail calls, host
// functions of each form, and tables.

// thrower throws its tag of what it is given, if that is odd.
const thrower = `(module
	(tag $t (export "t") (param i32))
	(func (export "throw") (param i32) (result i32)
		local.get 0 i32.const 1 i32.and if local.get 0 throw $t end
		local.get 0))`

func newInstance(t testing.TB, text string, set *wasmer.Imports, options ...wasmer.CompileOption) *wasmer.Instance {
	t.Helper()
	module := compile(t, assemble(t, text), options...)
	t.Cleanup(module.Close)
	instance := start(t, module, set)
	t.Cleanup(instance.Close)
	return &instance
}

func expectI32(t testing.TB, instance *wasmer.Instance, expected int32, name string, arguments ...any) {
	t.Helper()
	if value := call(t, instance, name, arguments...); value.ToI32() != expected {
		t.Errorf("%s%v = %v, expected %d", name, arguments, value, expected)
	}
}

// expectException checks that an error is an exception of a tag with one value.
func expectException(t testing.TB, what string, err error, tag *wasmer.Tag, value wasmer.Value) {
	t.Helper()
	var exception *wasmer.Exception
	if !errors.As(err, &exception) {
		t.Errorf("%s: error %v, expected an exception", what, err)
	} else if !exception.Tag.Is(tag) || len(exception.Values) != 1 || exception.Values[0] != value {
		t.Errorf("%s: exception %v, expected one with %v", what, exception, value)
	}
}

func TestExceptionsOfImportedFunctions(t *testing.T) {
	for name, options := range waysToCompile {
		t.Run(name, func(t *testing.T) {
			inner := newInstance(t, thrower, nil, options...)
			set := must(wasmer.NewImports().Namespace("m").AppendInstance(inner))(t)
			outer := newInstance(t, `(module
				(import "m" "t" (tag $t (param i32)))
				(import "m" "throw" (func $throw (param i32) (result i32)))
				(tag $own (param i32))
				(type $i (func (param i32) (result i32)))
				(table (export "table") 4 funcref)
				(elem (i32.const 0) func $throw)
				(func $tail (param i32) (result i32) (return_call $throw (local.get 0)))
				(func $tail_indirect (param i32) (result i32) (return_call_indirect (type $i) (local.get 0) (i32.const 0)))
				(func (export "direct") (param i32) (result i32)
					(block $caught (result i32)
						(try_table (catch $own $caught) (catch $t $caught) (return (call $throw (local.get 0))))
						(unreachable))
					(i32.add (i32.const 100)))
				(func (export "tail") (param i32) (result i32)
					try (result i32)
						try (result i32) (call $tail (local.get 0)) catch $own i32.const 7 i32.mul end
					catch $t i32.const 200 i32.add end)
				(func (export "tail_indirect") (param i32) (result i32)
					try (result i32) (call $tail_indirect (local.get 0)) catch $t i32.const 300 i32.add end)
				(func (export "again") (param i32) (result i32)
					try (result i32)
						try (result i32) (call $tail (local.get 0)) catch_all rethrow 0 end
					catch $t i32.const 400 i32.add end)
				(func (export "export") (param i32) (result i32) (return_call $tail (local.get 0))))`, set, options...)
			for i, name := range []string{"direct", "tail", "tail_indirect", "again"} {
				expectI32(t, outer, 4, name, 4)
				expectI32(t, outer, int32(105+100*i), name, 5)
			}
			tag := must(inner.Tag("t"))(t)
			_, err := outer.Exports["export"](9)
			expectException(t, "an exported function", err, tag, wasmer.I32(9))
			element := must(must(outer.Table("table"))(t).Get(0))(t)
			_, err = element.ToFunc().Call(context.Background(), 11)
			expectException(t, "an element", err, tag, wasmer.I32(11))
		})
	}
}

// hostForms are host functions of all forms in which they are taken, of (i32) -> (i32).
func hostForms(call func(x int32) (int32, error)) map[string]any {
	return map[string]any{
		"plain":      call,
		"context":    func(_ context.Context, x int32) (int32, error) { return call(x) },
		"instance":   func(_ *wasmer.InstanceContext, x int32) (int32, error) { return call(x) },
		"typed":      wasmer.Host1(func(_ context.Context, x int32) (int32, error) { return call(x) }),
		"reflection": func(x int16) (int32, error) { return call(int32(x)) },
		"slots": wasmer.HostFunc([]wasmer.ValueType{wasmer.TypeI32}, []wasmer.ValueType{wasmer.TypeI32}, func(_ *wasmer.InstanceContext, slots []uint64) error {
			result, err := call(int32(slots[0]))
			slots[0] = uint64(uint32(result))
			return err
		}),
	}
}

// catcher calls a host function, and catches the tag that it shares with it.
const catcher = `(module
	(import "m" "t" (tag $t (param i32)))
	(import "m" "host" (func $host (param i32) (result i32)))
	(global $seen (export "seen") (mut i32) (i32.const 0))
	(func (export "catch") (param i32) (result i32)
		try (result i32) (call $host (local.get 0)) catch $t i32.const 100 i32.add end)
	(func (export "catch_all") (param i32) (result i32)
		try (result i32) (call $host (local.get 0)) catch_all i32.const -1 end)
	(func (export "pass") (param i32) (result i32) (call $host (local.get 0)))
	(func (export "rethrow") (param i32) (result i32)
		try (result i32) (call $host (local.get 0))
		catch_all (global.set $seen (i32.add (global.get $seen) (i32.const 1))) rethrow 0 end))`

func TestHostFunctionsOfAllFormsThrow(t *testing.T) {
	tag := must(wasmer.NewTag(wasmer.TypeI32))(t)
	defer tag.Close()
	plain := errors.New("no exception")
	for name, function := range hostForms(func(x int32) (int32, error) {
		switch {
		case x == 3:
			return 0, plain
		case x == 5:
			panic("five")
		case x%2 == 0:
			return 2 * x, nil
		}
		exception, err := wasmer.NewException(tag, wasmer.I32(x))
		return 0, errors.Join(err, fmt.Errorf("in a host function: %w", exception))
	}) {
		t.Run(name, func(t *testing.T) {
			set := must(wasmer.NewImports().Namespace("m").AppendTag("t", tag))(t)
			set = must(set.Append("host", function))(t)
			counted := 0
			module := compile(t, assemble(t, catcher))
			defer module.Close()
			for _, options := range [][]wasmer.InstanceOption{nil, {wasmer.WithHook(func(_ *wasmer.InstanceContext, _ *wasmer.HostCall, next func() error) error {
				counted++
				return next()
			})}} {
				instance := must(module.InstantiateContext(context.Background(), set, options...))(t)
				defer instance.Close()
				expectI32(t, &instance, 16, "catch", 8)
				expectI32(t, &instance, 107, "catch", 7)
				expectI32(t, &instance, -1, "catch_all", 7)
				_, err := instance.Exports["pass"](9)
				expectException(t, "pass", err, tag, wasmer.I32(9))
				_, err = instance.Exports["rethrow"](9)
				expectException(t, "rethrow", err, tag, wasmer.I32(9))
				// Other errors and panics are no exceptions.
				if _, err := instance.Exports["catch_all"](3); !errors.Is(err, plain) {
					t.Errorf("%v, expected the error of the host function", err)
				}
				func() {
					defer func() {
						if recovered := recover(); recovered == nil {
							t.Error("the panic has not arrived")
						}
					}()
					_, err := instance.Exports["catch_all"](5)
					t.Errorf("%v, expected a panic", err)
				}()
				expectI32(t, &instance, 107, "catch", 7)
			}
			if counted != 8 {
				t.Errorf("the hook has seen %d calls, expected 8", counted)
			}
		})
	}
}

// TestExceptionsThroughGuestsAndHosts has guests and host functions call each other 100 deep. Each
// guest catches the exception and throws it again, each host function passes it on, or one of its
// own with one more.
func TestExceptionsThroughGuestsAndHosts(t *testing.T) {
	tag := must(wasmer.NewTag(wasmer.TypeI32))(t)
	defer tag.Close()
	var instance *wasmer.Instance
	set := must(wasmer.NewImports().Namespace("m").AppendTag("t", tag))(t)
	set = must(set.Append("host", func(ctx context.Context, depth int32) (int32, error) {
		if depth == 0 {
			return 0, must(wasmer.NewException(tag, wasmer.I32(1000)))(t)
		}
		name := []string{"pass", "rethrow"}[depth%2]
		_, err := function(t, instance, name).Call(ctx, depth-1)
		var exception *wasmer.Exception
		if !errors.As(err, &exception) {
			return 0, fmt.Errorf("at depth %d: %w", depth, err)
		}
		if depth%3 == 0 {
			return 0, must(wasmer.NewException(tag, wasmer.I32(exception.Values[0].ToI32()+1)))(t)
		}
		return 0, err
	}))(t)
	instance = newInstance(t, catcher, set)
	expectI32(t, instance, 1100+33, "catch", 100)
	if value := must(must(instance.Global("seen"))(t).Get())(t); value.ToI32() != 50 {
		t.Errorf("%v handlers have run, expected 50", value)
	}
}

// TestExceptionsOfGuestsThatCallC throws in an instance that is entered by cgo.
func TestExceptionsOfGuestsThatCallC(t *testing.T) {
	needsCgo(t)
	instance := newInstance(t, `(module
		(import "env" "add" (func $add (param i32 i32) (result i32)))
		(tag $t (export "t") (param i32))
		(func $throw (param i32) (result i32)
			(if (i32.and (local.get 0) (i32.const 1)) (then (throw $t (call $add (local.get 0) (i32.const 1)))))
			(call $add (local.get 0) (i32.const 1000)))
		(func (export "throw") (param i32) (result i32) (call $throw (local.get 0)))
		(func (export "catch") (param i32) (result i32)
			try (result i32) (call $add (call $throw (local.get 0)) (i32.const 1)) catch $t (call $add (i32.const 100)) end))`,
		must(wasmer.NewImports().Append("add", cAdd, cfuncs.Add()))(t))
	expectI32(t, instance, 1005, "catch", 4)
	expectI32(t, instance, 106, "catch", 5)
	_, err := instance.Exports["throw"](7)
	expectException(t, "throw", err, must(instance.Tag("t"))(t), wasmer.I32(8))
}

// TestTagsOfManyValues throws a thousand values, from the guest and from Go.
func TestTagsOfManyValues(t *testing.T) {
	const count = 1000
	types := slices.Repeat([]wasmer.ValueType{wasmer.TypeI64}, count)
	tag := must(wasmer.NewTag(types...))(t)
	defer tag.Close()
	values := make([]wasmer.Value, count)
	for i := range values {
		values[i] = wasmer.I64(int64(i * i))
	}
	params, drops := "", ""
	for range count {
		params += " i64"
		drops += " i64.add"
	}
	set := must(wasmer.NewImports().Namespace("m").AppendTag("t", tag))(t)
	set = must(set.Append("host", func() error { return must(wasmer.NewException(tag, values...))(t) }))(t)
	for name, options := range waysToCompile {
		instance := newInstance(t, `(module
			(import "m" "t" (tag $t (param`+params+`)))
			(import "m" "host" (func $host))
			(func (export "sum") (result i64) i64.const 0 try (result`+params+`) call $host unreachable catch $t end`+drops+`)
			(func (export "again") try call $host catch_all rethrow 0 end)
			(func (export "sum_again") (result i64) i64.const 0
				try (result`+params+`)
					try call $host catch $t throw $t end unreachable
				catch $t end`+drops+`))`, set, options...)
		for _, function := range []string{"sum", "sum_again"} {
			if value := call(t, instance, function); value.ToI64() != 332833500 {
				t.Errorf("%s, %s: %v, expected 332833500", name, function, value)
			}
		}
		var exception *wasmer.Exception
		if _, err := instance.Exports["again"](); !errors.As(err, &exception) || !slices.Equal(exception.Values, values) {
			t.Errorf("%s: the exception has other values", name)
		}
	}
}

// TestMissingTags tells which tag is missing; nothing can stand for one.
func TestMissingTags(t *testing.T) {
	module := compile(t, assemble(t, catcher))
	defer module.Close()
	set := must(wasmer.NewImports().Namespace("m").Append("host", func(x int32) int32 { return x }))(t)
	for name, options := range map[string][]wasmer.InstanceOption{
		"none": nil, "traps": {wasmer.WithTrappingImports()}, "zeros": {wasmer.WithZeroImports()},
		"default": {wasmer.WithDefaultImports(func(_, name string, _ wasmer.FunctionType) wasmer.HostFunction {
			t.Errorf("asked for a function %s", name)
			return wasmer.HostFunction{}
		})},
	} {
		_, err := module.InstantiateContext(context.Background(), set, options...)
		if err == nil {
			t.Errorf("%s: instantiated", name)
		} else {
			t.Logf("%s: %v: %v", name, err, errors.Unwrap(err))
		}
	}
	// A function is no tag, nor the other way round.
	other := must(wasmer.NewImports().Namespace("m").Append("host", func(x int32) int32 { return x }))(t)
	other = must(other.Append("t", func(int32) {}))(t)
	if _, err := module.InstantiateWithImports(other); err == nil {
		t.Error("a function was taken for a tag")
	} else {
		t.Logf("%v: %v", err, errors.Unwrap(err))
	}
}
