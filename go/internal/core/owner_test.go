package core

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestOwnersHammer has goroutines call an instance in turns of different lengths, on the short way
// and on the long one, so that the gate of its own fiber has one owner after the other, while
// another takes the fiber away, until it is closed or terminated: all results are right, no call is
// served after that, and the resources are freed once.
func TestOwnersHammer(t *testing.T) {
	module := newTestModule(t, "types")
	duration := 2 * time.Second
	if testing.Short() {
		duration /= 10
	}
	for round, begun := 0, time.Now(); round < 4 || time.Since(begun) < duration; round++ {
		var freed atomic.Int32
		in, err := Instantiate(context.Background(), module, nil, InstanceOptions{AtClose: func() { freed.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
		sum := in.Function("sum")
		var over atomic.Bool
		call := func(a, b uint64) error {
			was := over.Load()
			v, err := sum.Invoke2(context.Background(), a, b)
			if err == nil && (v != a+b || was) {
				t.Errorf("%d + %d = %d, after the end %v", a, b, v, was)
			}
			return err
		}
		callSlots := func(a, b uint64) error {
			was := over.Load()
			slots := [2]uint64{a, b}
			err := sum.CallSlots(context.Background(), slots[:])
			if err == nil && (slots[0] != a+b || was) {
				t.Errorf("%d + %d = %d, after the end %v", a, b, slots[0], was)
			}
			return err
		}
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				for {
					run := rand.Uint64N(600) + 1
					for i := range run {
						do := call
						if i%3 == 0 {
							do = callSlots
						}
						if do(i, run) != nil {
							return
						}
					}
					runtime.Gosched()
				}
			})
		}
		group.Go(func() {
			for !over.Load() {
				giveBackFibers()
				for range rand.IntN(20) {
					runtime.Gosched()
				}
			}
		})
		for range rand.IntN(100) {
			runtime.Gosched()
		}
		if round%2 == 0 {
			in.Close()
			over.Store(true)
		} else {
			in.Terminate(errors.New("terminated"))
			over.Store(true)
		}
		group.Wait()
		in.Close()
		if freed.Load() != 1 {
			t.Fatalf("the resources were freed %d times", freed.Load())
		}
	}
}

// The goroutine that owns the gate has its calls refused from Close and Terminate on, also those
// that it makes itself.
func TestOwnerIsRefused(t *testing.T) {
	for _, end := range []func(*Instance){
		(*Instance).Close,
		func(in *Instance) { in.Terminate(errors.New("terminated")) },
		func(in *Instance) {
			var group sync.WaitGroup
			group.Go(in.Close)
			group.Wait()
		},
		func(in *Instance) {
			var group sync.WaitGroup
			group.Go(func() { in.Terminate(errors.New("terminated")) })
			group.Wait()
		},
	} {
		in := newTestInstance(t, "types")
		sum := in.Function("sum")
		slots := []uint64{0, 0}
		for i := range uint64(1000) {
			if v, err := sum.Invoke2(context.Background(), i, 5); v != i+5 || err != nil {
				t.Fatal(v, err)
			}
			if slots[0], slots[1] = i, 7; sum.CallSlots(context.Background(), slots) != nil || slots[0] != i+7 {
				t.Fatal(slots)
			}
		}
		end(in)
		if _, err := sum.Invoke2(context.Background(), 1, 2); err == nil {
			t.Error("a call is served")
		}
		if err := sum.CallSlots(context.Background(), slots); err == nil {
			t.Error("a call is served")
		}
	}
}

// Calls by an owner that trap, are cancelled, or have too few slots, and those after them.
func TestOwnerCallsThatFail(t *testing.T) {
	in := newTestInstance(t, "traps")
	divide, endless := in.Function("i64_div_u"), in.Function("endless_loop")
	slots := []uint64{0, 0}
	for round := range uint64(3) {
		for i := range uint64(200) {
			if v, err := divide.Invoke2(context.Background(), 7*i, 7); v != i || err != nil {
				t.Fatal(v, err)
			}
			if slots[0], slots[1] = 6*i, 6; divide.CallSlots(context.Background(), slots) != nil || slots[0] != i {
				t.Fatal(slots)
			}
		}
		var trap *Trap
		if _, err := divide.Invoke2(context.Background(), round, 0); !errors.As(err, &trap) {
			t.Errorf("division by zero: %v", err)
		}
		if err := divide.CallSlots(context.Background(), []uint64{round, 0}); !errors.As(err, &trap) {
			t.Errorf("division by zero: %v", err)
		}
		if err := divide.CallSlots(context.Background(), slots[:1]); !errors.Is(err, ErrShortSlots) {
			t.Errorf("too few slots: %v", err)
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
			var cancelled *Cancelled
			if _, err := endless.Invoke2(ctx, 0, 0); !errors.As(err, &cancelled) {
				t.Errorf("an endless loop: %v", err)
			}
			<-ctx.Done() // its timer may come after the call has noticed that the deadline is over
			if _, err := divide.Invoke2(ctx, 1, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a context that is done: %v", err)
			}
			cancel()
		}
	}
}
