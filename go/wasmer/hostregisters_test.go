//go:build gc && (amd64 || arm64)

package wasmer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
)

func TestRegistersWork(t *testing.T) {
	if !registersWork() {
		t.Error("Go functions cannot be called by registers with this version of Go")
	}
}

// numberTypes are Go types of all kinds of numbers.
var numberTypes = []reflect.Type{
	reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[int](),
	reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[uint](),
	reflect.TypeFor[bool](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[myInt](),
}

// Functions of random types get by registers what they get by reflection, and so do their callers.
func TestRegistersMatchReflection(t *testing.T) {
	boom := errors.New("boom")
	random := rand.New(rand.NewPCG(1, 2))
	pick := func() reflect.Type { return numberTypes[random.IntN(len(numberTypes))] }
	firsts := []reflect.Type{nil, contextType, instanceType, reflect.TypeFor[unsafe.Pointer]()}
	for round := range 3000 {
		var in, out []reflect.Type
		if first := firsts[round%4]; first != nil {
			in = append(in, first)
		}
		count := random.IntN(maxRegisters + 1)
		for range count {
			in = append(in, pick())
		}
		if random.IntN(4) > 0 {
			out = append(out, pick())
		}
		fallible, fail := random.IntN(2) == 0, random.IntN(4) == 0
		if fallible {
			out = append(out, errorType)
		}
		var got []string
		result := random.Uint64()
		function := reflect.MakeFunc(reflect.FuncOf(in, out, false), func(arguments []reflect.Value) (results []reflect.Value) {
			for _, a := range arguments {
				got = append(got, fmt.Sprint(a.Interface()))
			}
			for _, o := range out {
				value := reflect.New(o).Elem()
				switch {
				case o == errorType && fail:
					value.Set(reflect.ValueOf(boom))
				case o == errorType:
				case o.Kind() == reflect.Bool:
					value.SetBool(result&1 != 0)
				default:
					value = reflect.NewAt(o, unsafe.Pointer(&result)).Elem()
				}
				results = append(results, value)
			}
			return results
		})
		s := hostSignature{function: function.Type()}
		if why := s.derive(); why != "" {
			t.Fatalf("%s: %s", function.Type(), why)
		}
		given := make([]uint64, max(count, 1))
		for i, param := range s.in {
			given[i] = random.Uint64() & (math.MaxUint64 >> (64 - 8*param.Size()))
			if param.Kind() == reflect.Bool {
				given[i] &= 1
			}
		}
		call := s.registerCall(function.Interface())
		if call == nil {
			t.Fatalf("%s is not called by registers", function.Type())
		}
		runs := [2][]uint64{append([]uint64(nil), given...), append([]uint64(nil), given...)}
		var seen [2]string
		var errs [2]error
		for i, call := range []hostCall{call, s.reflectCall(function)} {
			got = nil
			errs[i] = call(new(InstanceContext), runs[i])
			seen[i] = fmt.Sprint(got)
		}
		if firsts[round%4] == instanceType { // pointers differ
			seen = [2]string{}
		}
		if seen[0] != seen[1] || errs[0] != errs[1] || !reflect.DeepEqual(runs[0], runs[1]) {
			t.Errorf("%s: by registers %v, %v, %#x, by reflection %v, %v, %#x", function.Type(),
				seen[0], errs[0], runs[0], seen[1], errs[1], runs[1])
		}
	}
}

// deep needs a large stack, and collects garbage on it.
func deep(n int, p *int) int {
	var place [256]int
	place[n%256] = *p
	if n == 0 {
		runtime.GC()
		return place[0]
	}
	return deep(n-1, p) + place[n%256] - *p
}

// Compiled functions of all sorts, whose stacks grow and move during the call while garbage is
// collected, and who keep what they are called with.
func TestRegistersWhileStacksMove(t *testing.T) {
	one := 1
	boom := errors.New("boom")
	type C = context.Context
	ctx := context.WithValue(context.Background(), &one, "value")
	mean := func(v ...float64) (sum float64) {
		for _, v := range v {
			sum = 10*sum + v
		}
		return sum + float64(deep(200, &one)) - 1
	}
	for _, c := range []struct {
		function interface{}
		expected float64
	}{
		{func(a, b, c, d, e int32) int32 {
			return int32(mean(float64(a), float64(b), float64(c), float64(d), float64(e)))
		}, 12345},
		{func(a, b, c, d, e, f, g, h float64) float64 { return mean(a, b, c, d, e, f, g, h) }, 12345678},
		{func(a, b, c, d, e, f, g, h float32) float64 {
			return mean(float64(a), float64(b), float64(c), float64(d), float64(e), float64(f), float64(g), float64(h))
		}, 12345678},
		{func(a, b, c, d, e, f, g, h int64) (float64, error) {
			return mean(float64(a), float64(b), float64(c), float64(d), float64(e), float64(f), float64(g), float64(h)), nil
		}, 12345678},
		{func(ctx C, a, b, c, d, e, f, g, h uint8) (int64, error) {
			sum := mean(float64(a), float64(b), float64(c), float64(d), float64(e), float64(f), float64(g), float64(h))
			if ctx.Value(&one) != "value" {
				return 0, boom
			}
			return int64(sum), nil
		}, 12345678},
		{func(ctx C, a int8, b float32, c int64, d float64) (float32, error) {
			sum := mean(float64(a), float64(b), float64(c), d)
			if ctx.Value(&one) != "value" {
				return 0, boom
			}
			return float32(sum), nil
		}, 1234},
		{func(c *InstanceContext, a int16, b uint, d float32) uint16 {
			sum := mean(float64(a), float64(b), float64(d))
			if c.Context().Value(&one) != "value" {
				return 0
			}
			return uint16(sum)
		}, 123},
		{func(_ unsafe.Pointer, a bool, b myInt, c float64, d, e, f, g, h int) myInt {
			v := 0.0
			if a {
				v = 1
			}
			return myInt(mean(v, float64(b), c, float64(d), float64(e), float64(f), float64(g), float64(h)))
		}, 12345678},
	} {
		host, err := newHostFunction("f", c.function, nil)
		if err != nil {
			t.Fatal(err)
		}
		slots := make([]uint64, max(len(host.Params), 1))
		for i, param := range host.Params {
			slots[i] = encodeNumber(param, i+1)
		}
		done := make(chan struct{})
		go func() { // a small stack, that grows
			defer close(done)
			if err := host.Call(callWith(ctx), slots); err != nil {
				t.Errorf("%T: %v", c.function, err)
			}
		}()
		<-done
		if expected := encodeNumber(host.Results[0], int(c.expected)); slots[0] != expected {
			t.Errorf("%T: %#x, expected %#x", c.function, slots[0], expected)
		}
	}
}

// callWith makes a call that has a context.
func callWith(ctx context.Context) *core.Call {
	call := &struct {
		instance *core.Instance
		ctx      context.Context
	}{nil, ctx}
	return (*core.Call)(unsafe.Pointer(call))
}

// An error is the caller's, and the result is not touched then.
func TestRegistersReturnErrors(t *testing.T) {
	boom := errors.New("boom")
	for _, function := range []interface{}{
		func(int32, float64) error { return boom },
		func(int32, float64) (int32, error) { return 7, boom },
		func(int32, float64) (float32, error) { return 7, boom },
		func(context.Context, int32, float64) error { return boom },
		func(context.Context, int32, float64) (uint8, error) { return 7, boom },
		func(*InstanceContext, int32, float64) (float64, error) { return 7, boom },
	} {
		host, err := newHostFunction("f", function, nil)
		if err != nil {
			t.Fatal(err)
		}
		slots := []uint64{1, 2}
		if err := host.Call(new(core.Call), slots); err != boom || slots[0] != 1 {
			t.Errorf("%T: %v, %v", function, err, slots)
		}
	}
}

// No call of numbers allocates, whatever their types.
func TestNumbersDoNotAllocate(t *testing.T) {
	for _, function := range []interface{}{
		func(_, _, _, _, _ int32) int32 { return 1 },
		func(_, _, _, _, _, _, _, _ int64) int64 { return 1 },
		func(int32, float64, int8, float32, uint64) float64 { return 1 },
		func(context.Context, int32, float64) (int32, error) { return 1, nil },
		func(*InstanceContext, bool, int) bool { return true },
	} {
		host, err := newHostFunction("f", function, nil)
		if err != nil {
			t.Fatal(err)
		}
		call, slots := new(core.Call), make([]uint64, 8)
		if n := testing.AllocsPerRun(100, func() { _ = host.Call(call, slots) }); n != 0 {
			t.Errorf("%T: %v allocations, expected none", function, n)
		}
	}
}

func BenchmarkHostCallShapes(b *testing.B) {
	for _, function := range []interface{}{
		func(a, b int32) int32 { return a + b },
		func(a, b, c, d int32) int32 { return a + d },
		func(a, b, c, d, e int32) int32 { return a + e },
		func(a, b, c, d, e, f, g, h int32) int32 { return a + h },
		func(a, b, c, d, e, f, g, h float64) float64 { return a + h },
		func(a int32, b float64) float64 { return b },
		func(a int32, b int64, c float32, d float64, e int32, f int64) float64 { return d },
		func(_ context.Context, a int32, b int64) (int32, error) { return a, nil },
		func(_ *InstanceContext, a int32, b float64) (int32, error) { return a, nil },
		func(a, b int8) int8 { return a },
		func(a, b int) int { return a },
	} {
		b.Run(fmt.Sprintf("%T", function), func(b *testing.B) {
			host, err := newHostFunction("f", function, nil)
			if err != nil {
				b.Fatal(err)
			}
			call, slots := new(core.Call), make([]uint64, 8)
			b.ReportAllocs()
			for b.Loop() {
				_ = host.Call(call, slots)
			}
		})
	}
}
