package wasmer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// linked makes an instance of objects_import.wat over one of objects.wat.
func linked(t *testing.T, objects *wasmer.Instance) wasmer.Instance {
	t.Helper()
	imports := must(wasmer.NewImports().Namespace("objects").AppendInstance(objects))(t).Namespace("host")
	increment := 0
	for name, function := range map[string]any{
		"increment": func(x int32) int32 { increment++; return x + 1 },
		"tag":       func(value any) any { return [2]any{"tagged", value} },
		"pick": func(c *wasmer.InstanceContext, x int32, f *wasmer.Function, value any) (*wasmer.Function, error) {
			if other, ok := value.(*wasmer.Function); ok {
				return other, nil
			}
			if f == nil {
				return nil, fmt.Errorf("nothing to pick for %d", x)
			}
			return f, nil
		},
	} {
		must(imports.Append(name, function))(t)
	}
	return instantiate(t, guest(t, "objects_import"), imports)
}

func TestLinkedInstances(t *testing.T) {
	objects := instantiate(t, guest(t, "objects"), nil)
	importing := linked(t, &objects)
	if got := call(t, importing, "add_i32", 10); got != wasmer.I32(9+42) || call(t, objects, "get_i32") != wasmer.I32(9) {
		t.Errorf("add_i32 = %v, then %v", got, call(t, objects, "get_i32"))
	}
	if got := call(t, importing, "double", 4); got != wasmer.I32(8) {
		t.Errorf("double = %v", got)
	}
	// Functions of one in the table of the other; the host function of the one is found when the
	// other is called.
	call(t, importing, "share", 2)
	if got := call(t, objects, "call", 2, 5); got != wasmer.I32(15) {
		t.Errorf("triple by the table: %v", got)
	}
	call(t, importing, "share_host", 2)
	if got := call(t, objects, "call", 2, 5); got != wasmer.I32(18) {
		t.Errorf("a host call by the table: %v", got)
	}
	call(t, importing, "share_import", 2)
	if got := call(t, objects, "call", 2, 5); got != wasmer.I32(6) {
		t.Errorf("a host function in the table: %v", got)
	}
	// The same function, whatever the way to it.
	double := wasmer.FuncRef(must(objects.Function("double"))(t))
	for _, same := range []wasmer.Value{
		must(must(importing.Table("functions"))(t).Get(0))(t),
		wasmer.FuncRef(must(importing.Function("double_again"))(t)),
		call(t, objects, "same_func", must(importing.Function("double_again"))(t)),
	} {
		if same != double {
			t.Errorf("%v is not %v", same, double)
		}
	}
	increment := must(must(objects.Table("functions"))(t).Get(2))(t)
	if again := wasmer.FuncRef(must(importing.Function("increment_again"))(t)); again != increment {
		t.Errorf("%v is not %v", again, increment)
	}
	// Host functions take and give references.
	if got := call(t, importing, "picked", 7, must(importing.Function("triple"))(t), nil); got != wasmer.I32(21) {
		t.Errorf("picked = %v", got)
	}
	stranger := must(wasmer.NewFunction(func(x int32) int32 { return -x }))(t)
	if got := call(t, importing, "picked", 7, nil, stranger); got != wasmer.I32(-7) {
		t.Errorf("picked = %v, expected what a function of another store gives", got)
	}
	if got := call(t, objects, "call", 2, 5); got != wasmer.I32(-5) {
		t.Errorf("the stranger's function by the table: %v", got)
	}
	_, err := importing.Exports["picked"](7, nil, nil)
	checkContains(t, err, "nothing to pick for 7")
	if got := call(t, importing, "tagged", "x").ToExternRef(); got != [2]any{"tagged", "x"} {
		t.Errorf("tagged = %v", got)
	}
	// What is closed can still be called by guests that have it, and not from Go.
	call(t, importing, "share_host", 2)
	function := must(importing.Function("triple"))(t)
	importing.Close()
	if got := call(t, objects, "call", 2, 5); got != wasmer.I32(18) {
		t.Errorf("after Close of the other: %v", got)
	}
	other := instantiate(t, guest(t, "objects"), nil)
	for _, err := range []error{
		errOf(function.Call(t.Context(), 1)), errOf(must(must(objects.Table("functions"))(t).Get(2))(t).ToFunc().Call(t.Context(), 1)),
		errOf(other.Exports["apply"](function, 1)), must(other.Table("functions"))(t).Set(0, wasmer.FuncRef(function)),
		errOf(wasmer.NewInstanceWithImports(guest(t, "host_calls"), must(wasmer.NewImports().AppendInstance(&objects))(t))),
		errOf(wasmer.NewImports().AppendInstance(&importing)),
	} {
		if err == nil || strings.Contains(err.Error(), "Import not found") == errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("expected an error about what is closed, got %v", err)
		}
	}
}

