package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The bytes of the binary format for i32, i64, f32 and f64.
var typeBytes = []byte{0x7f, 0x7e, 0x7d, 0x7c}

// forwarding is a module that exports func0 to func6 and proc0 to proc6, which call imports of the
// same names with their parameters: of the types i32, i64, f32, f64, i32, i64, as many as the
// number says. The result of func is a number of the type after its last parameter's.
func forwarding() []byte {
	var types, imports, functions, exports, bodies [][]byte
	for i := range 14 {
		n, export := i%7, fmt.Sprintf("func%d", i%7)
		params, results, code := leb(n), []byte{1, typeBytes[n%4]}, []byte{}
		if i >= 7 {
			results, export = []byte{0}, fmt.Sprintf("proc%d", n)
		}
		for p := range n {
			params = append(params, typeBytes[p%4])
			code = append(code, 0x20, byte(p))
		}
		types = append(types, join([]byte{0x60}, params, results))
		imports = append(imports, join(name("env"), name(export), []byte{0}, leb(i)))
		functions = append(functions, leb(i))
		exports = append(exports, join(name(export), []byte{0}, leb(14+i)))
		bodies = append(bodies, body(append(code, 0x10, byte(i))...))
	}
	return module(section(1, types...), section(2, imports...), section(3, functions...), section(7, exports...), section(10, bodies...))
}

