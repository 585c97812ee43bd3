package wasmer_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestReferenceValues(t *testing.T) {
	f := must(wasmer.NewFunction(func(x int32) int32 { return x + 1 }))(t)
	slice := []int{1, 2}
	for _, c := range []struct {
		value wasmer.Value
		typ   wasmer.ValueType
		text  string
	}{
		{wasmer.V128(0x2_0000_0001, 0xffff_ffff_0000_0003), wasmer.TypeV128, "i32x4 0x00000001 0x00000002 0x00000003 0xffffffff"},
		{wasmer.FuncRef(nil), wasmer.TypeFuncRef, "null"},
		{wasmer.FuncRef(f), wasmer.TypeFuncRef, "function(i32) -> (i32)"},
		{wasmer.ExternRef(nil), wasmer.TypeExternRef, "null"},
		{wasmer.ExternRef(slice), wasmer.TypeExternRef, "[1 2]"},
	} {
		if c.value.GetType() != c.typ || c.value.String() != c.text {
			t.Errorf("%s of type %s, expected %s of type %s", c.value, c.value.GetType(), c.text, c.typ)
		}
	}
	if low, high := wasmer.V128(3, 4).ToV128(); low != 3 || high != 4 || wasmer.V128(3, 4) == wasmer.V128(3, 5) {
		t.Errorf("halves %d and %d", low, high)
	}
	if wasmer.FuncRef(f) != wasmer.FuncRef(f) || wasmer.FuncRef(f).ToFunc() != f || wasmer.FuncRef(f) == wasmer.FuncRef(nil) || wasmer.I32(0).ToFunc() != nil {
		t.Error("function references")
	}
	if wasmer.ExternRef(1) != wasmer.ExternRef(1) || wasmer.ExternRef(1) == wasmer.ExternRef(2) || wasmer.ExternRef(f).ToExternRef() != f || wasmer.I32(0).ToExternRef() != nil {
		t.Error("references to Go values")
	}
	one, two := wasmer.ExternRef(slice), wasmer.ExternRef(slice)
	if same := one; one == two || same != one || &one.ToExternRef().([]int)[0] != &slice[0] {
		t.Error("references to values that cannot be compared")
	}
	if !wasmer.FuncRef(nil).IsNull() || wasmer.FuncRef(f).IsNull() || wasmer.I32(0).IsNull() || wasmer.FuncRef(nil) == wasmer.ExternRef(nil) {
		t.Error("null references")
	}
}

