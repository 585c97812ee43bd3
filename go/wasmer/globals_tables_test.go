package wasmer_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// errOf runs what must give an error.
func errOf[T any](_ T, err error) error { return err }

func TestExportedGlobals(t *testing.T) {
	instance := instantiate(t, guest(t, "objects"), nil)
	for name, values := range map[string][2]wasmer.Value{
		"i32":       {wasmer.I32(-1), wasmer.I32(7)},
		"i64":       {wasmer.I64(-2), wasmer.I64(1 << 40)},
		"f32":       {wasmer.F32(1.5), wasmer.F32(-2)},
		"f64":       {wasmer.F64(-0.25), wasmer.F64(3)},
		"externref": {wasmer.ExternRef(nil), wasmer.ExternRef("something")},
	} {
		global := must(instance.Global(name))(t)
		if again := must(instance.Global(name))(t); again != global {
			t.Errorf("%s: another global the second time", name)
		}
		if got := must(global.Get())(t); got != values[0] || global.Type() != (wasmer.GlobalType{Value: got.GetType(), Mutable: true}) {
			t.Errorf("%s = %v (%s), expected %v", name, got, global, values[0])
		}
		if err := global.Set(values[1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := must(global.Get())(t); got != values[1] {
			t.Errorf("%s = %v, expected %v", name, got, values[1])
		}
	}
	if got := call(t, instance, "get_i32"); got != wasmer.I32(7) {
		t.Errorf("the guest sees %v, expected 7", got)
	}
	function := must(must(instance.Global("funcref"))(t).Get())(t).ToFunc()
	if function.Name() != "double" || function != must(instance.Function("double"))(t) {
		t.Errorf("funcref is %v", function)
	}
	constant := must(instance.Global("constant"))(t)
	checkText(t, constant.Set(wasmer.I32(1)), "Failed to set the global:\n    it is immutable")
	checkText(t, must(instance.Global("i32"))(t).Set(wasmer.I64(1)), "Failed to set the global:\n    the value is of type `i64`, expected `i32`")
	_, err := instance.Global("double")
	checkText(t, err, "Cannot find the global `double`:\n    the instance exports no global of this name")
	instance.Close()
	var failure *wasmer.GlobalError
	if _, err := constant.Get(); !errors.Is(err, wasmer.ErrClosed) || !errors.As(err, &failure) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := instance.Global("i32"); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestNewGlobal(t *testing.T) {
	for _, value := range []wasmer.Value{wasmer.I32(-5), wasmer.I64(6), wasmer.F32(7), wasmer.F64(8), wasmer.V128(9, 10), wasmer.FuncRef(nil),
		wasmer.ExternRef(nil), wasmer.ExternRef([]int{1}), wasmer.FuncRef(must(wasmer.NewFunction(func(x int32) int32 { return x + 1 }))(t))} {
		for _, mutable := range []bool{false, true} {
			global := must(wasmer.NewGlobal(value.GetType(), mutable, value))(t)
			if got := must(global.Get())(t); got != value || global.Type().Mutable != mutable {
				t.Errorf("got %v, expected %v", got, value)
			}
			global.Close()
			global.Close()
			if _, err := global.Get(); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
			if err := global.Set(value); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
	}
	checkText(t, errOf(wasmer.NewGlobal(wasmer.TypeI32, true, wasmer.F32(1))), "Failed to make the global:\n    the value is of type `f32`, expected `i32`")
	checkText(t, errOf(wasmer.NewGlobal(wasmer.TypeVoid, true, wasmer.I32(1))), "Failed to make the global:\n    the type is `void`, expected a type of WebAssembly")
	var none wasmer.Global
	if _, err := none.Get(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("the zero Global: %v", err)
	}
}

func TestExportedTables(t *testing.T) {
	instance := instantiate(t, guest(t, "objects"), nil)
	table := must(instance.Table("functions"))(t)
	if got := table.Type(); table.Size() != 4 || got != (wasmer.TableType{Element: wasmer.TypeFuncRef, Min: 4, Max: 20, HasMax: true}) {
		t.Errorf("%d elements of type %v", table.Size(), got)
	}
	double, square := must(table.Get(0))(t), must(table.Get(1))(t)
	if double != wasmer.FuncRef(must(instance.Function("double"))(t)) || double == square || square != call(t, instance, "give_square") {
		t.Errorf("elements %v and %v", double, square)
	}
	if results, err := square.ToFunc().Call(t.Context(), 7); err != nil || results[0] != wasmer.I32(49) || square.String() != "function[1](i32) -> (i32)" {
		t.Errorf("%v = %v (%v)", square, results, err)
	}
	if got := must(table.Get(2))(t); got != wasmer.FuncRef(nil) || !got.IsNull() || got.String() != "null" {
		t.Errorf("element 2 is %v", got)
	}
	if err := table.Set(2, square); err != nil {
		t.Fatal(err)
	}
	if got := call(t, instance, "call", 2, 9); got != wasmer.I32(81) {
		t.Errorf("call(2, 9) = %v", got)
	}
	if old := must(table.Grow(3, double))(t); old != 4 || table.Size() != 7 || call(t, instance, "call", 6, 21) != wasmer.I32(42) {
		t.Errorf("grown from %d to %d", old, table.Size())
	}
	if got := call(t, instance, "grow_functions", 2); got != wasmer.I32(7) || must(table.Get(8))(t) != double {
		t.Errorf("grow_functions = %v, %d elements", got, table.Size())
	}
	for text, err := range map[string]error{
		"Failed to read the table:\n    element 9 is wanted, expected less than 9, the size":                                                       errOf(table.Get(9)),
		"Failed to read the table:\n    element 18446744073709551615 is wanted, expected less than 9, the size":                                    errOf(table.Get(1<<64 - 1)),
		"Failed to set an element of the table:\n    element 9 is wanted, expected less than 9, the size":                                          table.Set(9, square),
		"Failed to set an element of the table:\n    the value is of type `externref`, expected `funcref`":                                         table.Set(0, wasmer.ExternRef(1)),
		"Failed to grow the table:\n    more elements than its maximum, or than the system allows: it has 9, 12 more are wanted":                   errOf(table.Grow(12, double)),
		"Failed to grow the table:\n    more elements than its maximum, or than the system allows: it has 9, 18446744073709551615 more are wanted": errOf(table.Grow(1<<64-1, double)),
		"Failed to make the table:\n    the elements are of type `i32`, expected `funcref` or `externref`":                                         errOf(wasmer.NewTable(wasmer.TypeI32, 0, 1)),
		"Failed to make the table:\n    table of 3 elements, expected at most 2":                                                                   errOf(wasmer.NewTable(wasmer.TypeFuncRef, 3, 2)),
		"Failed to make the table:\n    the maximum is 4294967296 elements, expected 4294967295 at most":                                           errOf(wasmer.NewTable(wasmer.TypeFuncRef, 0, 1<<32)),
		"Cannot find the table `memory`:\n    the instance exports no table of this name":                                                          errOf(instance.Table("memory")),
	} {
		checkText(t, err, text)
	}
	values := must(instance.Table("values"))(t)
	if err := values.Set(1, wasmer.ExternRef(instance)); err != nil {
		t.Fatal(err)
	}
	if got := call(t, instance, "get_value", 1).ToExternRef(); got.(wasmer.Instance).Memory != instance.Memory {
		t.Errorf("get_value = %v", got)
	}
	call(t, instance, "set_value", 0, "zero")
	if got := must(values.Get(0))(t); got != wasmer.ExternRef("zero") {
		t.Errorf("element 0 is %v", got)
	}
	instance.Close()
	if err := errOf(table.Get(0)); !errors.Is(err, wasmer.ErrClosed) || table.Size() != 0 {
		t.Errorf("after Close: %v", err)
	}
	if _, err := square.ToFunc().Call(t.Context(), 7); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestExportedMemories(t *testing.T) {
	instance := instantiate(t, guest(t, "memories"), nil)
	a, first, b := must(instance.ExportedMemory("a"))(t), must(instance.ExportedMemory("first"))(t), must(instance.ExportedMemory("b"))(t)
	if a != instance.Memory || a != first || a == b || b.Length() != 2*65536 {
		t.Errorf("memories %p, %p, %p, %p", instance.Memory, a, first, b)
	}
	copy(a.Data()[8:], "hello")
	call(t, instance, "copy", 8, 100, 5)
	if got := string(b.Data()[100:105]); got != "hello" {
		t.Errorf("copied %q", got)
	}
	checkText(t, errOf(instance.ExportedMemory("copy")), "Cannot find the memory `copy`:\n    the instance exports no memory of this name")
	instance.Close()
	if b.Data() != nil || a.Data() != nil {
		t.Error("a memory outlives its instance")
	}
}

// Many goroutines use one global and one table, while guests do.
func TestObjectsHammer(t *testing.T) {
	instance := instantiate(t, guest(t, "objects"), nil)
	global, table := must(instance.Global("externref"))(t), must(instance.Table("functions"))(t)
	values := []wasmer.Value{must(table.Get(0))(t), must(table.Get(1))(t), wasmer.FuncRef(nil)}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := range 500 {
				if err := global.Set(wasmer.ExternRef(n)); err != nil {
					t.Error(err)
				}
				if got, err := global.Get(); err != nil || got.GetType() != wasmer.TypeExternRef {
					t.Errorf("%v (%v)", got, err)
				}
				if err := table.Set(uint64(n%3), values[(n+i)%3]); err != nil {
					t.Error(err)
				}
				got, err := table.Get(uint64(n % 3))
				if err != nil || got != values[0] && got != values[1] && got != values[2] {
					t.Errorf("%v (%v)", got, err)
				}
				if kept, err := instance.Exports["kept_extern"](); err != nil || kept.GetType() != wasmer.TypeExternRef {
					t.Errorf("%v (%v)", kept, err)
				}
			}
		})
	}
	group.Wait()
}
