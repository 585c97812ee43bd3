package wasmer_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// wat compiles a module from its text.
func wat(t testing.TB, text string) wasmer.Module {
	t.Helper()
	module := must(wasmer.Compile(must(wasmer.Wat2Wasm(text))(t)))(t)
	t.Cleanup(module.Close)
	return module
}

// Whatever was never made is closed: nothing of the public API panics on nil or on a zero value.
func TestNothingPanicsOnZeroValues(t *testing.T) {
	ctx := t.Context()
	closed := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("%s: %v, expected an error that matches ErrClosed", what, err)
		}
	}
	second := func(_ any, err error) error { return err }
	for _, f := range []*wasmer.Function{nil, {}} {
		closed("Function.Call", second(f.Call(ctx)))
		closed("Function.CallSlots", f.CallSlots(ctx, nil))
		if f.Name() != "" || f.String() != "" || f.Type().Params != nil || f.Type().Results != nil || !wasmer.FuncRef(f).IsNull() {
			t.Errorf("function: name %q, %q, type %s", f.Name(), f.String(), f.Type())
		}
		if _, err := wasmer.NewImports().AppendExportedFunction("f", f); err == nil {
			t.Error("AppendExportedFunction: no error")
		}
		if _, err := wasmer.NewFunction(f); err == nil {
			t.Error("NewFunction: no error")
		}
	}
	for _, g := range []*wasmer.Global{nil, {}} {
		closed("Global.Get", second(g.Get()))
		closed("Global.Set", g.Set(wasmer.I32(1)))
		if g.Type() != (wasmer.GlobalType{Value: wasmer.TypeVoid}) || g.String() != "void" {
			t.Errorf("global: %s of type %s", g, g.Type())
		}
		g.Close()
		if _, err := wasmer.NewImports().AppendGlobal("g", g); err == nil {
			t.Error("AppendGlobal: no error")
		}
	}
	for _, table := range []*wasmer.Table{nil, {}} {
		closed("Table.Get", second(table.Get(0)))
		closed("Table.Set", table.Set(0, wasmer.FuncRef(nil)))
		closed("Table.Grow", second(table.Grow(1, wasmer.FuncRef(nil))))
		if table.Size() != 0 || table.Type() != (wasmer.TableType{Element: wasmer.TypeVoid}) {
			t.Errorf("table: %d, %s", table.Size(), table.Type())
		}
		table.Close()
		if _, err := wasmer.NewImports().AppendTable("t", table); err == nil {
			t.Error("AppendTable: no error")
		}
	}
	for _, memory := range []*wasmer.Memory{nil, {}} {
		closed("Memory.Grow", memory.Grow(1))
		closed("Memory.Read", second(memory.Read(0, 1)))
		closed("Memory.Write", memory.Write(0, nil))
		if memory.Data() != nil || memory.Length() != 0 || memory.PageSize() != 0 || memory.IsOwned() {
			t.Error("memory")
		}
		memory.Close()
	}
	slots := make([]uint64, 2)
	for _, instance := range []*wasmer.Instance{nil, {}} {
		closed("Instance.Function", second(instance.Function("f")))
		closed("Instance.Global", second(instance.Global("g")))
		closed("Instance.Table", second(instance.Table("t")))
		closed("Instance.ExportedMemory", second(instance.ExportedMemory("m")))
		closed("Instance.ValueToSlots", instance.ValueToSlots(wasmer.I32(1), slots))
		closed("Instance.ValueFromSlots", second(instance.ValueFromSlots(wasmer.TypeI32, slots)))
		closed("AppendInstance", second(wasmer.NewImports().AppendInstance(instance)))
		closed("Func0", second(wasmer.Func0[int32](instance, "f")))
		instance.SetContextData(1)
		instance.Close()
		if instance.HasMemory() {
			t.Error("HasMemory")
		}
	}
	for _, module := range []*wasmer.Module{nil, {}} {
		closed("Module.Instantiate", second(module.Instantiate()))
		closed("Module.Serialize", second(module.Serialize()))
		closed("NewPool", second(wasmer.NewPool(module, nil)))
		closed("Wasi.Run", (&wasmer.Wasi{}).Run(ctx, module))
		module.Close()
		if module.ExportTypes() != nil || module.ImportTypes() != nil {
			t.Error("types of a module")
		}
	}
	for _, pool := range []*wasmer.Pool{nil, {}} {
		closed("Pool.Get", second(pool.Get(ctx)))
		if err := pool.Put(&wasmer.Instance{}); err == nil {
			t.Error("Pool.Put: no error")
		}
		pool.Close()
	}
	for _, c := range []*wasmer.InstanceContext{nil, {}} {
		closed("InstanceContext.ValueToSlots", c.ValueToSlots(wasmer.I32(1), slots))
		closed("InstanceContext.ValueFromSlots", second(c.ValueFromSlots(wasmer.TypeI32, slots)))
		if c.Memory() != nil || c.Data() != nil || c.Context() == nil {
			t.Error("context of an instance")
		}
	}
	if imports := (*wasmer.Imports)(nil).Namespace("env"); imports != nil {
		t.Error("Namespace of nil imports")
	}
	if _, err := (*wasmer.Imports)(nil).Append("f", func() {}); err == nil {
		t.Error("Append to nil imports: no error")
	}
	for _, object := range []*wasmer.ImportObject{nil, {}} {
		if err := object.Extend(wasmer.Imports{}); err == nil {
			t.Error("Extend: no error")
		}
		object.Close()
	}
	program := wat(t, `(module (func (export "_start")))`)
	if err := (*wasmer.Wasi)(nil).Run(ctx, &program); err != nil {
		t.Errorf("a nil Wasi, which is as the zero one: %v", err)
	}
	must((*wasmer.Wasi)(nil).ImportObject())(t).Close()
}

