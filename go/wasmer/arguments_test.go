package wasmer_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

type named int32

// Every Go type, for each parameter type: the result of the identity, or nil where the argument is
// refused.
func TestArgumentTypes(t *testing.T) {
	instance := instantiate(t, guest(t, "types"), nil)
	i32, i64, f32, f64 := wasmer.I32, wasmer.I64, wasmer.F32, wasmer.F64
	for _, c := range []struct {
		argument               interface{}
		asI32, asI64, f32, f64 interface{}
	}{
		{7, i32(7), i64(7), nil, nil},
		{-7, i32(-7), i64(-7), nil, nil},
		{int8(-7), i32(-7), i64(-7), nil, nil},
		{uint8(200), i32(200), i64(200), nil, nil},
		{int16(-300), i32(-300), i64(-300), nil, nil},
		{uint16(60000), i32(60000), i64(60000), nil, nil},
		{int32(math.MinInt32), i32(math.MinInt32), i64(math.MinInt32), nil, nil},
		{uint32(math.MaxUint32), i32(-1), i64(math.MaxUint32), nil, nil},
		{int64(7), nil, i64(7), nil, nil},
		{int64(math.MinInt64), nil, i64(math.MinInt64), nil, nil},
		{uint64(math.MaxUint64), nil, i64(-1), nil, nil},
		{uint(7), i32(7), i64(7), nil, nil},
		{math.MaxUint32, i32(-1), i64(math.MaxUint32), nil, nil},
		{uint(math.MaxUint32), i32(-1), i64(math.MaxUint32), nil, nil},
		{math.MinInt32, i32(math.MinInt32), i64(math.MinInt32), nil, nil},
		{math.MaxUint32 + 1, nil, i64(math.MaxUint32 + 1), nil, nil},
		{math.MinInt32 - 1, nil, i64(math.MinInt32 - 1), nil, nil},
		{uint(math.MaxUint32 + 1), nil, i64(math.MaxUint32 + 1), nil, nil},
		{float32(7.42), nil, nil, f32(7.42), f64(float64(float32(7.42)))},
		{7.42, nil, nil, nil, f64(7.42)},
		{i32(-7), i32(-7), nil, nil, nil},
		{i64(-7), nil, i64(-7), nil, nil},
		{f32(7.42), nil, nil, f32(7.42), nil},
		{f64(7.42), nil, nil, nil, f64(7.42)},
		{math.Float32frombits(0x7fa00001), nil, nil, f32(math.Float32frombits(0x7fa00001)), nil},
		{math.Float64frombits(0x7ff4000000000001), nil, nil, nil, f64(math.Float64frombits(0x7ff4000000000001))},
		{math.Copysign(0, -1), nil, nil, nil, f64(math.Copysign(0, -1))},
		{"7", nil, nil, nil, nil},
		{nil, nil, nil, nil, nil},
		{true, nil, nil, nil, nil},
		{named(7), nil, nil, nil, nil},
		{uintptr(7), nil, nil, nil, nil},
		{complex(1, 2), nil, nil, nil, nil},
		{[]int{7}, nil, nil, nil, nil},
		{(*int)(nil), nil, nil, nil, nil},
		{&instance, nil, nil, nil, nil},
	} {
		for i, expected := range []interface{}{c.asI32, c.asI64, c.f32, c.f64} {
			if math.IsNaN(floatOf(c.argument)) && expected == nil {
				continue // whether a float64 keeps a float32's NaN is not promised
			}
			typ := []string{"i32", "i64", "f32", "f64"}[i]
			name := typ + "_" + typ
			result, err := instance.Exports[name](c.argument)
			if expected != nil {
				if err != nil || result != expected {
					t.Errorf("%s(%T %v) = %v (%v), expected %v", name, c.argument, c.argument, result, err, expected)
				}
				continue
			}
			var failure *wasmer.ExportedFunctionError
			if !errors.As(err, &failure) || result != (wasmer.Value{}) {
				t.Errorf("%s(%T %v) = %v, %v, expected an error", name, c.argument, c.argument, result, err)
				continue
			}
			text := fmt.Sprintf("Argument #1 of the `%s` exported function must be of type `%s`, cannot cast given value to this type.", name, typ)
			switch c.argument.(type) {
			case int, uint:
				if typ == "i32" {
					text = fmt.Sprintf("Argument #1 of the `i32_i32` exported function must be of type `i32`, the given value %d is out of its range.", c.argument)
				}
			}
			checkText(t, err, text)
		}
	}
}

func floatOf(argument interface{}) float64 {
	switch v := argument.(type) {
	case float32:
		return float64(v)
	case float64:
		return v
	default:
		return 0
	}
}

func TestArgumentCounts(t *testing.T) {
	instance := instantiate(t, guest(t, "types"), nil)
	sum := instance.Exports["sum"]
	result, err := sum(1)
	checkText(t, err, "Missing 1 argument(s) when calling the `sum` exported function; Expect 2 argument(s), given 1.")
	if result != wasmer.I32(0) {
		t.Errorf("result %v, expected 0", result)
	}
	_, err = sum()
	checkText(t, err, "Missing 2 argument(s) when calling the `sum` exported function; Expect 2 argument(s), given 0.")
	_, err = sum(1, 2, 3)
	checkText(t, err, "Given 1 extra argument(s) when calling the `sum` exported function; Expect 2 argument(s), given 3.")
	_, err = sum(1, "2")
	checkText(t, err, "Argument #2 of the `sum` exported function must be of type `i32`, cannot cast given value to this type.")
	if got := call(t, instance, "sum", 5, 37); got != wasmer.I32(42) {
		t.Errorf("sum(5, 37) = %v, expected 42", got)
	}
}

func TestMixedArguments(t *testing.T) {
	instance := instantiate(t, guest(t, "types"), nil)
	got := call(t, instance, "i32_i64_f32_f64_f64", 1, 2, float32(3.4), 5.6)
	if expected := 1 + 2 + float64(float32(3.4)) + 5.6; got != wasmer.F64(expected) {
		t.Errorf("got %v, expected %v", got, expected)
	}
	var arguments []interface{}
	var sum float64
	for i := range 12 {
		arguments = append(arguments, float64(i)+0.5)
		sum += float64(i+1) * (float64(i) + 0.5)
	}
	if got := call(t, instance, "many_f64", arguments...); got.ToF64() != sum {
		t.Errorf("many_f64 = %v, expected %v", got, sum)
	}
	if got := call(t, instance, "arity_0"); got != wasmer.I32(42) {
		t.Errorf("arity_0 = %v, expected 42", got)
	}
	if got := call(t, instance, "bool_casted_to_i32"); got != wasmer.I32(1) {
		t.Errorf("bool_casted_to_i32 = %v, expected 1", got)
	}
	if got := call(t, instance, "void"); got.GetType() != wasmer.TypeVoid || got.String() != "void" || got.ToVoid() != nil {
		t.Errorf("void = %v of type %v", got, got.GetType())
	}
}

// A call allocates nothing by itself: here its arguments are interfaces already.
func TestCallsDoNotAllocate(t *testing.T) {
	instance := instantiate(t, guest(t, "types"), nil)
	sum, arguments := instance.Exports["sum"], []interface{}{5, 37}
	var failed error
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := sum(arguments...); err != nil {
			failed = err
		}
	}); n != 0 || failed != nil {
		t.Errorf("%v allocations per call (%v), expected none", n, failed)
	}
}
