package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// hostCalls gives the imports of the guest host_calls.
func hostCalls(t testing.TB, nop interface{}) *wasmer.Imports {
	t.Helper()
	imports := wasmer.NewImports()
	for name, function := range map[string]interface{}{
		"nop":     nop,
		"next":    func(x int32) int32 { return x + 1 },
		"mix":     func(a int32, b int64, c float32, d float64) float64 { return float64(a) + float64(b) + float64(c) + d },
		"reenter": func(n int32) int32 { return n },
	} {
		if _, err := imports.Append(name, function); err != nil {
			t.Fatal(err)
		}
	}
	return imports
}

// replaced gives a set with another function for one of env.
func replaced(t testing.TB, imports *wasmer.Imports, name string, function interface{}) *wasmer.Imports {
	t.Helper()
	object := wasmer.NewImportObject()
	added := must(wasmer.NewImports().Append(name, function))(t)
	for _, set := range []*wasmer.Imports{imports, added} {
		if err := object.Extend(*set); err != nil {
			t.Fatal(err)
		}
	}
	return must(object.Imports())(t)
}

func TestHostFunctions(t *testing.T) {
	calls := 0
	instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() { calls++ }))
	call(t, instance, "call_nop", 1000)
	if calls != 1000 {
		t.Errorf("the host function ran %d times, expected 1000", calls)
	}
	if got := call(t, instance, "call_next", 1000); got != wasmer.I32(1000) {
		t.Errorf("call_next = %v, expected 1000", got)
	}
	if got := call(t, instance, "call_next_at_depth", 100); got != wasmer.I32(101) {
		t.Errorf("call_next_at_depth = %v, expected 101", got)
	}
	if got := call(t, instance, "call_mix", -1, 2, float32(0.5), 0.25); got != wasmer.F64(1.75) {
		t.Errorf("call_mix = %v, expected 1.75", got)
	}
	if got := call(t, instance, "live_across", -1, 2, float32(0.5), 0.25); got != wasmer.F64(1.75) {
		t.Errorf("live_across = %v, expected 1.75", got)
	}
}

// A host function calls the instance that called it, many times over.
func TestReentrance(t *testing.T) {
	var instance wasmer.Instance
	imports := hostCalls(t, func() {})
	imports = replaced(t, imports, "reenter", func(n int32) (int32, error) {
		value, err := instance.Exports["descend"](n)
		return value.ToI32(), err
	})
	instance = instantiate(t, guest(t, "host_calls"), imports)
	if got := call(t, instance, "descend", 200); got != wasmer.I32(200) {
		t.Errorf("descend = %v, expected 200", got)
	}
}

func TestHostErrors(t *testing.T) {
	boom := errors.New("boom")
	fail := true
	instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() error {
		if fail {
			return fmt.Errorf("no: %w", boom)
		}
		return nil
	}))
	_, err := instance.Exports["nop_then_trap"]()
	checkText(t, err, "Failed to call the `nop_then_trap` exported function.\nno: boom")
	if !errors.Is(err, boom) {
		t.Error("the host function's error is not in that of the call")
	}
	if _, err := instance.Exports["call_nop"](3); !errors.Is(err, boom) {
		t.Errorf("call_nop: %v", err)
	}
	fail = false
	call(t, instance, "call_nop", 3)
}

func TestHostPanics(t *testing.T) {
	panicking := true
	instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() {
		if panicking {
			panic("out of the host")
		}
	}))
	for range 100 {
		func() {
			defer func() {
				if r := recover(); r != "out of the host" {
					t.Errorf("recovered %v", r)
				}
			}()
			_, _ = instance.Exports["call_nop"](1)
			t.Error("the panic did not arrive")
		}()
	}
	panicking = false
	call(t, instance, "call_nop", 1)
}

type key struct{}

func TestLeadingParameters(t *testing.T) {
	var got []interface{}
	imports := hostCalls(t, func(ctx context.Context) { got = append(got, ctx.Value(key{})) })
	imports = replaced(t, imports, "next", func(ctx *wasmer.InstanceContext, x int32) int32 {
		got = append(got, ctx.Data(), len(ctx.Memory().Data()))
		return x
	})
	imports = replaced(t, imports, "mix", func(pointer unsafe.Pointer, _ int32, _ int64, _ float32, _ float64) float64 {
		ctx := wasmer.IntoInstanceContext(pointer)
		got = append(got, ctx.Data(), len(ctx.Memory().Data()))
		return 0
	})
	instance := instantiate(t, guest(t, "host_calls"), imports)
	instance.SetContextData("data")
	nop := must(instance.Function("call_nop"))(t)
	if _, err := nop.Call(context.WithValue(context.Background(), key{}, "value"), 1); err != nil {
		t.Fatal(err)
	}
	call(t, instance, "call_nop", 1)
	call(t, instance, "call_next", 1)
	instance.SetContextData(7)
	call(t, instance, "call_mix", 1, 2, float32(3), 4.0)
	if text := fmt.Sprint(got); text != "[value <nil> data 65536 7 65536]" {
		t.Errorf("host functions saw %s", text)
	}
}