// Every typed maker and every typed call, with all parameters in their places: exported function to
// host function and back.
func TestTypedCalls(t *testing.T) {
	var got []interface{}
	note := func(values ...interface{}) { got = append([]interface{}{}, values...) }
	type C = context.Context
	imports := wasmer.NewImports()
	for name, function := range map[string]wasmer.HostFunction{
		"func0": wasmer.Host0(func(C) (int32, error) { note(); return -1, nil }),
		"func1": wasmer.Host1(func(_ C, a int32) (int64, error) { note(a); return -2, nil }),
		"func2": wasmer.Host2(func(_ C, a uint32, b int64) (float32, error) { note(a, b); return 0.5, nil }),
		"func3": wasmer.Host3(func(_ C, a int32, b uint64, c float32) (float64, error) { note(a, b, c); return 0.25, nil }),
		"func4": wasmer.Host4(func(_ C, a int32, b int64, c float32, d float64) (uint32, error) {
			note(a, b, c, d)
			return 1 << 31, nil
		}),
		"func5": wasmer.Host5(func(_ C, a int32, b int64, c float32, d float64, e int32) (uint64, error) {
			note(a, b, c, d, e)
			return 1 << 63, nil
		}),
		"func6": wasmer.Host6(func(_ C, a int32, b int64, c float32, d float64, e int32, f int64) (float32, error) {
			note(a, b, c, d, e, f)
			return -0.5, nil
		}),
		"proc0": wasmer.HostProc0(func(C) error { note(); return nil }),
		"proc1": wasmer.HostProc1(func(_ C, a int32) error { note(a); return nil }),
		"proc2": wasmer.HostProc2(func(_ C, a int32, b int64) error { note(a, b); return nil }),
		"proc3": wasmer.HostProc3(func(_ C, a int32, b int64, c float32) error { note(a, b, c); return nil }),
		"proc4": wasmer.HostProc4(func(_ C, a int32, b int64, c float32, d float64) error { note(a, b, c, d); return nil }),
		"proc5": wasmer.HostProc5(func(_ C, a int32, b int64, c float32, d float64, e int32) error { note(a, b, c, d, e); return nil }),
		"proc6": wasmer.HostProc6(func(_ C, a int32, b int64, c float32, d float64, e int32, f int64) error {
			note(a, b, c, d, e, f)
			return nil
		}),
	} {
		must(imports.Append(name, function))(t)
	}
	in := instantiate(t, forwarding(), imports)
	ctx := context.Background()
	check := func(what string, result, expected interface{}, err error, arguments ...interface{}) {
		t.Helper()
		if err != nil || result != expected {
			t.Errorf("%s = %v (%v), expected %v", what, result, err, expected)
		}
		if fmt.Sprintf("%T%v", got, got) != fmt.Sprintf("%T%v", arguments, append([]interface{}{}, arguments...)) {
			t.Errorf("%s: the host function got %v, expected %v", what, got, arguments)
		}
	}
	for range 3 { // from the second call on the instance has a fiber of its own
		r0, err := must(wasmer.Func0[int32](&in, "func0"))(t)(ctx)
		check("func0", r0, int32(-1), err)
		r1, err := must(wasmer.Func1[int32, int64](&in, "func1"))(t)(ctx, -7)
		check("func1", r1, int64(-2), err, int32(-7))
		r2, err := must(wasmer.Func2[uint32, int64, float32](&in, "func2"))(t)(ctx, 1<<31, -8)
		check("func2", r2, float32(0.5), err, uint32(1<<31), int64(-8))
		r3, err := must(wasmer.Func3[int32, uint64, float32, float64](&in, "func3"))(t)(ctx, 1, 1<<63, 3.5)
		check("func3", r3, 0.25, err, int32(1), uint64(1<<63), float32(3.5))
		r4, err := must(wasmer.Func4[int32, int64, float32, float64, uint32](&in, "func4"))(t)(ctx, 1, 2, 3.5, -4.5)
		check("func4", r4, uint32(1<<31), err, int32(1), int64(2), float32(3.5), -4.5)
		r5, err := must(wasmer.Func5[int32, int64, float32, float64, int32, uint64](&in, "func5"))(t)(ctx, 1, 2, 3.5, -4.5, 5)
		check("func5", r5, uint64(1<<63), err, int32(1), int64(2), float32(3.5), -4.5, int32(5))
		r6, err := must(wasmer.Func6[int32, int64, float32, float64, int32, int64, float32](&in, "func6"))(t)(ctx, 1, 2, 3.5, -4.5, 5, -6)
		check("func6", r6, float32(-0.5), err, int32(1), int64(2), float32(3.5), -4.5, int32(5), int64(-6))
		check("proc0", nil, nil, must(wasmer.Proc0(&in, "proc0"))(t)(ctx))
		check("proc1", nil, nil, must(wasmer.Proc1[int32](&in, "proc1"))(t)(ctx, 1), int32(1))
		check("proc2", nil, nil, must(wasmer.Proc2[int32, int64](&in, "proc2"))(t)(ctx, 1, 2), int32(1), int64(2))
		check("proc3", nil, nil, must(wasmer.Proc3[int32, int64, float32](&in, "proc3"))(t)(ctx, 1, 2, 3.5), int32(1), int64(2), float32(3.5))
		check("proc4", nil, nil, must(wasmer.Proc4[int32, int64, float32, float64](&in, "proc4"))(t)(ctx, 1, 2, 3.5, 4.5),
			int32(1), int64(2), float32(3.5), 4.5)
		check("proc5", nil, nil, must(wasmer.Proc5[int32, int64, float32, float64, int32](&in, "proc5"))(t)(ctx, 1, 2, 3.5, 4.5, 5),
			int32(1), int64(2), float32(3.5), 4.5, int32(5))
		check("proc6", nil, nil, must(wasmer.Proc6[int32, int64, float32, float64, int32, int64](&in, "proc6"))(t)(ctx, 1, 2, 3.5, 4.5, 5, 6),
			int32(1), int64(2), float32(3.5), 4.5, int32(5), int64(6))
	}
}

// identity exports i32, i64, f32 and f64: each returns its parameter.
func identity() []byte {
	var types, functions, exports, bodies [][]byte
	for i, export := range []string{"i32", "i64", "f32", "f64"} {
		types = append(types, []byte{0x60, 1, typeBytes[i], 1, typeBytes[i]})
		functions = append(functions, leb(i))
		exports = append(exports, join(name(export), []byte{0}, leb(i)))
		bodies = append(bodies, body(0x20, 0))
	}
	return module(section(1, types...), section(3, functions...), section(7, exports...), section(10, bodies...))
}

