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

// echoes is a module with the identity of i32 and i64, by itself and through imports.
const echoes = `(module
  (import "env" "host32" (func $host32 (param i32) (result i32)))
  (import "env" "host64" (func $host64 (param i64) (result i64)))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "narrow") (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
  (func (export "host32") (param i64) (result i64) (i64.extend_i32_s (call $host32 (i32.wrap_i64 (local.get 0)))))
  (func (export "host64") (param i64) (result i64) (call $host64 (local.get 0))))`

type celsius float32
type level int8
type flag bool

// checkEcho calls the identity of a type with a value, and checks what comes back.
func checkEcho[T wasmer.Number](t *testing.T, in *wasmer.Instance, name string, value, expected T) {
	t.Helper()
	echo := must(wasmer.Func1[T, T](in, name))(t)
	for range 3 {
		if got, err := echo(context.Background(), value); err != nil || got != expected {
			t.Errorf("%s of the %T %v is %v (%v), expected %v", name, value, value, got, err, expected)
		}
	}
}

func TestTypedFunctionsOfAllNumbers(t *testing.T) {
	in := instanceOf(t, wat(t, echoes), nil, wasmer.WithZeroImports())
	checkEcho(t, &in, "i32", int8(-128), -128)
	checkEcho(t, &in, "i32", int16(-300), -300)
	checkEcho(t, &in, "i32", uint8(255), 255)
	checkEcho(t, &in, "i32", uint16(65535), 65535)
	checkEcho(t, &in, "i32", true, true)
	checkEcho(t, &in, "i32", false, false)
	checkEcho(t, &in, "i32", flag(true), true)
	checkEcho(t, &in, "i32", level(-7), -7)
	checkEcho(t, &in, "i32", int(-7), -7)
	checkEcho(t, &in, "i32", int(math.MaxUint32), -1)
	checkEcho(t, &in, "i32", uint(math.MaxUint32), math.MaxUint32)
	checkEcho(t, &in, "i64", int(math.MinInt64), math.MinInt64)
	checkEcho(t, &in, "i64", uint(math.MaxUint64), math.MaxUint64)
	checkEcho(t, &in, "i64", time.Hour, time.Hour)
	checkEcho(t, &in, "f32", celsius(36.6), 36.6)
}

// What does not fit is an error, never cut.
func TestTypedFunctionsCutNothing(t *testing.T) {
	in := instanceOf(t, wat(t, echoes), nil, wasmer.WithZeroImports())
	ctx := context.Background()
	narrow8 := must(wasmer.Func1[int64, int8](&in, "narrow"))(t)
	narrow16 := must(wasmer.Func1[int64, int16](&in, "narrow"))(t)
	narrowU8 := must(wasmer.Func1[int64, uint8](&in, "narrow"))(t)
	narrowU16 := must(wasmer.Func1[int64, uint16](&in, "narrow"))(t)
	narrowBool := must(wasmer.Func1[int64, bool](&in, "narrow"))(t)
	wide, wideU := must(wasmer.Func1[int, int](&in, "i32"))(t), must(wasmer.Func1[uint, uint](&in, "i32"))(t)
	for text, err := range map[string]error{
		"the result is the i32 128, expected -128 to 127 for an int8":                       second(narrow8(ctx, 128)),
		"the result is the i32 -129, expected -128 to 127 for an int8":                      second(narrow8(ctx, -129)),
		"the result is the i32 -32769, expected -32768 to 32767 for an int16":               second(narrow16(ctx, -32769)),
		"the result is the i32 4294967295, expected 0 to 255 for a uint8":                   second(narrowU8(ctx, -1)),
		"the result is the i32 65536, expected 0 to 65535 for a uint16":                     second(narrowU16(ctx, 65536)),
		"the result is the i32 2, expected 0 or 1 for a bool":                               second(narrowBool(ctx, 2)),
		"argument #1 is the int 4294967296, expected -2147483648 to 4294967295 for an i32":  second(wide(ctx, math.MaxUint32+1)),
		"argument #1 is the int -2147483649, expected -2147483648 to 4294967295 for an i32": second(wide(ctx, math.MinInt32-1)),
		"argument #1 is the uint 18446744073709551615, expected 0 to 4294967295 for an i32": second(wideU(ctx, math.MaxUint64)),
		"Func1 is for the type (i64) -> (i64), but the function is of type (f32) -> (f32)":  second(wasmer.Func1[int, int](&in, "f32")),
		"Func1 is for the type (i32) -> (i64), but the function is of type (i32) -> (i32)":  second(wasmer.Func1[bool, int64](&in, "i32")),
		"Proc1 is for the type (i64) -> (), but the function is of type (i64) -> (i64)":     second(wasmer.Proc1[int](&in, "i64")),
	} {
		checkContains(t, err, text)
	}
	var failure *wasmer.ExportedFunctionError
	if _, err := narrow8(ctx, 128); !errors.As(err, &failure) {
		t.Errorf("%T, expected an ExportedFunctionError", err)
	}
	if got := must(narrow8(ctx, 127))(t); got != 127 {
		t.Error(got)
	}
}

