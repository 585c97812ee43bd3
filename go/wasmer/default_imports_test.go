package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// wants is a module that imports functions of several types, and calls them.
const wants = `(module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "many" (func $many (result i32 i64 f64 externref)))
  (import "other" "nop" (func $nop (param i64)))
  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "many") (result i32 i64 f64 externref) (call $many))
  (func (export "nop") (call $nop (i64.const 7))))`

// instanceOf makes an instance that is closed with the test.
func instanceOf(t testing.TB, module wasmer.Module, imports *wasmer.Imports, options ...wasmer.InstanceOption) wasmer.Instance {
	t.Helper()
	instance := must(module.InstantiateContext(context.Background(), imports, options...))(t)
	t.Cleanup(instance.Close)
	return instance
}

func TestImportsThatReturnZero(t *testing.T) {
	in := instanceOf(t, wat(t, wants), nil, wasmer.WithZeroImports())
	if got := call(t, in, "add", 5, 37); got != wasmer.I32(0) {
		t.Errorf("add is %v, expected 0", got)
	}
	got := must(must(in.Function("many"))(t).Call(context.Background()))(t)
	expected := []wasmer.Value{wasmer.I32(0), wasmer.I64(0), wasmer.F64(0), wasmer.ExternRef(nil)}
	if fmt.Sprint(got) != fmt.Sprint(expected) || !got[3].IsNull() {
		t.Errorf("many is %v, expected %v", got, expected)
	}
	call(t, in, "nop")
}

// What is provided is not asked for, and the first option that has a function provides it.
func TestDefaultImports(t *testing.T) {
	var asked []string
	provide := func(namespace, name string, typ wasmer.FunctionType) wasmer.HostFunction {
		asked = append(asked, namespace+"."+name+typ.String())
		if name != "add" {
			return wasmer.HostFunction{}
		}
		return wasmer.HostFunc(typ.Params, typ.Results, func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0] += slots[1]
			return nil
		})
	}
	imports := must(wasmer.NewImports().Namespace("other").Append("nop", func(int64) {}))(t)
	in := instanceOf(t, wat(t, wants), imports, wasmer.WithDefaultImports(provide), wasmer.WithDefaultImports(nil),
		wasmer.WithTrappingImports(), wasmer.WithZeroImports())
	if got := call(t, in, "add", 5, 37); got != wasmer.I32(42) {
		t.Errorf("add is %v, expected 42", got)
	}
	call(t, in, "nop")
	var unknown *wasmer.UnknownImportError
	if _, err := must(in.Function("many"))(t).Call(context.Background()); !errors.As(err, &unknown) || unknown.Name != "many" {
		t.Errorf("many: %v, expected an UnknownImportError", err)
	}
	if got := fmt.Sprint(asked); got != "[env.add(i32, i32) -> (i32) env.many() -> (i32, i64, f64, externref)]" {
		t.Errorf("asked for %s", got)
	}
}

func TestBadDefaultImports(t *testing.T) {
	module := wat(t, wants)
	for text, provide := range map[string]func(namespace, name string, t wasmer.FunctionType) wasmer.HostFunction{
		"namespace: env, name: add": func(string, string, wasmer.FunctionType) wasmer.HostFunction { return wasmer.HostFunction{} },
		"expected `i32`": func(string, string, wasmer.FunctionType) wasmer.HostFunction {
			return wasmer.HostFunc([]wasmer.ValueType{wasmer.TypeVoid}, nil, func(*wasmer.InstanceContext, []uint64) error { return nil })
		},
		"type": func(string, string, wasmer.FunctionType) wasmer.HostFunction {
			return wasmer.HostProc0(func(context.Context) error { return nil })
		},
	} {
		_, err := module.InstantiateContext(context.Background(), nil, wasmer.WithDefaultImports(provide))
		checkContains(t, err, text)
	}
	memory := wat(t, `(module (import "env" "memory" (memory 1)))`)
	_, err := memory.InstantiateContext(context.Background(), nil, wasmer.WithZeroImports())
	checkContains(t, err, "namespace: env, name: memory")
}

// Functions, globals, tables and memories tell their types alike.
func TestTypesOfObjects(t *testing.T) {
	in := instanceOf(t, wat(t, `(module
	  (func (export "f") (param i32) (result i64) (i64.const 1))
	  (global (export "g") (mut f32) (f32.const 1))
	  (table (export "t") 2 5 funcref)
	  (memory (export "m") 1 3)
	  (memory (export "n") i64 0))`), nil)
	for _, c := range []struct{ got, expected fmt.Stringer }{
		{must(in.Function("f"))(t).Type(), wasmer.FunctionType{Params: []wasmer.ValueType{wasmer.TypeI32}, Results: []wasmer.ValueType{wasmer.TypeI64}}},
		{must(in.Global("g"))(t).Type(), wasmer.GlobalType{Value: wasmer.TypeF32, Mutable: true}},
		{must(in.Table("t"))(t).Type(), wasmer.TableType{Element: wasmer.TypeFuncRef, Min: 2, Max: 5, HasMax: true}},
		{in.Memory.Type(), wasmer.MemoryType{Min: 1, Max: 3, HasMax: true, PageSize: 65536}},
		{must(in.ExportedMemory("n"))(t).Type(), wasmer.MemoryType{Index64: true, PageSize: 65536}},
		{must(wasmer.NewMemory(2, 4))(t).Type(), wasmer.MemoryType{Min: 2, Max: 4, HasMax: true, PageSize: 65536}},
		{new(wasmer.Memory).Type(), wasmer.MemoryType{}},
		{(*wasmer.Memory)(nil).Type(), wasmer.MemoryType{}},
	} {
		if fmt.Sprintf("%#v", c.got) != fmt.Sprintf("%#v", c.expected) {
			t.Errorf("the type is %#v, expected %#v", c.got, c.expected)
		}
	}
}
