package wasmer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// hostCases are functions of all shapes: each adds its arguments, weighted by their positions.
func hostCases() []struct {
	function interface{}
	direct   bool
} {
	return []struct {
		function interface{}
		direct   bool
	}{
		{func() {}, true},
		{func() int32 { return 0 }, true},
		{func(a int32) int32 { return a }, true},
		{func(a, b int32) int32 { return a + 2*b }, true},
		{func(a, b, c int64) int64 { return a + 2*b + 3*c }, true},
		{func(a, b, c, d float64) float64 { return a + 2*b + 3*c + 4*d }, true},
		{func(a, b float32) float32 { return a + 2*b }, true},
		{func(a, b uint32) uint32 { return a + 2*b }, true},
		{func(a, b uint64) (uint64, error) { return a + 2*b, nil }, true},
		{func(_ context.Context, a, b int32) int32 { return a + 2*b }, true},
		{func(_ *InstanceContext, a, b int64) (int64, error) { return a + 2*b, nil }, true},
		{func(_ unsafe.Pointer, a, b float64) float64 { return a + 2*b }, true},
		{func(a int32, b int64) int64 { return int64(a) + 2*b }, false},
		{func(a, b, c, d, e int32) int32 { return a + 2*b + 3*c + 4*d + 5*e }, false},
		{func(_ context.Context, a int32, b float32, c float64) (float64, error) {
			return float64(a) + 2*float64(b) + 3*c, nil
		}, false},
		{func(_ *InstanceContext, a uint32, b float64) float64 { return float64(a) + 2*b }, false},
		{func(_ unsafe.Pointer, a myInt, b uint64) myInt { return a + 2*myInt(b) }, false},
	}
}

type myInt int64

func TestHostFunctionsOfAllShapes(t *testing.T) {
	for _, c := range hostCases() {
		typ := reflect.TypeOf(c.function)
		t.Run(typ.String(), func(t *testing.T) {
			if got := directCall(c.function) != nil; got != c.direct {
				t.Errorf("called directly: %v, expected %v", got, c.direct)
			}
			host, err := newHostFunction("f", c.function, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0
			slots := make([]uint64, max(len(host.Params), len(host.Results), 1))
			for i, param := range host.Params {
				slots[i] = encodeNumber(param, i+7)
				sum += (i + 1) * (i + 7)
			}
			if err := host.Call(new(core.Call), slots); err != nil {
				t.Fatal(err)
			}
			if len(host.Results) == 1 && slots[0] != encodeNumber(host.Results[0], sum) {
				t.Errorf("result slot is %#x, expected %#x", slots[0], encodeNumber(host.Results[0], sum))
			}
		})
	}
}

func encodeNumber(t engine.ValType, v int) uint64 {
	switch t {
	case engine.F32:
		return uint64(math.Float32bits(float32(v)))
	case engine.F64:
		return math.Float64bits(float64(v))
	case engine.I32:
		return uint64(uint32(v))
	default:
		return uint64(v)
	}
}

// Every direct shape gets what reflection finds, for all types of numbers.
func TestDirectShapesMatchReflection(t *testing.T) {
	testShapes[int32](t)
	testShapes[uint32](t)
	testShapes[int64](t)
	testShapes[uint64](t)
	testShapes[float32](t)
	testShapes[float64](t)
}

func testShapes[T interface {
	int32 | uint32 | int64 | uint64 | float32 | float64
}](t *testing.T) {
	boom := errors.New("boom")
	numberT, errT := reflect.TypeFor[T](), reflect.TypeFor[error]()
	for _, first := range []reflect.Type{nil, contextType, instanceType, reflect.TypeFor[unsafe.Pointer]()} {
		for count := range 5 {
			for _, out := range [][]reflect.Type{nil, {numberT}, {errT}, {numberT, errT}} {
				var in []reflect.Type
				if first != nil {
					in = append(in, first)
				}
				for range count {
					in = append(in, numberT)
				}
				fail := false
				function := reflect.MakeFunc(reflect.FuncOf(in, out, false), func(arguments []reflect.Value) []reflect.Value {
					sum := 0.0
					for i, a := range arguments {
						if first != nil && i == 0 {
							continue
						}
						sum = 10*sum + a.Convert(reflect.TypeFor[float64]()).Float()
					}
					var results []reflect.Value
					for _, o := range out {
						if o == errT {
							err := reflect.Zero(errT)
							if fail {
								err = reflect.ValueOf(&boom).Elem()
							}
							results = append(results, err)
						} else {
							results = append(results, reflect.ValueOf(sum).Convert(numberT))
						}
					}
					return results
				})
				name := fmt.Sprint(function.Type())
				call := directCall(function.Interface())
				if call == nil {
					t.Errorf("%s is not called directly", name)
					continue
				}
				signature := hostSignature{function: function.Type()}
				if why := signature.derive(); why != "" {
					t.Errorf("%s: %s", name, why)
				}
				for _, fail = range []bool{false, true} {
					given := make([]uint64, 5)
					for i := range count {
						set(given[i:], T(i+1))
					}
					direct, reflected := append([]uint64(nil), given...), append([]uint64(nil), given...)
					err1 := call(new(InstanceContext), direct)
					err2 := signature.reflectCall(function)(new(InstanceContext), reflected)
					if err1 != err2 || !reflect.DeepEqual(direct, reflected) {
						t.Errorf("%s: directly %v and %v, by reflection %v and %v", name, direct, err1, reflected, err2)
					}
				}
			}
		}
	}
}

// NaNs keep their bits, also signalling ones, both ways of calling.
func TestHostFunctionsKeepNaNs(t *testing.T) {
	const f32, f64 = 0x7fa12345, 0x7ff4123456789abc
	for _, c := range []struct {
		function interface{}
		bits     uint64
	}{
		{func(x float32) float32 { return x }, f32},
		{func(x float64) float64 { return x }, f64},
		{func(x float32, _ int32) float32 { return x }, f32},
		{func(x float64, _ int32) float64 { return x }, f64},
	} {
		host, err := newHostFunction("f", c.function, nil)
		if err != nil {
			t.Fatal(err)
		}
		slots := []uint64{c.bits, 0}
		if err := host.Call(new(core.Call), slots); err != nil || slots[0] != c.bits {
			t.Errorf("%T: got %#x (%v), expected %#x", c.function, slots[0], err, c.bits)
		}
	}
}

func TestDirectCallsDoNotAllocate(t *testing.T) {
	host, err := newHostFunction("f", func(_ *InstanceContext, a, b int32) (int32, error) { return a + b, nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	call, slots := new(core.Call), []uint64{1, 2}
	if n := testing.AllocsPerRun(100, func() { _ = host.Call(call, slots) }); n != 0 {
		t.Errorf("%v allocations per call, expected none", n)
	}
}
