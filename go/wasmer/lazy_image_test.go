//go:build !gowasmer_static

package wasmer_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The static library compiles a function to its end.

// TestLazyDeadline ends calls while they compile a function that takes long.
func TestLazyDeadline(t *testing.T) {
	module := compileLazily(t, manyFunctions(1, 30_000), wasmer.WithLazy())
	instance := instantiateLazy(t, module, nil)
	f, err := instance.Function("f0")
	if err != nil {
		t.Fatal(err)
	}
	// Two calls want the function: one compiles it, the other waits.
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := f.Call(ctx, 0)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want that of the deadline", err)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("the call took %v", took)
			}
		})
	}
	group.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := module.Complete(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the deadline", err)
	}
	// Given up once, it can be compiled still.
	if result, err := f.Call(t.Context(), 0); err != nil || result == nil {
		t.Errorf("result %v, error %v", result, err)
	}
}
