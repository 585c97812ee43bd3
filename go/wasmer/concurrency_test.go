package wasmer_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// One instance, one typed function, many goroutines: each has its own arguments, result and
// context, whether its call is on the fiber of the instance, on one of the pool, or nested in a
// host function.
func TestTypedCallHammer(t *testing.T) {
	var in wasmer.Instance
	var nested func(context.Context, int32) (int32, error)
	imports := hostCalls(t, func() {})
	imports = replaced(t, imports, "reenter", func(c *wasmer.InstanceContext, n int32) (int32, error) {
		id := c.Context().Value(key{}).(int)
		if c.Memory().Length() == 0 {
			return 0, errors.New("no memory")
		}
		value, err := nested(c.Context(), n)
		if c.Context().Value(key{}).(int) != id {
			t.Error("the context has changed during a call")
		}
		return value, err
	})
	imports = replaced(t, imports, "next", wasmer.Host1(func(ctx context.Context, n int32) (int32, error) {
		return n + int32(ctx.Value(key{}).(int)), nil
	}))
	in = instantiate(t, guest(t, "host_calls"), imports)
	nested = must(wasmer.Func1[int32, int32](&in, "descend"))(t)
	next := must(wasmer.Func1[int32, int32](&in, "call_next"))(t)
	sums := instantiate(t, guest(t, "types"), nil)
	sum := must(wasmer.Func2[int32, int32, int32](&sums, "sum"))(t)
	slots := must(sums.Function("sum"))(t)
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	var group sync.WaitGroup
	for id := range 8 {
		group.Go(func() {
			ctx := context.WithValue(context.Background(), key{}, id)
			values := make([]uint64, 2)
			for i := range int32(rounds) {
				if v, err := sum(ctx, i, int32(id)); v != i+int32(id) || err != nil {
					t.Errorf("sum = %d (%v), expected %d", v, err, i+int32(id))
				}
				values[0], values[1] = uint64(i), uint64(id)
				if err := slots.CallSlots(ctx, values); values[0] != uint64(i)+uint64(id) || err != nil {
					t.Errorf("sum = %d (%v), expected %d", values[0], err, int(i)+id)
				}
				if v, err := next(ctx, i); v != i*int32(id) || err != nil {
					t.Errorf("call_next = %d (%v), expected %d", v, err, i*int32(id))
				}
				if v, err := nested(ctx, 5); v != 5 || err != nil {
					t.Errorf("descend = %d (%v), expected 5", v, err)
				}
			}
		})
	}
	group.Wait()
}

// The context of the call arrives in all kinds of host functions, also in nested calls and in those
// of Exports.
func TestContextArrives(t *testing.T) {
	var got []interface{}
	for _, nop := range []interface{}{
		func(ctx context.Context) { got = append(got, ctx.Value(key{})) },
		func(c *wasmer.InstanceContext) { got = append(got, c.Context().Value(key{})) },
		wasmer.HostProc0(func(ctx context.Context) error { got = append(got, ctx.Value(key{})); return nil }),
		wasmer.HostFunc(nil, nil, func(c *wasmer.InstanceContext, _ []uint64) error {
			got = append(got, c.Context().Value(key{}))
			return nil
		}),
	} {
		got = nil
		in := instantiate(t, guest(t, "host_calls"), hostCalls(t, nop))
		f := must(wasmer.Proc1[int32](&in, "call_nop"))(t)
		for i := range 3 {
			if err := f(context.WithValue(context.Background(), key{}, i), 1); err != nil {
				t.Error(err)
			}
		}
		call(t, in, "call_nop", 1)
		if len(got) != 4 || got[0] != 0 || got[1] != 1 || got[2] != 2 || got[3] != nil {
			t.Errorf("%T: got %v", nop, got)
		}
	}
	if ctx := wasmer.IntoInstanceContext(nil); ctx.Context() != context.Background() {
		t.Error("the context of no instance is not that of the background")
	}
}

// A panic and Goexit leave the fiber of the instance usable and the instance closable, whether they
// are in a first call, in one on the fiber of the instance, or in a nested one.
func TestPanicsReleaseEverything(t *testing.T) {
	before := baseline()
	var in wasmer.Instance
	var f func(context.Context, int32) error
	act := func(string) {}
	depth := 0
	imports := hostCalls(t, func() {
		if depth--; depth > 0 {
			_ = f(context.Background(), 1)
			return
		}
		act("now")
	})
	in = must(wasmer.NewInstanceWithImports(guest(t, "host_calls"), imports))(t)
	f = must(wasmer.Proc1[int32](&in, "call_nop"))(t)
	for i := range 60 {
		ended := make(chan interface{})
		go func() {
			returned := false
			defer func() {
				recovered := recover()
				if returned {
					recovered = "returned"
				}
				ended <- recovered
			}()
			act = [...]func(string){func(text string) { panic(text) }, func(string) { runtime.Goexit() }, func(string) {}}[i%3]
			depth = 1 + i%5
			_ = f(context.Background(), 1)
			returned = true
		}()
		if got := <-ended; got != [...]interface{}{"now", nil, "returned"}[i%3] {
			t.Errorf("round %d: %v", i, got)
		}
	}
	in.Close()
	if after := engine.ReadStats(); after.Instances != before.Instances || after.Fibers > before.Fibers+10 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// Close at any moment of short calls: each ends as usual or is refused, and the instance is freed
// by the last of Close and the calls.
func TestCloseDuringShortCalls(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "types")))(t)
	defer module.Close()
	before := baseline()
	rounds := 5000
	if testing.Short() {
		rounds = 1000
	}
	for round := range rounds {
		in := must(module.Instantiate())(t)
		sum := must(wasmer.Func2[int32, int32, int32](&in, "sum"))(t)
		var started atomic.Int32
		var group sync.WaitGroup
		for range 1 + round/(rounds-5) { // two goroutines at the end: they are slow on few processors
			group.Go(func() {
				for i := int32(0); ; i++ {
					v, err := sum(context.Background(), i, 1)
					if errors.Is(err, wasmer.ErrClosed) {
						return
					}
					if v != i+1 || err != nil {
						t.Errorf("sum = %d (%v), expected %d", v, err, i+1)
						return
					}
					started.Add(1)
				}
			})
		}
		for started.Load() < 10 {
			runtime.Gosched()
		}
		in.Close()
		group.Wait()
	}
	if after := engine.ReadStats(); after.Instances != before.Instances || after.Stores != before.Stores {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// A host function closes its instance: the call ends as usual, later ones are refused, and then all
// is freed.
func TestCloseInHostFunction(t *testing.T) {
	before := baseline()
	var in wasmer.Instance
	var f func(context.Context, int32) error
	closing := false
	in = must(wasmer.NewInstanceWithImports(guest(t, "host_calls"), hostCalls(t, func() {
		if closing {
			in.Close()
			if err := f(context.Background(), 1); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("a nested call: %v", err)
			}
		}
	})))(t)
	f = must(wasmer.Proc1[int32](&in, "call_nop"))(t)
	for i := range 4 {
		closing = i == 3
		if err := f(context.Background(), 2); err != nil {
			t.Error(err)
		}
	}
	if err := f(context.Background(), 1); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
	if after := engine.ReadStats(); after.Instances != before.Instances {
		t.Errorf("%d instances before, %d after", before.Instances, after.Instances)
	}
}
