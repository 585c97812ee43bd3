package wasmer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// manyExports is a module that exports a function under many names.
func manyExports(count int) []byte {
	exports := make([][]byte, count)
	for i := range exports {
		exports[i] = join(name(fmt.Sprintf("function_%d", i)), []byte{0, 0})
	}
	return module(section(1, []byte{0x60, 0, 1, 0x7f}), section(3, []byte{0}), section(7, exports...), section(10, body(0x41, 42)))
}

func TestManyExports(t *testing.T) {
	module := must(wasmer.Compile(manyExports(5000)))(t)
	defer module.Close()
	best := time.Hour
	for range 20 {
		start := time.Now()
		instance := must(module.Instantiate())(t)
		best = min(best, time.Since(start))
		if len(instance.Exports) != 5000 {
			t.Errorf("%d exports", len(instance.Exports))
		}
		if got := call(t, instance, "function_4999"); got != wasmer.I32(42) {
			t.Errorf("function_4999 = %v", got)
		}
		f := must(instance.Function("function_77"))(t)
		if results, err := f.Call(context.Background()); err != nil || f.Name() != "function_77" || results[0] != wasmer.I32(42) {
			t.Errorf("%s = %v (%v)", f.Name(), results, err)
		}
		instance.Close()
	}
	t.Logf("an instance with 5,000 exports in %v", best)
	if best > 50*time.Millisecond { // far above what it takes: the machine may be busy
		t.Errorf("an instance with 5,000 exports took %v", best)
	}
}

// References are taken and given in all ways to call.
func TestReferencesInExports(t *testing.T) {
	bytes := module(
		section(1, []byte{0x60, 1, 0x6f, 0}, []byte{0x60, 0, 1, 0x70}),
		section(3, []byte{0}, []byte{1}),
		section(7, join(name("take"), []byte{0, 0}), join(name("give"), []byte{0, 1})),
		section(10, body(), body(0xd0, 0x70)),
	)
	instance := instantiate(t, bytes, nil)
	if got := call(t, instance, "take", 1); got.GetType() != wasmer.TypeVoid {
		t.Errorf("take = %v", got)
	}
	if got := call(t, instance, "give"); got != wasmer.FuncRef(nil) {
		t.Errorf("give = %v, expected null", got)
	}
	_, err := instance.Exports["take"](wasmer.I32(1))
	checkText(t, err, "Argument #1 of the `take` exported function must be of type `externref`, cannot cast given value to this type.")
	if f := must(instance.Function("give"))(t); f.String() != "give() -> (funcref)" {
		t.Errorf("%s", f)
	}
}

// Names may be anything, also what looks like a format or is empty.
func TestStrangeNames(t *testing.T) {
	names := []string{"", "%s", "%d`", "名前", "a\nb", "a.b"}
	exports := make([][]byte, len(names))
	for i := range names {
		exports[i] = join(name(names[i]), []byte{0, 0})
	}
	instance := instantiate(t, module(section(1, []byte{0x60, 0, 0}), section(3, []byte{0}), section(7, exports...), section(10, body(0x00))), nil)
	for _, name := range names {
		_, err := instance.Exports[name](1)
		checkText(t, err, "Given 1 extra argument(s) when calling the `"+name+"` exported function; Expect 0 argument(s), given 1.")
		_, err = instance.Exports[name]()
		checkContains(t, err, "Failed to call the `"+name+"` exported function.\nwasm trap: unreachable")
	}
}

// Many goroutines call one instance, with results, errors, traps and host calls.
func TestExportsHammer(t *testing.T) {
	types := instantiate(t, guest(t, "types"), nil)
	traps := instantiate(t, guest(t, "traps"), nil)
	hosts := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() { time.Sleep(time.Microsecond) }))
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			for j := range rounds {
				if got := call(t, types, "sum", i, j); got != wasmer.I32(int32(i+j)) {
					t.Errorf("sum(%d, %d) = %v", i, j, got)
				}
				switch j % 8 {
				case 0:
					if _, err := traps.Exports["div_by_zero"](); err == nil {
						t.Error("no trap")
					}
				case 1:
					call(t, hosts, "call_nop", 3)
				case 2:
					if got := call(t, hosts, "call_next", i); got != wasmer.I32(int32(i)) {
						t.Errorf("call_next(%d) = %v", i, got)
					}
				case 3:
					if _, err := types.Exports["sum"](i); err == nil {
						t.Error("no error")
					}
				}
			}
		})
	}
	group.Wait()
}

// One module is compiled, instantiated, serialised and closed from many goroutines.
func TestModuleHammer(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	bytes := guest(t, "types")
	for range rounds {
		module := must(wasmer.Compile(bytes))(t)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				instance, err := module.Instantiate()
				if err == nil {
					if got := call(t, instance, "sum", i, 1); got != wasmer.I32(int32(i+1)) {
						t.Errorf("sum = %v", got)
					}
					instance.Close()
				}
				if serialized, err := module.Serialize(); err == nil {
					again := must(wasmer.DeserializeModule(serialized))(t)
					again.Close()
				}
				if i == 5 {
					module.Close()
				}
			})
		}
		group.Wait()
	}
}

func BenchmarkExportsSum(b *testing.B) {
	instance := instantiate(b, guest(b, "types"), nil)
	sum := instance.Exports["sum"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sum(5, 37); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExportsSumParallel(b *testing.B) {
	instance := instantiate(b, guest(b, "types"), nil)
	sum := instance.Exports["sum"]
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := sum(5, 37); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkHostCall(b *testing.B) {
	for _, c := range []struct {
		name string
		nop  interface{}
	}{
		{"direct", func() {}},
		{"context", func(context.Context) {}},
		{"error", func() error { return nil }},
	} {
		b.Run(c.name, func(b *testing.B) {
			instance := instantiate(b, guest(b, "host_calls"), hostCalls(b, c.nop))
			b.ResetTimer()
			call(b, instance, "call_nop", b.N)
		})
	}
	b.Run("mixed", func(b *testing.B) {
		instance := instantiate(b, guest(b, "host_calls"), hostCalls(b, func() {}))
		b.ResetTimer()
		for b.Loop() {
			call(b, instance, "call_mix", 1, 2, float32(3), 4.0)
		}
	})
}

func BenchmarkInstantiate(b *testing.B) {
	module := must(wasmer.Compile(guest(b, "memory")))(b)
	defer module.Close()
	b.ReportAllocs()
	for b.Loop() {
		instance := must(module.Instantiate())(b)
		instance.Close()
	}
}