// Values that are out of every range are errors.
func TestObjectsRefuseBadNumbers(t *testing.T) {
	for _, valueType := range []wasmer.ValueType{-1, 99, wasmer.TypeVoid} {
		if _, err := wasmer.NewGlobal(valueType, true, wasmer.I32(1)); err == nil {
			t.Errorf("NewGlobal(%s): no error", valueType)
		}
		if _, err := wasmer.NewTable(valueType, 1, 1); err == nil {
			t.Errorf("NewTable(%s): no error", valueType)
		}
	}
	for _, limits := range [][2]uint64{{2, 1}, {0, 1 << 32}, {1 << 63, 1 << 63}, {10_000_001, 1<<32 - 1}} {
		if _, err := wasmer.NewTable(wasmer.TypeExternRef, limits[0], limits[1]); err == nil {
			t.Errorf("NewTable(%d, %d): no error", limits[0], limits[1])
		}
	}
	table := must(wasmer.NewTable(wasmer.TypeExternRef, 1, 1<<32-1))(t)
	defer table.Close()
	for _, index := range []uint64{1, 1 << 32, 1 << 61, 1<<63 - 1, 1<<64 - 1} {
		if _, err := table.Get(index); err == nil {
			t.Errorf("Get(%d): no error", index)
		}
		if err := table.Set(index, wasmer.ExternRef(1)); err == nil {
			t.Errorf("Set(%d): no error", index)
		}
		if _, err := table.Grow(index+1<<32, wasmer.ExternRef(1)); err == nil {
			t.Errorf("Grow(%d): no error", index+1<<32)
		}
	}
	for _, value := range []wasmer.Value{{}, wasmer.I64(1), wasmer.FuncRef(nil), wasmer.V128(1, 2)} {
		if err := table.Set(0, value); err == nil {
			t.Errorf("Set(%s): no error", value.GetType())
		}
	}
	instance := instantiate(t, guest(t, "objects"), nil)
	for _, slots := range [][]uint64{nil, {}, {1}} {
		if err := instance.ValueToSlots(wasmer.V128(1, 2), slots); err == nil {
			t.Errorf("a v128 in %d slots: no error", len(slots))
		}
		if _, err := instance.ValueFromSlots(wasmer.TypeV128, slots); err == nil {
			t.Errorf("a v128 from %d slots: no error", len(slots))
		}
	}
	if _, err := instance.ValueFromSlots(wasmer.TypeExternRef, nil); err == nil {
		t.Error("an externref from no slot: no error")
	}
}

