package tests

import (
	"context"
	"errors"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What the tests share: reading and instantiating guests, calling them, and how long to go on.

// hang is after how long something counts as never ending. It is generous: nothing here is a
// measurement.
const hang = 60 * time.Second

// pick returns quick for a short run or under the race detector, else full.
func pick[T any](full, quick T) T {
	if testing.Short() || raceEnabled {
		return quick
	}
	return full
}

// stressTime is how long the stress test lasts: STRESS_SECONDS, or otherwise.
func stressTime(otherwise time.Duration) time.Duration {
	if seconds, err := strconv.ParseFloat(os.Getenv("STRESS_SECONDS"), 64); err == nil && seconds > 0 {
		return time.Duration(seconds * float64(time.Second))
	}
	return otherwise
}

// soak reports whether the leak tests shall run in full.
func soak() bool { return os.Getenv("SOAK") != "" }

// guest reads one of the guests in testdata/.
func guest(t testing.TB, name string) []byte {
	t.Helper()
	bytes, err := os.ReadFile(filepath.Join("testdata", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

var modules sync.Map // name -> wasmer.Module, compiled once for the process

// compiled gives a guest's module. It stays for the rest of the process.
func compiled(t testing.TB, name string) wasmer.Module {
	t.Helper()
	if module, ok := modules.Load(name); ok {
		return module.(wasmer.Module)
	}
	module, _ := modules.LoadOrStore(name, compile(t, guest(t, name)))
	return module.(wasmer.Module)
}

func compile(t testing.TB, bytes []byte, options ...wasmer.CompileOption) wasmer.Module {
	t.Helper()
	module, err := wasmer.Compile(bytes, options...)
	if err != nil {
		t.Fatalf("%v: %v", err, errors.Unwrap(err))
	}
	return module
}

// hostFunction is what the guests' import env.host is implemented by.
type hostFunction = func(context.Context, int32) (int32, error)

// increment is the usual one.
func increment(_ context.Context, n int32) (int32, error) { return n + 1, nil }

// imports gives a set with env.host and the C functions of c_imports.wat.
func imports(t testing.TB, host hostFunction) *wasmer.Imports {
	t.Helper()
	set := wasmer.NewImports()
	if _, err := set.Append("host", host); err != nil {
		t.Fatal(err)
	}
	return set
}

// start makes an instance, which the caller closes.
func start(t testing.TB, module wasmer.Module, set *wasmer.Imports) wasmer.Instance {
	t.Helper()
	instance, err := module.InstantiateWithImports(set)
	if err != nil {
		t.Fatal(err)
	}
	return instance
}

// stressGuest makes an instance of stress.wat with a host function; the caller closes it.
func stressGuest(t testing.TB, host hostFunction) wasmer.Instance {
	t.Helper()
	return start(t, compiled(t, "stress"), imports(t, host))
}

// function gets an exported function.
func function(t testing.TB, instance *wasmer.Instance, name string) *wasmer.Function {
	t.Helper()
	f, err := instance.Function(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// call calls an exported function that has to succeed.
func call(t testing.TB, instance *wasmer.Instance, name string, arguments ...any) wasmer.Value {
	t.Helper()
	value, err := instance.Exports[name](arguments...)
	if err != nil {
		t.Errorf("%s%v: %v", name, arguments, err)
	}
	return value
}

// expectTrap checks that an error is this trap, as a *wasmer.Trap and by errors.Is.
func expectTrap(t testing.TB, what string, err error, code wasmer.TrapCode) {
	t.Helper()
	var trap *wasmer.Trap
	if !errors.As(err, &trap) {
		t.Errorf("%s: error %v, expected the trap `%v`", what, err, code)
	} else if trap.Code != code || !errors.Is(err, code) {
		t.Errorf("%s: trap `%v`, expected `%v`", what, trap.Code, code)
	}
}

// expectSane checks that an instance of stress.wat, small.wat or c_imports.wat still computes.
func expectSane(t testing.TB, instance *wasmer.Instance) {
	t.Helper()
	name := "add"
	if instance.Exports[name] == nil {
		name = "sum"
	}
	if value := call(t, instance, name, 5, 37); value.ToI32() != 42 {
		t.Errorf("%s(5, 37) = %v, expected 42", name, value)
	}
}

// within runs f and fails if that takes so long that it hangs.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	timer := time.AfterFunc(hang, func() {
		debug.SetTraceback("all")
		panic(what + " hangs")
	})
	f()
	timer.Stop()
}

// mix is what the guest's function of that name computes.
func mix(n int64) int64 {
	a, b, c, d := int64(1), int64(2), int64(3), int64(4)
	var f, g float64
	var h float32
	for ; n != 0; n-- {
		a = a*6364136223846793005 + 1442695040888963407
		b = rotate(b, 13) ^ a
		c += rotate(b, a)
		d = (d ^ c) - n
		f = float64(f*0.5) + float64(int32(a))
		g = float64(g*0.25) + f
		h = float32(h*0.5) + float32(int32(b))
	}
	return ((a ^ b) + (c + d)) ^ ((bits64(f) ^ rotate(bits64(g), 7)) + int64(bits32(h)))
}

// deepest finds the greatest depth at which a function (depth, ...) of the instance does not
// exhaust the stack.
func deepest(t testing.TB, f func(depth int32) error) int32 {
	t.Helper()
	low, high := int32(0), int32(1)
	for ; f(high) == nil; high *= 2 {
		low = high
		if high > 1<<28 {
			t.Fatal("no end of the stack")
		}
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		if err := f(middle); err == nil {
			low = middle
		} else {
			expectTrap(t, "recursion", err, wasmer.TrapStackOverflow)
			high = middle
		}
	}
	return low
}
func rotate(value, by int64) int64 { return int64(bits.RotateLeft64(uint64(value), int(by&63))) }
func bits64(f float64) int64       { return int64(math.Float64bits(f)) }
func bits32(f float32) uint32      { return math.Float32bits(f) }