// References go through a guest in all ways to call.
func TestReferencesThroughGuests(t *testing.T) {
	ctx := t.Context()
	instance := instantiate(t, guest(t, "objects"), nil)
	double := must(instance.Function("double"))(t)
	type pair struct{ a, b int }
	for _, value := range []any{1, "text", pair{1, 2}, &pair{3, 4}, double, math.Pi, instance.Memory} {
		if got := call(t, instance, "same_extern", value); got != wasmer.ExternRef(value) || got.ToExternRef() != value {
			t.Errorf("same_extern(%v) = %v", value, got)
		}
		if got := call(t, instance, "same_extern", wasmer.ExternRef(value)); got.ToExternRef() != value {
			t.Errorf("same_extern(%v) = %v", value, got)
		}
	}
	slice := wasmer.ExternRef([]int{1})
	if got := call(t, instance, "same_extern", slice); got != slice {
		t.Errorf("same_extern(%v) = %v", slice, got)
	}
	for _, null := range []any{nil, wasmer.FuncRef(nil), (*wasmer.Function)(nil)} {
		if got := call(t, instance, "same_func", null); got != wasmer.FuncRef(nil) {
			t.Errorf("same_func(%v) = %v", null, got)
		}
	}
	if got := call(t, instance, "same_func", double); got != wasmer.FuncRef(double) || got.ToFunc() != double {
		t.Errorf("same_func(double) = %v", got)
	}
	results := must(must(instance.Function("mixed"))(t).Call(ctx, 1, "two", 3.5, double))(t)
	if len(results) != 4 || results[0] != wasmer.FuncRef(double) || results[1] != wasmer.F64(3.5) || results[2] != wasmer.ExternRef("two") || results[3] != wasmer.I32(1) {
		t.Errorf("mixed = %v", results)
	}
	if results := must(must(instance.Function("is_null"))(t).Call(ctx, nil, 1))(t); results[0] != wasmer.I32(1) || results[1] != wasmer.I32(0) {
		t.Errorf("is_null = %v", results)
	}
	if got := call(t, instance, "apply", double, 21); got != wasmer.I32(42) {
		t.Errorf("apply(double, 21) = %v", got)
	}
	for _, c := range []struct {
		name     string
		argument any
		text     string
	}{
		{"same_func", 1, "Argument #1 of the `same_func` exported function must be of type `funcref`, cannot cast given value to this type."},
		{"same_func", wasmer.ExternRef(nil), "Argument #1 of the `same_func` exported function must be of type `funcref`, cannot cast given value to this type."},
		{"same_func", instance.Exports["double"], "Argument #1 of the `same_func` exported function must be of type `funcref`, cannot cast given value to this type."},
		{"same_extern", wasmer.FuncRef(nil), "Argument #1 of the `same_extern` exported function must be of type `externref`, cannot cast given value to this type."},
		{"double", nil, "Argument #1 of the `double` exported function must be of type `i32`, cannot cast given value to this type."},
		{"double", double, "Argument #1 of the `double` exported function must be of type `i32`, cannot cast given value to this type."},
	} {
		_, err := instance.Exports[c.name](c.argument)
		checkText(t, err, c.text)
	}
	// A function whose type is another one than the caller expects is a trap, not a fault.
	if _, err := instance.Exports["apply"](must(instance.Function("same_func"))(t), 1); !errors.Is(err, wasmer.ErrBadSignature) {
		t.Errorf("apply(same_func): %v", err)
	}
}

// On raw slots, references are numbers that are checked.
func TestReferencesOnSlots(t *testing.T) {
	ctx := t.Context()
	instance := instantiate(t, guest(t, "objects"), nil)
	double := must(instance.Function("double"))(t)
	slots := make([]uint64, 2)
	apply := must(instance.Function("apply"))(t)
	for range 3 {
		if err := instance.ValueToSlots(wasmer.FuncRef(double), slots); err != nil {
			t.Fatal(err)
		}
		slots[1] = 4
		if err := apply.CallSlots(ctx, slots); err != nil || slots[0] != 8 {
			t.Errorf("apply = %d (%v)", slots[0], err)
		}
	}
	give := must(instance.Function("give_square"))(t)
	if err := give.CallSlots(ctx, slots); err != nil {
		t.Fatal(err)
	}
	if square := must(instance.ValueFromSlots(wasmer.TypeFuncRef, slots))(t); square.String() != "function[1](i32) -> (i32)" {
		t.Errorf("give_square = %v", square)
	}
	for _, slot := range []uint64{1, 8, slots[0] + 1, slots[0] + 8, math.MaxUint64} {
		if err := apply.CallSlots(ctx, []uint64{slot, 1}); err == nil {
			t.Errorf("slot %#x was taken for a function", slot)
		}
		if got, err := instance.ValueFromSlots(wasmer.TypeFuncRef, []uint64{slot}); err == nil {
			t.Errorf("slot %#x is the function %v", slot, got)
		}
		if got, err := instance.ValueFromSlots(wasmer.TypeExternRef, []uint64{slot}); err == nil {
			t.Errorf("slot %#x is the value %v", slot, got)
		}
	}
	checkText(t, instance.ValueToSlots(wasmer.V128(1, 2), slots[:1]), "cannot write the value: 1 slots are given, expected 2 for a value of type `v128`")
	checkText(t, errOf(instance.ValueFromSlots(wasmer.TypeVoid, slots)), "cannot read the value: it is of type `void`, expected a type of WebAssembly")
	if err := instance.ValueToSlots(wasmer.V128(1, 2), slots); err != nil || must(instance.ValueFromSlots(wasmer.TypeV128, slots))(t) != wasmer.V128(1, 2) {
		t.Errorf("v128 on slots: %v (%v)", slots, err)
	}
}