// All bits arrive and come back by the short way too, those of signalling NaNs and of negative
// numbers included.
func TestTypedCallsKeepBits(t *testing.T) {
	in := instantiate(t, identity(), nil)
	ctx := context.Background()
	i32, u32 := must(wasmer.Func1[int32, int32](&in, "i32"))(t), must(wasmer.Func1[uint32, uint32](&in, "i32"))(t)
	i64, u64 := must(wasmer.Func1[int64, int64](&in, "i64"))(t), must(wasmer.Func1[uint64, uint64](&in, "i64"))(t)
	f32, f64 := must(wasmer.Func1[float32, float32](&in, "f32"))(t), must(wasmer.Func1[float64, float64](&in, "f64"))(t)
	slots := must(in.Function("i32"))(t)
	for range 3 {
		if v, err := i32(ctx, math.MinInt32); v != math.MinInt32 || err != nil {
			t.Error(v, err)
		}
		if v, err := u32(ctx, math.MaxUint32); v != math.MaxUint32 || err != nil {
			t.Error(v, err)
		}
		if v, err := i64(ctx, math.MinInt64); v != math.MinInt64 || err != nil {
			t.Error(v, err)
		}
		if v, err := u64(ctx, math.MaxUint64); v != math.MaxUint64 || err != nil {
			t.Error(v, err)
		}
		for _, bits := range []uint32{0x7fa12345, 0xffa12345, 0x80000000, 0x7f800000, 0x00000001} {
			if v, err := f32(ctx, math.Float32frombits(bits)); math.Float32bits(v) != bits || err != nil {
				t.Errorf("%#x: %#x, %v", bits, math.Float32bits(v), err)
			}
		}
		for _, bits := range []uint64{0x7ff4123456789abc, 0xfff4123456789abc, 1 << 63, 0x7ff0000000000000, 1} {
			if v, err := f64(ctx, math.Float64frombits(bits)); math.Float64bits(v) != bits || err != nil {
				t.Errorf("%#x: %#x, %v", bits, math.Float64bits(v), err)
			}
		}
		// The upper half of an i32's slot is ignored on the way in, and zero on the way out.
		// Further slots stay as they are.
		values := []uint64{0xdeadbeef_80000001, 7}
		if err := slots.CallSlots(ctx, values); err != nil || values[0] != 0x80000001 || values[1] != 7 {
			t.Errorf("%#x, %v", values, err)
		}
	}
}