// Values that the host makes are shared by all instances that import them, and live on in these.
func TestOwnedObjectsAreShared(t *testing.T) {
	table := must(wasmer.NewTable(wasmer.TypeFuncRef, 4, 10))(t)
	global := must(wasmer.NewGlobal(wasmer.TypeI32, true, wasmer.I32(100)))(t)
	objects := instantiate(t, guest(t, "objects"), nil)
	make := func() wasmer.Instance {
		imports := wasmer.NewImports().Namespace("objects")
		must(imports.AppendTable("functions", table))(t)
		must(imports.AppendGlobal("i32", global))(t)
		must(imports.AppendGlobal("constant", must(wasmer.NewGlobal(wasmer.TypeI32, false, wasmer.I32(1)))(t)))(t)
		must(imports.AppendMemory("memory", objects.Memory))(t)
		must(imports.AppendFunction("double", must(objects.Function("double"))(t)))(t)
		imports.Namespace("host")
		must(imports.Append("increment", func(x int32) int32 { return x + 1 }))(t)
		must(imports.Append("tag", func(any) any { return nil }))(t)
		must(imports.Append("pick", func(int32, *wasmer.Function, any) *wasmer.Function { return nil }))(t)
		return instantiate(t, guest(t, "objects_import"), imports)
	}
	a, b := make(), make()
	if got := call(t, a, "add_i32", 1); got != wasmer.I32(102) || call(t, b, "add_i32", 1) != wasmer.I32(103) {
		t.Errorf("add_i32 = %v", got)
	}
	call(t, a, "share_host", 1)
	function := must(table.Get(1))(t).ToFunc()
	if results := must(function.Call(t.Context(), 1))(t); results[0] != wasmer.I32(6) {
		t.Errorf("the shared function: %v", results)
	}
	if _, err := b.Exports["picked"](1, nil, nil); !errors.Is(err, wasmer.ErrIndirectCallToNull) {
		t.Errorf("null from a host function: %v", err)
	}
	table.Close()
	global.Close()
	if got := call(t, a, "add_i32", 1); got != wasmer.I32(104) {
		t.Errorf("after Close of the global: %v", got)
	}
	imports := must(wasmer.NewImports().Namespace("objects").AppendTable("functions", table))(t)
	_, err := wasmer.NewInstanceWithImports(guest(t, "objects_import"), imports)
	if !errors.Is(err, wasmer.ErrClosed) && !strings.Contains(err.Error(), "not found") {
		t.Errorf("a closed table as import: %v", err)
	}
}

// A module with one import, by its description in the binary format.
func importing(descriptor ...byte) []byte {
	return module(
		section(1, []byte{0x60, 0, 0}, []byte{0x60, 1, 0x7f, 1, 0x7f}, []byte{0x60, 1, 0x7e, 1, 0x7f}),
		section(2, join(name("a"), name("b"), descriptor)),
	)
}