func TestImportsAreNamedByNamespaceAndName(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 4))(t)
	defer memory.Close()
	imports := wasmer.NewImports()
	must(imports.Append("shared", func(x int32) int32 { return x + 1 }))(t)
	must(imports.Namespace("other").Append("shared", func(x int32) int32 { return x + 100 }))(t)
	must(imports.Namespace("env").AppendMemory("memory", memory))(t)
	must(imports.Append("not asked for", func() {}))(t)
	for range 2 { // the same imports for several instances
		instance := instantiate(t, guest(t, "imports_all"), imports)
		if a, b := call(t, instance, "call_env", 1), call(t, instance, "call_other", 1); a != wasmer.I32(2) || b != wasmer.I32(101) {
			t.Errorf("got %v and %v, expected 2 and 101", a, b)
		}
	}
}

func TestMissingImports(t *testing.T) {
	const text = "Failed to instantiate the module:\n    link error: Import not found, namespace: env, name: sum"
	bytes := guest(t, "imported_function")
	_, err := wasmer.NewInstance(bytes)
	checkText(t, err, text)
	var instanceError *wasmer.InstanceError
	if !errors.As(err, &instanceError) {
		t.Errorf("the error is a %T", err)
	}
	if last, _ := wasmer.GetLastError(); last != "link error: Import not found, namespace: env, name: sum" {
		t.Errorf("the last error is %q", last)
	}
	module := must(wasmer.Compile(bytes))(t)
	defer module.Close()
	_, err = module.Instantiate()
	checkText(t, err, text)
	var moduleError *wasmer.ModuleError
	if !errors.As(err, &moduleError) {
		t.Errorf("the error is a %T", err)
	}
	_, err = module.InstantiateWithImports(nil)
	checkText(t, err, text)
	_, err = module.InstantiateWithImportObject(nil)
	checkText(t, err, text)
	other := must(wasmer.NewImports().Namespace("other").Append("sum", func(x, y int32) int32 { return 0 }))(t)
	_, err = module.InstantiateWithImports(other)
	checkText(t, err, text)
	_, err = wasmer.NewInstance(guest(t, "imports_all"))
	checkText(t, err, "Failed to instantiate the module:\n    link error: Import not found, namespace: env, name: shared\n"+
		"    link error: Import not found, namespace: other, name: shared\n    link error: Import not found, namespace: env, name: memory")
}

func TestMistypedImports(t *testing.T) {
	bytes := guest(t, "imported_function")
	memory := must(wasmer.NewMemory(1, 1))(t)
	defer memory.Close()
	for _, function := range []interface{}{
		func(x int32) int32 { return 0 },
		func(x, y, z int32) int32 { return 0 },
		func(x, y int64) int32 { return 0 },
		func(x, y int32) int64 { return 0 },
		func(x, y int32) {},
		func(x, y int32) (int32, int32) { return 0, 0 },
	} {
		imports := must(wasmer.NewImports().Append("sum", function))(t)
		_, err := wasmer.NewInstanceWithImports(bytes, imports)
		checkContains(t, err, "Failed to instantiate the module:\n    link error: ")
		checkContains(t, err, "sum")
	}
	_, err := wasmer.NewInstanceWithImports(bytes, must(wasmer.NewImports().AppendMemory("sum", memory))(t))
	checkContains(t, err, "link error: ")
	imports := must(wasmer.NewImports().Append("memory", func() {}))(t)
	must(imports.Append("shared", func(x int32) int32 { return x }))(t)
	must(imports.Namespace("other").Append("shared", func(x int32) int32 { return x }))(t)
	_, err = wasmer.NewInstanceWithImports(guest(t, "imports_all"), imports)
	checkContains(t, err, "link error: ")
	tooSmall := must(wasmer.NewMemory(0, 4))(t)
	defer tooSmall.Close()
	tooLarge := must(wasmer.NewMemory(1, 5))(t)
	defer tooLarge.Close()
	for _, memory := range []*wasmer.Memory{tooSmall, tooLarge} {
		object := wasmer.NewImportObject()
		for _, set := range []*wasmer.Imports{imports, must(wasmer.NewImports().AppendMemory("memory", memory))(t)} {
			if err := object.Extend(*set); err != nil {
				t.Fatal(err)
			}
		}
		_, err = wasmer.NewInstanceWithImports(guest(t, "imports_all"), must(object.Imports())(t))
		checkContains(t, err, "link error: ")
	}
}