func TestTypedErrors(t *testing.T) {
	in := instantiate(t, guest(t, "types"), nil)
	for _, c := range []struct {
		err  error
		text string
	}{
		{second(wasmer.Func2[int32, int64, int32](&in, "sum")), "Func2 is for the type (i32, i64) -> (i32), but the function is of type (i32, i32) -> (i32)"},
		{second(wasmer.Func2[int32, int32, float32](&in, "sum")), "Func2 is for the type (i32, i32) -> (f32), but the function is of type (i32, i32) -> (i32)"},
		{second(wasmer.Proc2[int32, int32](&in, "sum")), "Proc2 is for the type (i32, i32) -> (), but the function is of type (i32, i32) -> (i32)"},
		{second(wasmer.Func0[int32](&in, "sum")), "Func0 is for the type () -> (i32), but the function is of type (i32, i32) -> (i32)"},
		{second(wasmer.Func0[int32](&in, "none")), "the instance exports no function of this name"},
		{second(wasmer.Func0[int32](&in, "memory")), "the instance exports no function of this name"},
		{second(wasmer.Func0[int32](nil, "sum")), "the instance is closed"},
	} {
		var instanceError *wasmer.InstanceError
		if checkContains(t, c.err, c.text); !errors.As(c.err, &instanceError) {
			t.Errorf("%v is no InstanceError", c.err)
		}
	}
	sum, function := must(wasmer.Func2[int32, int32, int32](&in, "sum"))(t), must(in.Function("sum"))(t)
	var none context.Context
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for range 3 {
		if v, err := sum(context.Background(), 5, 37); v != 42 || err != nil {
			t.Errorf("%v, %v", v, err)
		}
		_, err := sum(none, 5, 37)
		checkContains(t, err, "the context is nil")
		checkContains(t, function.CallSlots(none, make([]uint64, 2)), "the context is nil")
		if _, err := sum(done, 5, 37); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := function.CallSlots(done, make([]uint64, 2)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		checkText(t, function.CallSlots(context.Background(), make([]uint64, 1)),
			"cannot call the exported function `sum`: 1 slots are given, expected 2, for 2 parameters and 1 results")
		checkContains(t, function.CallSlots(context.Background(), nil), "0 slots are given, expected 2")
	}
	in.Close()
	if _, err := sum(context.Background(), 5, 37); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
	if err := function.CallSlots(context.Background(), make([]uint64, 2)); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestFunctionType(t *testing.T) {
	in := instantiate(t, guest(t, "multi_value"), swapImport(t))
	function := must(in.Function("swap"))(t)
	if got := function.Type().String(); got != "(i32, i64) -> (i64, i32)" {
		t.Error(got)
	}
	function.Type().Params[0] = wasmer.TypeVoid // a copy
	if got := function.Type(); got.Params[0] != wasmer.TypeI32 || got.Results[0] != wasmer.TypeI64 {
		t.Error(got)
	}
}

func swapImport(t *testing.T) *wasmer.Imports {
	return must(wasmer.NewImports().Append("swap", wasmer.HostFunc([]wasmer.ValueType{wasmer.TypeI32, wasmer.TypeI64},
		[]wasmer.ValueType{wasmer.TypeI64, wasmer.TypeI32}, func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0], slots[1] = slots[1], slots[0]
			return nil
		})))(t)
}

// Several results, by Call and by CallSlots, from the guest and from a host function on slots; more
// results than parameters.
func TestMultiValueCalls(t *testing.T) {
	in := instantiate(t, guest(t, "multi_value"), swapImport(t))
	ctx := context.Background()
	for range 3 {
		for _, name := range []string{"swap", "host_swap"} {
			function := must(in.Function(name))(t)
			results, err := function.Call(ctx, 7, int64(-8))
			if err != nil || fmt.Sprint(results) != "[-8 7]" || results[0].GetType() != wasmer.TypeI64 {
				t.Errorf("%s: %v (%v)", name, results, err)
			}
			slots := []uint64{7, math.MaxUint64}
			if err := function.CallSlots(ctx, slots); err != nil || slots[0] != math.MaxUint64 || slots[1] != 7 {
				t.Errorf("%s: %v (%v)", name, slots, err)
			}
		}
		slots := make([]uint64, 5)
		if err := must(in.Function("five"))(t).CallSlots(ctx, slots); err != nil || slots[0] != 1 || slots[1] != 2 ||
			slots[2] != uint64(math.Float32bits(3)) || slots[3] != math.Float64bits(4) || slots[4] != 5 {
			t.Errorf("five: %v (%v)", slots, err)
		}
	}
}