// Every kind and type of import against every kind and type of what is given (specification,
// section 4.5.3).
func TestImportMatching(t *testing.T) {
	objects := instantiate(t, guest(t, "objects"), nil)
	set := func() *wasmer.Imports { return wasmer.NewImports().Namespace("a") }
	global := func(value wasmer.Value, mutable bool) *wasmer.Imports {
		return must(set().AppendGlobal("b", must(wasmer.NewGlobal(value.GetType(), mutable, value))(t)))(t)
	}
	table := func(element wasmer.ValueType, min, max uint64) *wasmer.Imports {
		return must(set().AppendTable("b", must(wasmer.NewTable(element, min, max))(t)))(t)
	}
	memory := func(min, max uint32) *wasmer.Imports {
		return must(set().AppendMemory("b", must(wasmer.NewMemory(min, max))(t)))(t)
	}
	given := map[string]*wasmer.Imports{
		"func() host":                must(set().Append("b", func() {}))(t),
		"func(i32)i32 host":          must(set().Append("b", func(x int32) int32 { return x }))(t),
		"func(i32)i32 exported":      must(set().AppendExportedFunction("b", must(objects.Function("double"))(t)))(t),
		"func(i64)i32 host":          must(set().Append("b", wasmer.HostFunc([]wasmer.ValueType{wasmer.TypeI64}, []wasmer.ValueType{wasmer.TypeI32}, func(*wasmer.InstanceContext, []uint64) error { return nil })))(t),
		"func(funcref)funcref":       must(set().AppendExportedFunction("b", must(objects.Function("same_func"))(t)))(t),
		"global i32":                 global(wasmer.I32(1), false),
		"global mut i32":             global(wasmer.I32(1), true),
		"global i64":                 global(wasmer.I64(1), false),
		"global f32":                 global(wasmer.F32(1), false),
		"global f64":                 global(wasmer.F64(1), false),
		"global v128":                global(wasmer.V128(1, 2), false),
		"global funcref":             global(wasmer.FuncRef(nil), false),
		"global externref":           global(wasmer.ExternRef(1), false),
		"global mut externref":       global(wasmer.ExternRef(1), true),
		"table 4..10 funcref":        table(wasmer.TypeFuncRef, 4, 10),
		"table 2..5 funcref":         table(wasmer.TypeFuncRef, 2, 5),
		"table 4..10 externref":      table(wasmer.TypeExternRef, 4, 10),
		"memory 2..4":                memory(2, 4),
		"memory 1..9":                memory(1, 9),
		"memory of an instance 1..2": must(set().AppendMemory("b", objects.Memory))(t),
	}
	limits := func(values ...byte) []byte { return append([]byte{byte(len(values) - 1)}, values...) }
	for _, c := range []struct {
		wanted     string
		descriptor []byte
		fits       []string
	}{
		{"function [] -> []", []byte{0, 0}, []string{"func() host"}},
		{"function [i32] -> [i32]", []byte{0, 1}, []string{"func(i32)i32 host", "func(i32)i32 exported"}},
		{"function [i64] -> [i32]", []byte{0, 2}, []string{"func(i64)i32 host"}},
		{"global i32", []byte{3, 0x7f, 0}, []string{"global i32"}},
		{"global mut i32", []byte{3, 0x7f, 1}, []string{"global mut i32"}},
		{"global i64", []byte{3, 0x7e, 0}, []string{"global i64"}},
		{"global f32", []byte{3, 0x7d, 0}, []string{"global f32"}},
		{"global f64", []byte{3, 0x7c, 0}, []string{"global f64"}},
		{"global v128", []byte{3, 0x7b, 0}, []string{"global v128"}},
		{"global funcref", []byte{3, 0x70, 0}, []string{"global funcref"}},
		{"global externref", []byte{3, 0x6f, 0}, []string{"global externref"}},
		{"global mut externref", []byte{3, 0x6f, 1}, []string{"global mut externref"}},
		{"table {min 0} of funcref", join([]byte{1, 0x70}, limits(0)), []string{"table 4..10 funcref", "table 2..5 funcref"}},
		{"table {min 4} of funcref", join([]byte{1, 0x70}, limits(4)), []string{"table 4..10 funcref"}},
		{"table {min 5} of funcref", join([]byte{1, 0x70}, limits(5)), nil},
		{"table {min 1, max 9} of funcref", join([]byte{1, 0x70}, limits(1, 9)), []string{"table 2..5 funcref"}},
		{"table {min 1, max 10} of funcref", join([]byte{1, 0x70}, limits(1, 10)), []string{"table 4..10 funcref", "table 2..5 funcref"}},
		{"table {min 0} of externref", join([]byte{1, 0x6f}, limits(0)), []string{"table 4..10 externref"}},
		{"memory {min 0}", join([]byte{2}, limits(0)), []string{"memory 2..4", "memory 1..9", "memory of an instance 1..2"}},
		{"memory {min 2}", join([]byte{2}, limits(2)), []string{"memory 2..4"}},
		{"memory {min 3}", join([]byte{2}, limits(3)), nil},
		{"memory {min 1, max 4}", join([]byte{2}, limits(1, 4)), []string{"memory 2..4", "memory of an instance 1..2"}},
		{"memory {min 1, max 3}", join([]byte{2}, limits(1, 3)), []string{"memory of an instance 1..2"}},
	} {
		module := must(wasmer.Compile(importing(c.descriptor...)))(t)
		for name, imports := range given {
			fits := false
			for _, one := range c.fits {
				fits = fits || one == name
			}
			instance, err := module.InstantiateWithImports(imports)
			if fits {
				if err != nil {
					t.Errorf("%s for %s: %v", name, c.wanted, err)
				}
				instance.Close()
			} else {
				checkContains(t, err, "Failed to instantiate the module:\n    link error: Import `a.b` has the wrong type: expected "+c.wanted+", given ")
			}
		}
		_, err := module.InstantiateWithImports(wasmer.NewImports())
		checkText(t, err, "Failed to instantiate the module:\n    link error: Import not found, namespace: a, name: b")
		module.Close()
	}
}