// Vectors take two slots, among other values.
func TestVectors(t *testing.T) {
	ctx := t.Context()
	i32, i64, v128 := wasmer.TypeI32, wasmer.TypeI64, wasmer.TypeV128
	for name, swap := range map[string]any{
		"slots": wasmer.HostFunc([]wasmer.ValueType{i32, v128, i64}, []wasmer.ValueType{i64, v128, i32}, func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0], slots[1], slots[2], slots[3] = slots[3], slots[2], slots[1], slots[0]
			return nil
		}),
		"reflection": func(a int32, v [2]uint64, b int64) (int64, [16]byte, int32) {
			var swapped [16]byte
			for i := range 8 {
				swapped[i], swapped[8+i] = byte(v[1]>>(8*i)), byte(v[0]>>(8*i))
			}
			return b, swapped, a
		},
	} {
		instance := instantiate(t, guest(t, "vectors"), must(wasmer.NewImports().Namespace("host").Append("swap", swap))(t))
		for _, argument := range []any{wasmer.V128(1, 1<<63), [2]uint64{1, 1 << 63}, [16]byte{0: 1, 15: 0x80}} {
			if got := call(t, instance, "same", argument); got != wasmer.V128(1, 1<<63) {
				t.Errorf("%s: same = %v", name, got)
			}
		}
		if got := call(t, instance, "add", wasmer.V128(1<<32|2, 3), wasmer.V128(4<<32|5, 6<<32|7)); got != wasmer.V128(5<<32|7, 6<<32|10) {
			t.Errorf("%s: add = %v", name, got)
		}
		results := must(must(instance.Function("mixed"))(t).Call(ctx, 1, wasmer.V128(2, 3), 4.5, wasmer.V128(5, 6), "seven"))(t)
		if results[0] != wasmer.ExternRef("seven") || results[1] != wasmer.V128(5, 6) || results[2] != wasmer.F64(4.5) || results[3] != wasmer.V128(2, 3) || results[4] != wasmer.I32(1) {
			t.Errorf("%s: mixed = %v", name, results)
		}
		swapped := must(instance.Function("swapped"))(t)
		results = must(swapped.Call(ctx, 1, wasmer.V128(2, 3), 4))(t)
		if results[0] != wasmer.I64(4) || results[1] != wasmer.V128(3, 2) || results[2] != wasmer.I32(1) {
			t.Errorf("%s: swapped = %v", name, results)
		}
		slots := []uint64{1, 2, 3, 4}
		if err := swapped.CallSlots(ctx, slots); err != nil || [4]uint64(slots) != [4]uint64{4, 3, 2, 1} {
			t.Errorf("%s: swapped = %v (%v)", name, slots, err)
		}
		checkContains(t, swapped.CallSlots(ctx, slots[:3]), "3 slots are given, expected 4")
		global := must(instance.Global("vector"))(t)
		if got := must(global.Get())(t); got != wasmer.V128(1, 2) {
			t.Errorf("%s: global %v", name, got)
		}
		if err := global.Set(wasmer.V128(8, 9)); err != nil || call(t, instance, "get") != wasmer.V128(8, 9) {
			t.Errorf("%s: the guest sees %v (%v)", name, call(t, instance, "get"), err)
		}
		_, err := instance.Exports["same"](1)
		checkText(t, err, "Argument #1 of the `same` exported function must be of type `v128`, cannot cast given value to this type.")
	}
}