func TestAppendErrors(t *testing.T) {
	var nilFunction func(int32) int32
	cFunction := unsafe.Pointer(&struct{ int }{}) // never called
	const accepted = "any integer type but `uintptr`, `bool`, `float32`, `float64`, `[16]byte`, `[2]uint64`, `*wasmer.Function` or `any`"
	for _, c := range []struct {
		implementation interface{}
		c              []unsafe.Pointer
		text           string
	}{
		{42, nil, "Imported function `sum` must be a function; given `int`."},
		{42, []unsafe.Pointer{nil}, "Imported function `sum` must be a function; given `int`."},
		{"sum", nil, "Imported function `sum` must be a function; given `string`."},
		{nil, nil, "Imported function `sum` must be a function; given `nil`."},
		{nil, []unsafe.Pointer{cFunction}, "Imported function `sum` must be a function; given `nil`."},
		{nilFunction, nil, "imported function `sum` must be a function, given a nil `func(int32) int32`"},
		{func(...int32) {}, nil, "imported function `sum` must have a fixed number of parameters, given `func(...int32)`"},
		{func() int32 { return 7 }, []unsafe.Pointer{cFunction}, "Imported function `sum` must at least have one argument for the instance context."},
		{func(int32) {}, []unsafe.Pointer{cFunction}, "The instance context of the `sum` imported function must be of kind `unsafe.Pointer`; " +
			"given `int32`; is it missing?"},
		{func(context.Context) {}, []unsafe.Pointer{cFunction}, "The instance context of the `sum` imported function must be of kind `unsafe.Pointer`; " +
			"given `interface`; is it missing?"},
		{func(unsafe.Pointer) error { return nil }, []unsafe.Pointer{cFunction}, "Invalid output type for the `sum` imported function; " +
			"given `interface`; only accept `int32`, `int64`, `float32`, and `float64`."},
		{func(unsafe.Pointer) int8 { return 0 }, []unsafe.Pointer{cFunction}, "Invalid output type for the `sum` imported function; " +
			"given `int8`; only accept `int32`, `int64`, `float32`, and `float64`."},
		{func(unsafe.Pointer) (int32, int32) { return 0, 0 }, []unsafe.Pointer{cFunction}, "The `sum` imported function must have at most one output value."},
		{func(unsafe.Pointer) {}, []unsafe.Pointer{cFunction, cFunction}, "Imported function `sum` takes one C pointer at most; given 2."},
		{func(unsafe.Pointer, int8) {}, []unsafe.Pointer{cFunction}, "Invalid input type for the `sum` imported function; " +
			"given `int8`; only accept `int32`, `int64`, `float32`, and `float64`."},
		{func(int32, uintptr) {}, nil, "imported function `sum` must have values as parameters, parameter #2 is `uintptr`, expected " + accepted},
		{func(string) {}, nil, "imported function `sum` must have values as parameters, parameter #1 is `string`, expected " + accepted +
			", or `context.Context`, `*wasmer.InstanceContext` or `unsafe.Pointer` as the first"},
		{func() string { return "" }, nil, "imported function `sum` must have values as results, result #1 is `string`, expected " + accepted +
			", or `error` as the last"},
		//lint:ignore ST1008 the wrong order is what is tested
		{func() (error, int32) { return nil, 0 }, nil, "imported function `sum` must have values as results, result #1 is `error`, expected " + accepted},
	} {
		imports, err := wasmer.NewImports().Append("sum", c.implementation, c.c...)
		checkText(t, err, c.text)
		var failure *wasmer.ImportedFunctionError
		if imports != nil || !errors.As(err, &failure) {
			t.Errorf("%T: got %v and a %T", c.implementation, imports, err)
		}
	}
	imports, err := wasmer.NewImports().Append("sum", func(unsafe.Pointer) {}, cFunction)
	if engine.CanCallC {
		if err != nil {
			t.Error(err)
		}
	} else if checkText(t, err, "imported function `sum` is given with a C pointer, which needs cgo: build with `CGO_ENABLED=1` and a C compiler, or give a Go function"); imports != nil {
		t.Errorf("got %v", imports)
	}
	if _, err := wasmer.NewImports().AppendMemory("memory", nil); err == nil {
		t.Error("a nil memory is accepted")
	}
}