func TestAppendObjectErrors(t *testing.T) {
	objects := instantiate(t, guest(t, "objects"), nil)
	for text, err := range map[string]error{
		"imported global `x` must be a global, given nil":        errOf(wasmer.NewImports().AppendGlobal("x", nil)),
		"imported table `x` must be a table, given nil":          errOf(wasmer.NewImports().AppendTable("x", &wasmer.Table{})),
		"Imported function `x` must be a function; given `nil`.": errOf(wasmer.NewImports().AppendExportedFunction("x", nil)),
		"cannot append the exports: the instance is closed":      errOf(wasmer.NewImports().AppendInstance(nil)),
		"cannot append `double`: the namespace `env` has an import of this name already": errOf(
			must(wasmer.NewImports().Append("double", func() {}))(t).AppendInstance(&objects)),
	} {
		checkText(t, err, text)
	}
	// All or nothing.
	imports := must(wasmer.NewImports().Append("trap", func() {}))(t)
	if _, err := imports.AppendInstance(&objects); err == nil {
		t.Error("two imports of one name")
	}
	must(imports.AppendExportedFunction("double", must(objects.Function("double"))(t)))(t)
}

// What an instantiation that fails has written to a table of others stays valid, with the host
// functions that it leads to.
func TestFailedInstantiationLeavesElements(t *testing.T) {
	// (module
	//   (import "host" "f" (func (param i32) (result i32)))
	//   (import "objects" "functions" (table 4 funcref))
	//   (func (param i32) (result i32) local.get 0 call 0)
	//   (elem (i32.const 2) 1) (elem (i32.const 3) 0) (elem (i32.const 1000) 1))
	failing := module(
		section(1, []byte{0x60, 1, 0x7f, 1, 0x7f}),
		section(2, join(name("host"), name("f"), []byte{0, 0}), join(name("objects"), name("functions"), []byte{1, 0x70, 0, 4})),
		section(3, []byte{0}),
		section(9, []byte{0, 0x41, 2, 0x0b, 1, 1}, []byte{0, 0x41, 3, 0x0b, 1, 0}, []byte{0, 0x41, 0xe8, 0x07, 0x0b, 1, 1}),
		section(10, body(0x20, 0, 0x10, 0)),
	)
	objects := instantiate(t, guest(t, "objects"), nil)
	imports := must(wasmer.NewImports().Namespace("objects").AppendInstance(&objects))(t).Namespace("host")
	calls := 0
	must(imports.Append("f", func(c *wasmer.InstanceContext, x int32) int32 {
		if calls++; c.Memory() != nil {
			t.Error("a memory of an instance that was never made")
		}
		return x + 1000
	}))(t)
	_, err := wasmer.NewInstanceWithImports(failing, imports)
	if !errors.Is(err, wasmer.ErrTableOutOfBounds) {
		t.Fatalf("the instantiation: %v", err)
	}
	for index := range 2 {
		if got := call(t, objects, "call", 2+index, 1); got != wasmer.I32(1001) {
			t.Errorf("element %d gives %v", 2+index, got)
		}
		function := must(must(objects.Table("functions"))(t).Get(uint64(2 + index)))(t).ToFunc()
		if _, err := function.Call(t.Context(), 1); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("a call from Go: %v", err)
		}
	}
	if calls != 2 {
		t.Errorf("%d host calls", calls)
	}
}

func TestModuleTypes(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "objects_import")))(t)
	defer module.Close()
	var got []string
	for i, imported := range module.ImportTypes() {
		if imported.Kind != module.Imports[i].Kind {
			t.Errorf("import %d is a %s", i, imported.Kind)
		}
		got = append(got, imported.String())
	}
	expected := "memory 1 or more pages; table 4 or more of funcref; global mut i32; global i32; function (i32) -> (i32); " +
		"function (i32, funcref, externref) -> (funcref); function (externref) -> (externref); function (i32) -> (i32)"
	if text := strings.Join(got, "; "); text != expected {
		t.Errorf("imports %s", text)
	}
	exports := module.ExportTypes()
	if len(exports) != len(module.Exports) || exports[0].String() != "function (i32) -> (i32)" || *exports[2].Table != (wasmer.TableType{Element: wasmer.TypeFuncRef, Min: 4}) {
		t.Errorf("exports %v", exports)
	}
	if none := (&wasmer.Module{}); none.ExportTypes() != nil || none.ImportTypes() != nil {
		t.Error("types of the zero Module")
	}
}