// callsOfClosed calls a function of another instance.
const callsOfClosed = `(module
	(import "lib" "write" (func $write (result i32)))
	(func (export "write") (result i32) call $write))`

// Functions of WASI that are called in an instance that was closed, but is linked with one that is
// not: errors of the guest, no panic.
func TestWasiInAClosedInstance(t *testing.T) {
	library := wat(t, `(module
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
		(memory (export "memory") 1)
		(func (export "write") (result i32)
			(drop (call $random_get (i32.const 100) (i32.const 8)))
			(call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`)
	object := must((&wasmer.Wasi{Stdout: io.Discard}).ImportObject())(t)
	defer object.Close()
	owner := must(library.InstantiateWithImportObject(object))(t)
	defer owner.Close()
	caller := wat(t, callsOfClosed)
	imports := must(wasmer.NewImports().Namespace("lib").AppendExportedFunction("write", must(owner.Function("write"))(t)))(t)
	user := must(caller.InstantiateWithImports(imports))(t)
	defer user.Close()
	if value := call(t, user, "write"); value.ToI32() != 0 {
		t.Errorf("write = %v", value)
	}
	owner.Close()
	const fault = 21 // EFAULT
	if value := call(t, user, "write"); value.ToI32() != fault {
		t.Errorf("write after Close = %v, expected %d", value, fault)
	}
}

// A host function whose result is of type any and holds a Value of a type other than externref: an
// error, as for an argument.
func TestHostResultsOfOtherTypes(t *testing.T) {
	module := wat(t, `(module
		(import "env" "get" (func $get (result externref)))
		(func (export "get") (result externref) call $get))`)
	for _, value := range []wasmer.Value{wasmer.I32(5), wasmer.V128(1, 2), wasmer.FuncRef(nil)} {
		imports := must(wasmer.NewImports().Append("get", func() any { return value }))(t)
		instance := must(module.InstantiateWithImports(imports))(t)
		if got, err := instance.Exports["get"](); err == nil {
			t.Errorf("a result of type %s: %v, expected an error", value.GetType(), got)
		} else {
			checkContains(t, err, "result #1 of the host function is a value of type `"+value.GetType().String()+"`, expected `externref`")
		}
		instance.Close()
	}
	imports := must(wasmer.NewImports().Append("get", func() any { return wasmer.ExternRef("text") }))(t)
	instance := must(module.InstantiateWithImports(imports))(t)
	defer instance.Close()
	if got := call(t, instance, "get"); got.ToExternRef() != "text" {
		t.Errorf("an externref: %v", got)
	}
}

// A start function that panics in a host function gives its place in a pool back.
func TestPoolPlacesSurvivePanics(t *testing.T) {
	module := wat(t, `(module (import "env" "f" (func $f)) (start $f))`)
	fails := false
	imports := must(wasmer.NewImports().Append("f", func() {
		if fails {
			panic("as wanted")
		}
	}))(t)
	pool := must(wasmer.NewPool(&module, imports, wasmer.WithLimit(1)))(t)
	defer pool.Close()
	fails = true
	func() {
		defer func() {
			if text, ok := recover().(string); !ok || !strings.Contains(text, "as wanted") {
				t.Error("no panic")
			}
		}()
		_, _ = pool.Get(t.Context())
	}()
	fails = false
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if instance, err := pool.Get(ctx); err != nil {
		t.Error(err)
	} else if err := pool.Put(instance); err != nil {
		t.Error(err)
	}
}

// Values are neither written for an instance that is closed nor read.
func TestSlotsOfAClosedInstance(t *testing.T) {
	instance := instantiate(t, guest(t, "objects"), nil)
	slots := make([]uint64, 2)
	instance.Close()
	for _, value := range []wasmer.Value{wasmer.I32(1), wasmer.V128(1, 2), wasmer.FuncRef(nil), wasmer.ExternRef(1)} {
		if err := instance.ValueToSlots(value, slots); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("ValueToSlots(%s): %v", value.GetType(), err)
		}
		if _, err := instance.ValueFromSlots(value.GetType(), slots); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("ValueFromSlots(%s): %v", value.GetType(), err)
		}
	}
}