func TestHostFuncErrors(t *testing.T) {
	nothing := func(*wasmer.InstanceContext, []uint64) error { return nil }
	for text, function := range map[string]wasmer.HostFunction{
		"imported function `f` must have values as parameters, parameter #2 is `void`, expected `i32`, `i64`, `f32`, `f64`, `v128`, `funcref` or `externref`":    wasmer.HostFunc([]wasmer.ValueType{0, wasmer.TypeVoid}, nil, nothing),
		"imported function `f` must have values as results, result #1 is `ValueType(-1)`, expected `i32`, `i64`, `f32`, `f64`, `v128`, `funcref` or `externref`": wasmer.HostFunc(nil, []wasmer.ValueType{-1}, nothing),
		"imported function `f` must be a function, given an empty `wasmer.HostFunction`":                                                                         wasmer.HostFunc(nil, nil, nil),
	} {
		_, err := wasmer.NewImports().Append("f", function)
		checkText(t, err, text)
	}
	for _, empty := range []wasmer.HostFunction{{}, wasmer.Host0[int32](nil), wasmer.HostProc6[int32, int32, int32, int32, int32, int32](nil)} {
		_, err := wasmer.NewImports().Append("f", empty)
		checkContains(t, err, "must be a function")
	}
	imports := must(wasmer.NewImports().Append("f", func() {}))(t)
	_, err := imports.Append("f", func() {})
	checkText(t, err, "cannot append `f`: the namespace `env` has an import of this name already")
	must(imports.Namespace("other").Append("f", func() {}))(t)
	// A type that differs from the import's is found when linking.
	_, err = wasmer.NewInstanceWithImports(guest(t, "multi_value"), must(wasmer.NewImports().Append("swap", wasmer.Host0(func(context.Context) (int32, error) { return 0, nil })))(t))
	checkContains(t, err, "link error")
}

// The errors of typed host functions and of those on slots arrive as they are.
func TestTypedHostErrors(t *testing.T) {
	failure := errors.New("failure")
	for _, function := range []interface{}{
		wasmer.HostProc0(func(context.Context) error { return failure }),
		wasmer.HostFunc(nil, nil, func(*wasmer.InstanceContext, []uint64) error { return fmt.Errorf("wrapped: %w", failure) }),
	} {
		in := instantiate(t, guest(t, "host_calls"), hostCalls(t, function))
		f := must(wasmer.Proc1[int32](&in, "call_nop"))(t)
		for range 3 {
			if err := f(context.Background(), 1); !errors.Is(err, failure) {
				t.Error(err)
			}
			if err := f(context.Background(), 0); err != nil {
				t.Error(err)
			}
		}
	}
}

// No way of calling that promises it allocates.
func TestTypedCallsDoNotAllocate(t *testing.T) {
	sums := instantiate(t, guest(t, "types"), nil)
	sum, function := must(wasmer.Func2[int32, int32, int32](&sums, "sum"))(t), must(sums.Function("sum"))(t)
	slots := make([]uint64, 2)
	deadline, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	i32 := []wasmer.ValueType{wasmer.TypeI32}
	loop := func(next interface{}) func(context.Context, int32) (int32, error) {
		in := instantiate(t, guest(t, "host_calls"), replaced(t, hostCalls(t, func() {}), "next", next))
		return must(wasmer.Func1[int32, int32](&in, "call_next"))(t)
	}
	raw := loop(wasmer.HostFunc(i32, i32, func(_ *wasmer.InstanceContext, slots []uint64) error { slots[0]++; return nil }))
	typed := loop(wasmer.Host1(func(_ context.Context, x int32) (int32, error) { return x + 1, nil }))
	plain := loop(func(x int32) int32 { return x + 1 })
	leading := loop(func(_ *wasmer.InstanceContext, x int32) (int32, error) { return x + 1, nil })
	for _, ctx := range []context.Context{context.Background(), deadline} {
		for what, call := range map[string]func(){
			"Func2":       func() { _, _ = sum(ctx, 5, 37) },
			"CallSlots":   func() { _ = function.CallSlots(ctx, slots) },
			"HostFunc":    func() { _, _ = raw(ctx, 10) },
			"Host1":       func() { _, _ = typed(ctx, 10) },
			"a closure":   func() { _, _ = plain(ctx, 10) },
			"the context": func() { _, _ = leading(ctx, 10) },
		} {
			call()
			if n := testing.AllocsPerRun(100, call); n != 0 {
				t.Errorf("%s: %v allocations", what, n)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = sums.Exports["sum"](5, 37) }); n > 1 {
		t.Errorf("Exports: %v allocations, expected one at most", n)
	}
}
