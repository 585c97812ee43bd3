package wasmer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestPoolOfFreshInstances(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "memory")))(t)
	defer module.Close()
	before := baseline()
	pool := must(wasmer.NewPool(&module, nil, wasmer.WithMemoryCeiling(4), nil))(t)
	ctx := context.Background()
	for range 3 {
		in := must(pool.Get(ctx))(t)
		if v := must(in.Memory.ReadUint8(5))(t); v != 0 {
			t.Errorf("found %d in a fresh instance", v)
		}
		if err := in.Memory.WriteUint8(5, 1); err != nil {
			t.Error(err)
		}
		if err := in.Memory.Grow(3); err == nil {
			t.Error("the ceiling does not hold")
		}
		if err := pool.Put(in); err != nil {
			t.Error(err)
		}
		if _, err := in.Function("size"); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("the instance that was put back: %v", err)
		}
		checkContains(t, pool.Put(in), "it is not in use by this pool")
	}
	checkContains(t, pool.Put(nil), "closed")
	foreign := instantiate(t, guest(t, "memory"), nil)
	checkContains(t, pool.Put(&foreign), "it is not in use by this pool")
	if foreign.Memory.Data() == nil {
		t.Error("a foreign instance was closed")
	}
	foreign.Close()
	pool.Close()
	if after := engine.ReadStats(); after.Instances != before.Instances {
		t.Errorf("%d instances before, %d after", before.Instances, after.Instances)
	}
}

func TestPoolWithReuse(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "memory")))(t)
	defer module.Close()
	before := baseline()
	pool := must(wasmer.NewPool(&module, nil, wasmer.WithReuse(2)))(t)
	ctx := context.Background()
	first := must(pool.Get(ctx))(t)
	_ = first.Memory.WriteUint8(5, 42)
	if err := pool.Put(first); err != nil {
		t.Error(err)
	}
	again := must(pool.Get(ctx))(t)
	if v := must(again.Memory.ReadUint8(5))(t); v != 42 {
		t.Errorf("found %d in a reused instance, expected 42", v)
	}
	again.Close() // is not reused
	if err := pool.Put(again); err != nil {
		t.Error(err)
	}
	var taken []*wasmer.Instance
	for range 4 {
		in := must(pool.Get(ctx))(t)
		if v := must(in.Memory.ReadUint8(5))(t); v != 0 {
			t.Errorf("found %d in a new instance", v)
		}
		taken = append(taken, in)
	}
	for _, in := range taken[:3] {
		if err := pool.Put(in); err != nil {
			t.Error(err)
		}
	}
	if got := engine.ReadStats().Instances - before.Instances; got != 3 {
		t.Errorf("%d instances live, expected two idle ones and one in use", got)
	}
	pool.Close()
	pool.Close()
	if got := engine.ReadStats().Instances - before.Instances; got != 1 {
		t.Errorf("%d instances live after Close, expected the one in use", got)
	}
	if err := pool.Put(taken[3]); err != nil || engine.ReadStats().Instances != before.Instances {
		t.Errorf("the last instance: %v", err)
	}
	if _, err := pool.Get(ctx); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Get of a closed pool: %v", err)
	}
}

func TestPoolLimit(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "types")))(t)
	defer module.Close()
	pool := must(wasmer.NewPool(&module, nil, wasmer.WithLimit(2), wasmer.WithReuse(1)))(t)
	defer pool.Close()
	first, second := must(pool.Get(context.Background()))(t), must(pool.Get(context.Background()))(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := pool.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get beyond the limit: %v", err)
	}
	var none context.Context
	if _, err := pool.Get(none); err == nil {
		t.Error("a nil context is accepted")
	}
	for _, in := range []*wasmer.Instance{first, second} {
		if err := pool.Put(in); err != nil {
			t.Error(err)
		}
	}
	var group sync.WaitGroup
	var users, most atomic.Int32
	for range 8 {
		group.Go(func() {
			for range 50 {
				in, err := pool.Get(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				if n := users.Add(1); n > 2 {
					most.Store(n)
				}
				if v, err := in.Exports["sum"](5, 37); err != nil || v != wasmer.I32(42) {
					t.Errorf("sum = %v (%v)", v, err)
				}
				users.Add(-1)
				if err := pool.Put(in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if most.Load() != 0 {
		t.Errorf("%d instances in use, expected 2 at most", most.Load())
	}
}

func TestPoolErrors(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "start_trap")))(t)
	if _, err := wasmer.NewPool(&module, nil); !errors.Is(err, wasmer.ErrUnreachable) {
		t.Errorf("a start function that traps: %v", err)
	}
	module.Close()
	if _, err := wasmer.NewPool(&module, nil); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("a closed module: %v", err)
	}
	if _, err := wasmer.NewPool(nil, nil); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("no module: %v", err)
	}
	// An error of Get gives its place back.
	module = must(wasmer.Compile(guest(t, "types")))(t)
	pool := must(wasmer.NewPool(&module, nil, wasmer.WithLimit(1)))(t)
	module.Close()
	for range 3 {
		if _, err := pool.Get(context.Background()); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("Get with a closed module: %v", err)
		}
	}
}
