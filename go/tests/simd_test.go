package tests

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// vectorSum is what the guest simd.wat computes in n rounds, in plain Go.
func vectorSum(n int64) int64 {
	low, high := n, 3*n // the counter of each lane
	for _, lane := range []*int64{&low, &high} {
		xored := int64(0)
		for i := range n {
			*lane += i * (1 + 2 + 4 + 8 + 16 + 32 + 64 - 1 - 2 - 4 - 8)
			xored ^= i
		}
		*lane += xored
	}
	return low + 3*high + 5*n + 7*n
}

// TestVectorsSurvivePauses runs guests that hold fourteen vectors in registers, with and without
// host calls between, while the garbage collector pauses them again and again, and the host
// functions use vector registers themselves. All 128 bits of each must be as before.
func TestVectorsSurvivePauses(t *testing.T) {
	const workers = 6
	rounds := int64(pick(3_000_000, 300_000))
	end := time.Now().Add(stressTime(pick(3*time.Second, time.Second)))
	module := compiled(t, "simd")
	host := func(_ context.Context, n int32) (int32, error) {
		var scratch [64]float64
		for i := range scratch {
			scratch[i] = float64(n) + float64(i)
		}
		runtime.KeepAlive(&scratch)
		if n%(16<<12) == 0 {
			runtime.Gosched()
		}
		return n + 1, nil
	}
	set := imports(t, host)
	var calls, collections, running atomic.Int64
	running.Store(workers)
	var all sync.WaitGroup
	all.Go(func() {
		for running.Load() > 0 {
			runtime.GC()
			collections.Add(1)
		}
	})
	for worker := range workers {
		all.Go(func() {
			defer running.Add(-1)
			instance := start(t, module, set)
			defer instance.Close()
			sum := function(t, &instance, "sum")
			for i := 0; i == 0 || time.Now().Before(end); i++ {
				n := rounds + int64(worker*1000+i)
				values, err := sum.Call(t.Context(), int32(n), int32((worker+i)%2))
				if err != nil {
					t.Errorf("%d rounds: %v", n, err)
					return
				}
				if got := values[0].ToI64(); got != vectorSum(n) {
					t.Errorf("%d rounds: %#x, expected %#x", n, got, vectorSum(n))
				}
				calls.Add(1)
			}
		})
	}
	within(t, "guests with vectors", all.Wait)
	if collections.Load() == 0 {
		t.Error("the garbage collector never ran")
	}
	t.Logf("%d calls, %d collections", calls.Load(), collections.Load())
}