// Host functions of all numbers, typed and plain, after types that are defined as such; int and
// uint stand for what the import has.
func TestHostFunctionsOfAllNumbers(t *testing.T) {
	module := wat(t, echoes)
	type C = context.Context
	for _, c := range []struct {
		host32, host64 interface{}
		name           string
		argument       int64
		expected       int64
		text           string
	}{
		{wasmer.Host1(func(_ C, x int8) (int8, error) { return x - 1, nil }), nil, "host32", -127, -128, ""},
		{wasmer.Host1(func(_ C, x int8) (int8, error) { return x, nil }), nil, "host32", 128, 0,
			"argument #1 of the host function is the i32 128, expected -128 to 127 for an int8"},
		{func(x int8) int8 { return x - 1 }, nil, "host32", -127, -128, ""},
		{func(x level) level { return x - 1 }, nil, "host32", -127, -128, ""},
		{func(x int8) int8 { return x }, nil, "host32", -129, 0,
			"argument #1 of the host function is the i32 -129, expected -128 to 127 for an int8"},
		{func(x uint16) uint16 { return x + 1 }, nil, "host32", 65534, 65535, ""},
		{func(x uint8) (int16, error) { return -int16(x), nil }, nil, "host32", 255, -255, ""},
		{func(x flag) flag { return !x }, nil, "host32", 1, 0, ""},
		{func(x bool) bool { return !x }, nil, "host32", 0, 1, ""},
		{func(x bool) bool { return !x }, nil, "host32", 2, 0, "argument #1 of the host function is the i32 2, expected 0 or 1 for a bool"},
		{func(x int) int { return x - 1 }, func(x int) int { return x - 2 }, "host32", -5, -6, ""},
		{func(x int) int { return x - 1 }, func(x int) int { return x - 2 }, "host64", math.MinInt64 + 2, math.MinInt64, ""},
		{func(x int) int { return x << 33 }, nil, "host32", 1, 0,
			"result #1 of the host function is the int 8589934592, expected -2147483648 to 4294967295 for an i32"},
		{func(_ C, x uint) uint { return x }, nil, "host32", -1, -1, ""},
		{wasmer.Host1(func(_ C, x int) (int, error) { return x - 1, nil }), nil, "host32", -5, -6, ""},
		{nil, wasmer.Host1(func(_ C, x uint) (time.Duration, error) { return time.Duration(x + 1), nil }), "host64", 5, 6, ""},
		{nil, func(_ *wasmer.InstanceContext, x time.Duration) time.Duration { return 2 * x }, "host64", 5, 10, ""},
	} {
		imports := wasmer.NewImports()
		if c.host32 != nil {
			must(imports.Append("host32", c.host32))(t)
		}
		if c.host64 != nil {
			must(imports.Append("host64", c.host64))(t)
		}
		in := instanceOf(t, module, imports, wasmer.WithTrappingImports())
		got, err := must(wasmer.Func1[int64, int64](&in, c.name))(t)(context.Background(), c.argument)
		switch {
		case c.text != "":
			checkContains(t, err, c.text)
		case err != nil || got != c.expected:
			t.Errorf("%T, %T: %s(%d) = %d (%v), expected %d", c.host32, c.host64, c.name, c.argument, got, err, c.expected)
		}
	}
}