// Go functions are values, too.
func TestNewFunction(t *testing.T) {
	ctx := t.Context()
	failure := errors.New("failure")
	half := must(wasmer.NewFunction(func(_ context.Context, x int32) (int32, error) {
		if x%2 != 0 {
			return 0, failure
		}
		return x / 2, nil
	}))(t)
	if results := must(half.Call(ctx, 42))(t); results[0] != wasmer.I32(21) || half.Type().String() != "(i32) -> (i32)" {
		t.Errorf("half(42) = %v", results)
	}
	instance := instantiate(t, guest(t, "objects"), nil)
	if got := call(t, instance, "apply", half, 8); got != wasmer.I32(4) {
		t.Errorf("apply(half, 8) = %v", got)
	}
	if _, err := instance.Exports["call"](3, 9); !errors.Is(err, failure) {
		t.Errorf("half(9): %v", err)
	}
	if err := must(instance.Global("funcref"))(t).Set(wasmer.FuncRef(half)); err != nil || call(t, instance, "call_global", 100) != wasmer.I32(50) {
		t.Errorf("call_global: %v", err)
	}
	panics := must(wasmer.NewFunction(func(int32) int32 { panic("out of the host") }))(t)
	func() {
		defer func() {
			if r := recover(); r != "out of the host" {
				t.Errorf("recovered %v", r)
			}
		}()
		call(t, instance, "apply", panics, 1)
	}()
	if got := call(t, instance, "apply", half, 8); got != wasmer.I32(4) {
		t.Errorf("after a panic: apply(half, 8) = %v", got)
	}
	_, err := wasmer.NewFunction(42)
	checkText(t, err, "Imported function `function` must be a function; given `int`.")
	checkContains(t, errOf(wasmer.NewFunction(half)), "it is the value of a function already")
	every := must(wasmer.NewFunction(func(a int32, b int64, c float32, d float64, e [16]byte, f *wasmer.Function, g any) (any, *wasmer.Function, [16]byte, float64, float32, int64, int32) {
		return g, f, e, d, c, b, a
	}))(t)
	results := must(every.Call(ctx, 1, 2, float32(3), 4.0, [16]byte{5}, half, "seven"))(t)
	for i, expected := range []wasmer.Value{wasmer.ExternRef("seven"), wasmer.FuncRef(half), wasmer.V128(5, 0), wasmer.F64(4), wasmer.F32(3), wasmer.I64(2), wasmer.I32(1)} {
		if results[i] != expected {
			t.Errorf("result %d is %v, expected %v", i, results[i], expected)
		}
	}
	results = must(every.Call(ctx, 1, 2, float32(3), 4.0, [16]byte{5}, nil, nil))(t)
	if !results[0].IsNull() || !results[1].IsNull() {
		t.Errorf("nulls arrive as %v and %v", results[0], results[1])
	}
}

// A reference lives as long as a guest, a table or a program has it, and no longer.
func TestReferencesAreFreed(t *testing.T) {
	bytes := guest(t, "objects")
	use := func(t *testing.T) {
		instance := instantiate(t, bytes, nil)
		table := must(wasmer.NewTable(wasmer.TypeFuncRef, 1, 10))(t)
		function := must(wasmer.NewFunction(func(x int32) int32 { return x + int32(table.Size()) }))(t) // a cycle through Go
		if err := table.Set(0, wasmer.FuncRef(function)); err != nil {
			t.Fatal(err)
		}
		if got := call(t, instance, "apply", function, 1); got != wasmer.I32(2) {
			t.Errorf("apply = %v", got)
		}
		call(t, instance, "keep_extern", instance)
		if err := must(instance.Global("externref"))(t).Set(wasmer.ExternRef(table)); err != nil {
			t.Fatal(err)
		}
	}
	before := baseline()
	func() {
		instance := must(wasmer.NewInstance(bytes))(t)
		held := call(t, instance, "give_square").ToFunc()
		global := must(instance.Global("funcref"))(t)
		instance = wasmer.Instance{}
		for range 5 {
			runtime.GC()
		}
		if results, err := held.Call(t.Context(), 5); err != nil || results[0] != wasmer.I32(25) {
			t.Errorf("a function of a dropped instance: %v (%v)", results, err)
		}
		if results, err := must(global.Get())(t).ToFunc().Call(t.Context(), 5); err != nil || results[0] != wasmer.I32(10) {
			t.Errorf("a function from a global of a dropped instance: %v (%v)", results, err)
		}
		_ = instance
	}()
	for range 10 {
		t.Run("use", use)
	}
	settle(t, "instances and modules are freed", func() bool {
		now := baseline()
		return now.Instances <= before.Instances && now.Modules <= before.Modules && now.Stores <= before.Stores
	})
}
