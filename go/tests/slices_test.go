package tests

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestCollectWhileGuestsOccupyAllProcessors collects garbage again and again while four times as
// many guests spin as there are processors: each collection ends, and each guest still ends with
// its context.
func TestCollectWhileGuestsOccupyAllProcessors(t *testing.T) {
	module := compiled(t, "stress")
	ctx, cancel := context.WithCancel(t.Context())
	var guests sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		instance, err := module.InstantiateWithImports(imports(t, increment))
		if err != nil {
			t.Fatal(err)
		}
		defer instance.Close()
		spin, err := instance.Function("spin_at_depth")
		if err != nil {
			t.Fatal(err)
		}
		guests.Go(func() {
			if _, err := spin.Call(ctx, 0, -1); ctx.Err() == nil {
				t.Errorf("spin ended by itself: %v", err)
			}
		})
	}
	var slowest time.Duration
	for range 10 {
		start := time.Now()
		runtime.GC()
		slowest = max(slowest, time.Since(start))
	}
	t.Logf("the slowest of 10 collections took %v", slowest)
	cancel()
	guests.Wait()
}