func TestClosedImports(t *testing.T) {
	imports := must(wasmer.NewImports().Append("sum", func(x, y int32) int32 { return x + y }))(t)
	instance := instantiate(t, guest(t, "imported_function"), imports)
	imports.Close()
	imports.Close()
	if got := call(t, instance, "add1", 1, 2); got != wasmer.I32(4) {
		t.Errorf("add1 = %v, expected 4", got)
	}
	if _, err := imports.Append("sum", func() {}); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if _, err := wasmer.NewInstanceWithImports(guest(t, "imported_function"), imports); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("NewInstanceWithImports: %v", err)
	}
	if _, err := wasmer.NewInstanceWithImports(guest(t, "sum"), imports); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("NewInstanceWithImports of a module without imports: %v", err)
	}
	memory := must(wasmer.NewMemory(1, 4))(t)
	memory.Close()
	closed := must(wasmer.NewImports().AppendMemory("memory", memory))(t)
	must(closed.Append("shared", func(x int32) int32 { return x }))(t)
	must(closed.Namespace("other").Append("shared", func(x int32) int32 { return x }))(t)
	_, err := wasmer.NewInstanceWithImports(guest(t, "imports_all"), closed)
	checkText(t, err, "Failed to instantiate the module:\n    link error: the memory is closed, namespace: env, name: memory")
	if !errors.Is(err, wasmer.ErrClosed) {
		t.Error("the error does not match ErrClosed")
	}
}

func TestZeroImports(t *testing.T) {
	var imports wasmer.Imports
	if _, err := imports.Namespace("env").Append("sum", func(x, y int32) int32 { return x + y }); err != nil {
		t.Fatal(err)
	}
	instance := instantiate(t, guest(t, "imported_function"), &imports)
	if got := call(t, instance, "add1", 1, 2); got != wasmer.I32(4) {
		t.Errorf("add1 = %v, expected 4", got)
	}
	var none *wasmer.Imports
	none.Close()
	if _, err := none.Append("f", func() {}); err == nil {
		t.Error("Append to nil is accepted")
	}
}

func TestImportObject(t *testing.T) {
	object := wasmer.NewImportObject()
	memory := must(wasmer.NewMemory(1, 4))(t)
	defer memory.Close()
	first := must(wasmer.NewImports().Append("shared", func(x int32) int32 { return x + 1 }))(t)
	second := must(wasmer.NewImports().Namespace("other").Append("shared", func(x int32) int32 { return x + 2 }))(t)
	must(second.Namespace("env").AppendMemory("memory", memory))(t)
	for _, imports := range []*wasmer.Imports{wasmer.NewImports(), first, second} {
		if err := object.Extend(*imports); err != nil {
			t.Fatal(err)
		}
		imports.Close()
	}
	module := must(wasmer.Compile(guest(t, "imports_all")))(t)
	defer module.Close()
	instance := must(module.InstantiateWithImportObject(object))(t)
	defer instance.Close()
	imports := must(object.Imports())(t)
	object.Close()
	object.Close()
	if a, b := call(t, instance, "call_env", 1), call(t, instance, "call_other", 1); a != wasmer.I32(2) || b != wasmer.I32(3) {
		t.Errorf("got %v and %v, expected 2 and 3", a, b)
	}
	again := must(module.InstantiateWithImports(imports))(t)
	again.Close()

	var failure *wasmer.ImportObjectError
	if err := object.Extend(*wasmer.NewImports()); !errors.Is(err, wasmer.ErrClosed) || !errors.As(err, &failure) {
		t.Errorf("Extend of a closed object: %v", err)
	}
	if err := wasmer.NewImportObject().Extend(*first); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Extend by a closed set: %v", err)
	}
	if _, err := object.Imports(); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Imports: %v", err)
	}
	if _, err := module.InstantiateWithImportObject(object); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("InstantiateWithImportObject: %v", err)
	}
	var none *wasmer.ImportObject
	none.Close()
	if err := none.Extend(*wasmer.NewImports()); err == nil {
		t.Error("Extend of nil is accepted")
	}
}

func TestSeveralResults(t *testing.T) {
	imports := must(wasmer.NewImports().Append("swap", func(a int32, b int64) (int64, int32) { return b, a }))(t)
	instance := instantiate(t, guest(t, "multi_value"), imports)
	for _, name := range []string{"swap", "host_swap"} {
		f := must(instance.Function(name))(t)
		results, err := f.Call(context.Background(), -1, 1<<40)
		if err != nil || len(results) != 2 || results[0] != wasmer.I64(1<<40) || results[1] != wasmer.I32(-1) {
			t.Errorf("%s = %v (%v)", name, results, err)
		}
	}
	five := must(instance.Function("five"))(t)
	if results, err := five.Call(context.Background()); err != nil || fmt.Sprint(results) != "[1 2 3.000000 4.000000 5]" {
		t.Errorf("five = %v (%v)", results, err)
	}
	_, err := instance.Exports["div_rem"](7, 2)
	checkText(t, err, "Cannot call the `div_rem` exported function: it has 2 results, use Instance.Function and Function.Call to get them all.")
}
