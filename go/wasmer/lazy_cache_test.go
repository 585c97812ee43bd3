package wasmer_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// This file tests modules whose functions are compiled when they are called where these are shared,
// and kept in a cache.

// TestLazyCache stores modules when all their functions are compiled. What the cache has is
// complete.
func TestLazyCache(t *testing.T) {
	sum := distinct(guest(t, "sum"), t.Name())
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	expectSum(t, sum, wasmer.WithLazy(), wasmer.WithCache(cache)) // closed before it is complete
	module := must(wasmer.Compile(sum, wasmer.WithCache(cache), wasmer.WithLazy()))(t)
	expectSum(t, sum, wasmer.WithLazy(), wasmer.WithCache(cache)) // shares what is compiled
	if module.IsComplete() {
		t.Error("the module is complete before somebody has completed it")
	}
	expectCounts(t, cache, wasmer.CacheStats{Misses: 2})
	for range 2 {
		if err := module.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stored := cache.Stats().Stored
	if stored != 1 {
		t.Errorf("the module was stored %d times, want 1", stored)
	}
	want := must(module.Serialize())(t)
	module.Close()

	for i, options := range [][]wasmer.CompileOption{
		nil, {wasmer.WithLazy()}, {wasmer.WithBackground()}, {wasmer.WithBackground(), wasmer.WithLazy()},
	} {
		found := must(wasmer.Compile(sum, append(options, wasmer.WithCache(cache))...))(t)
		if !found.IsComplete() {
			t.Error("the cache has a module that is not complete")
		}
		if !slices.Equal(must(found.Serialize())(t), want) {
			t.Error("the module is another one")
		}
		expectCounts(t, cache, wasmer.CacheStats{Misses: 2, Stored: 1, Hits: 1 + int64(i)})
		found.Close()
	}
}

// TestLazyCacheInBackground stores a module that nobody has completed but goroutines in the
// background, where the one who has asked for the cache came later, too.
func TestLazyCacheInBackground(t *testing.T) {
	for _, later := range []bool{false, true} {
		sum := distinct(guest(t, "sum"), t.Name())
		cache := must(wasmer.OpenCache(t.TempDir()))(t)
		var first wasmer.Module
		if later {
			first = must(wasmer.Compile(sum, wasmer.WithLazy()))(t)
		}
		module := must(wasmer.Compile(sum, wasmer.WithCache(cache), wasmer.WithBackground()))(t)
		for begun := time.Now(); cache.Stats().Stored == 0; time.Sleep(time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("the module was not stored: %+v", cache.Stats())
			}
		}
		if !module.IsComplete() || later && !first.IsComplete() {
			t.Error("a module was stored that is not complete")
		}
		module.Close()
		first.Close()
	}
}

// TestLazyShared shares code among those who want functions compiled when they are called, and with
// those who want all at once only when all is there.
func TestLazyShared(t *testing.T) {
	before := baseline()
	sum := distinct(guest(t, "sum"), t.Name())
	made := func(want int64) {
		t.Helper()
		if made := int64(engine.ReadStats().Modules - before.Modules); made != want {
			t.Errorf("there are %d modules, want %d", made, want)
		}
	}
	first := must(wasmer.Compile(sum, wasmer.WithLazy()))(t)
	second := must(wasmer.Compile(sum, wasmer.WithLazy()))(t)
	made(1)
	eager := must(wasmer.Compile(sum))(t)
	made(2)
	if !eager.IsComplete() || first.IsComplete() || second.IsComplete() {
		t.Error("who wants all functions at once does not get them, or others do")
	}
	eager.Close()
	made(1)
	instance := must(second.Instantiate())(t)
	second.Close()
	if err := first.Complete(t.Context()); err != nil || !first.IsComplete() {
		t.Errorf("the module is not complete: %v", err)
	}
	if value, err := instance.Exports["sum"](1, 2); err != nil || value.ToI32() != 3 {
		t.Errorf("1 + 2 is %v, %v", value, err)
	}
	// Now it serves all.
	expectSum(t, sum)
	eager = must(wasmer.Compile(sum))(t)
	made(1)
	first.Close()
	instance.Close()
	// And code that was compiled at once serves those who would wait.
	lazy := must(wasmer.Compile(sum, wasmer.WithBackground()))(t)
	if !lazy.IsComplete() {
		t.Error("the module is not complete, which this process has")
	}
	made(1)
	eager.Close()
	lazy.Close()
	made(0)
}

// TestLazySharedBackground goes on in the background until the last module is closed.
func TestLazySharedBackground(t *testing.T) {
	before := baseline()
	slow := distinct(busyModule(200, 50), t.Name())
	first := must(wasmer.Compile(slow, wasmer.WithBackground()))(t)
	second := must(wasmer.Compile(slow, wasmer.WithLazy()))(t)
	first.Close()
	waitUntil(t, "the module is complete", second.IsComplete)
	second.Close()

	third := must(wasmer.Compile(slow, wasmer.WithBackground()))(t)
	third.Close()
	waitUntil(t, "nothing is left", func() bool { return engine.ReadStats().Modules == before.Modules })
}

// waitUntil waits until something has come true.
func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%s: not after %v", what, time.Since(begun))
		}
	}
}

// TestLazyCacheHammer has goroutines compile the same modules in all ways, with and without a
// cache, complete some and close them.
func TestLazyCacheHammer(t *testing.T) {
	before := baseline()
	cache := must(wasmer.OpenCache(t.TempDir()))(t)
	var modules [3][]byte
	for i := range modules {
		modules[i] = distinct(guest(t, "sum"), t.Name()+string(rune('a'+i)))
	}
	ways := []wasmer.CompileOption{{}, wasmer.WithLazy(), wasmer.WithBackground()}
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			for i := range 60 {
				options := []wasmer.CompileOption{ways[(worker+i)%len(ways)]}
				if i%2 == 0 {
					options = append(options, wasmer.WithCache(cache))
				}
				if i%9 == 0 {
					_ = cache.Clear()
				}
				bytes := modules[(worker*i)%len(modules)]
				expectSum(t, bytes, options...)
				if i%5 > 0 {
					continue
				}
				module, err := wasmer.Compile(bytes, options...)
				if err != nil {
					t.Error(err)
					return
				}
				if err := module.Complete(t.Context()); err != nil {
					t.Error(err)
				}
				module.Close()
			}
		})
	}
	all.Wait()
	waitUntil(t, "nothing is left", func() bool { return engine.ReadStats().Modules == before.Modules })
	if s := cache.Stats(); s.Rejected+s.Failed > 0 {
		t.Errorf("%+v", s)
	}
}