// Function.Call takes integers of all types that are in range, and tells what a refused one is.
func TestCallTakesAllIntegers(t *testing.T) {
	in := instantiate(t, guest(t, "types"), nil)
	type counter uint64
	for _, c := range []struct {
		name               string
		argument, expected interface{}
	}{
		{"i32_i32", uint64(math.MaxUint32), wasmer.I32(-1)},
		{"i32_i32", int64(math.MinInt32), wasmer.I32(math.MinInt32)},
		{"i32_i32", uintptr(7), wasmer.I32(7)},
		{"i32_i32", named(-7), wasmer.I32(-7)},
		{"i32_i32", counter(7), wasmer.I32(7)},
		{"i32_i32", true, wasmer.I32(1)},
		{"i32_i32", flag(false), wasmer.I32(0)},
		{"i64_i64", counter(math.MaxUint64), wasmer.I64(-1)},
		{"i64_i64", time.Duration(-7), wasmer.I64(-7)},
		{"i64_i64", named(-7), wasmer.I64(-7)},
		{"f32_f32", celsius(1.5), wasmer.F32(1.5)},
		{"f32_f32", celsius(math.Float32frombits(0x7fa00001)), wasmer.F32(math.Float32frombits(0x7fa00001))},
		{"f64_f64", celsius(1.5), wasmer.F64(1.5)},
		{"i32_i32", uint64(math.MaxUint32 + 1), "argument #1 is the uint64 4294967296, expected an integer from -2147483648 to 4294967295, a bool or a Value of type i32"},
		{"i32_i32", int64(math.MinInt32 - 1), "argument #1 is the int64 -2147483649, expected an integer from -2147483648 to 4294967295"},
		{"i32_i32", math.MaxUint32 + 1, "argument #1 is the int 4294967296, expected an integer from"},
		{"i32_i32", time.Hour, "argument #1 is the time.Duration 3600000000000, expected an integer from"},
		{"i32_i32", 1.5, "argument #1 is the float64 1.5, expected an integer from"},
		{"i32_i32", "7", `argument #1 is the string "7", expected an integer from`},
		{"i32_i32", wasmer.I64(7), "argument #1 is a Value of type i64 (7), expected an integer from"},
		{"i32_i32", nil, "argument #1 is nil, expected an integer from"},
		{"i32_i32", []byte("7"), "argument #1 is of type []uint8, expected an integer from"},
		{"i64_i64", 1.5, "argument #1 is the float64 1.5, expected an integer or a Value of type i64"},
		{"i64_i64", true, "argument #1 is the bool true, expected an integer or a Value of type i64"},
		{"f32_f32", 1.5, "argument #1 is the float64 1.5, expected a float32 or a Value of type f32"},
		{"f64_f64", 1, "argument #1 is the int 1, expected a float64, a float32 or a Value of type f64"},
	} {
		results, err := must(in.Function(c.name))(t).Call(context.Background(), c.argument)
		if text, ok := c.expected.(string); ok {
			checkContains(t, err, text)
		} else if err != nil || fmt.Sprint(results) != fmt.Sprint([]interface{}{c.expected}) || results[0] != c.expected {
			t.Errorf("%s of the %T %v is %v (%v), expected %v", c.name, c.argument, c.argument, results, err, c.expected)
		}
	}
}
