package externref

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

func TestTablesAndGlobalsKeepValues(t *testing.T) {
	g := newGuest(t, new(Space))
	a, b, c := &token{number: 1}, &token{number: 2}, &token{number: 3}
	g.must("put", int32(3), a)
	g.must("fill", int32(10), b, int32(4))
	g.must("set_global", c)
	g.must("identity", &token{number: 4})
	if old := g.must("grow", &token{number: 5}, int32(1000)); old != int32(16) {
		t.Errorf("the table had %v elements, expected 16", old)
	}
	if left := g.collect(); left != 4 {
		t.Errorf("%d values left, expected 4", left)
	}
	if g.must("get", int32(3)) != a || g.must("get", int32(13)) != b || g.must("get_global") != c || g.must("get", int32(0)) != nil {
		t.Error("the values are not those that were stored")
	}
	if grown := g.must("get", int32(1015)); grown.(*token).number != 5 {
		t.Errorf("the new element is %v", grown)
	}
	g.must("put", int32(3), nil)
	g.must("fill", int32(10), nil, int32(4))
	g.must("set_global", nil)
	g.must("fill", int32(16), nil, int32(1000))
	if left := g.collect(); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
	if g.must("is_null", nil) != int32(1) || g.must("is_null", a) != int32(0) {
		t.Error("null is not told from a value")
	}
}

// A guest has values in locals and among its operands while the host makes thousands of others, and
// collects.
func TestCollectionDuringHostCalls(t *testing.T) {
	g := newGuest(t, new(Space))
	churn := func(int32) {
		g.must("drop_many", int32(5000)) // nested
		if left := g.collect(); left < 13 || left > 500 {
			t.Errorf("%d values left while a guest holds 13", left)
		}
	}
	g.during = churn
	g.must("hold", int32(100))
	g.must("hold_deep", int32(100), int32(200))
	// Nested three deep, each with values of its own.
	depth := 0
	g.during = func(from int32) {
		if depth++; depth < 3 {
			g.must("hold_deep", from+1000, int32(20))
		}
		churn(from)
	}
	g.must("hold", int32(100))
	g.during = nil
	if left := g.collect(); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
}

// A guest that was given up, by an error or by a panic, holds nothing.
func TestGuestsGivenUpHoldNothing(t *testing.T) {
	g := newGuest(t, new(Space))
	stop := errors.New("stop")
	g.during = func(int32) { panic(stop) }
	func() {
		defer func() {
			if got := recover(); got != stop {
				t.Errorf("recovered %v", got)
			}
		}()
		g.must("hold_deep", int32(1), int32(50))
	}()
	ctx, cancel := context.WithCancel(context.Background())
	g.during = func(int32) { cancel() }
	if _, err := g.callContext(ctx, "hold_deep", int32(1), int32(50)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, expected that of the context", err)
	}
	if _, err := g.call("get", int32(100)); err == nil {
		t.Error("no trap")
	}
	if left := g.collect(); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
	// Nor do the stacks of earlier calls, when others use them.
	g.during = func(int32) { // the values of the call itself: thirteen, and what lies in unused words of its frames
		if left := g.collect(); left > 40 {
			t.Errorf("%d values left while a guest holds 13", left)
		}
	}
	g.must("hold", int32(1))
}

// A million values, made and dropped by a guest: neither the table nor Go's heap grows, and Go
// frees them.
func TestMillionValues(t *testing.T) {
	count := int32(1_000_000)
	if testing.Short() {
		count = 50_000
	}
	g := newGuest(t, new(Space))
	var freed atomic.Int64
	g.made = func(made *token) { runtime.AddCleanup(made, func(int32) { freed.Add(1) }, 0) }
	most := 0
	g.must("put", int32(0), &token{number: 7})
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapInuse
	}
	g.must("drop_many", int32(5000))
	before := heap()
	for left := count; left > 0; left -= 5000 {
		g.must("drop_many", int32(5000))
		most = max(most, g.space.Refs().Len())
	}
	if most > 3000 {
		t.Errorf("%d values at a time, expected few more than the %d after which there is a collection", most, 1024)
	}
	if left := g.collect(); left != 1 {
		t.Errorf("%d values left, expected 1", left)
	}
	for freed.Load() < int64(count)+5000 {
		runtime.GC() // cleanups run some time after it
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("%d bytes of heap in use, expected about %d as before", after, before)
	}
	if kept := g.must("get", int32(0)); kept.(*token).number != 7 {
		t.Errorf("the value in the table is %v", kept)
	}
}

// Guests that spin with values in registers are paused, looked at, and go on with the same values.
func TestCollectionPausesSpinningGuests(t *testing.T) {
	space := new(Space)
	var guests [3]*guest
	var wait sync.WaitGroup
	for i := range guests {
		guests[i] = newGuest(t, space)
		wait.Go(func() {
			from := int32(10 * i)
			if _, err := guests[i].call("spin", &token{number: from}, &token{number: from + 1}, from); err != nil {
				t.Error(err)
			}
		})
	}
	for _, g := range guests {
		for word(g, 4).Load() == 0 {
			runtime.Gosched()
		}
	}
	var longest time.Duration
	for range 20 {
		start := time.Now()
		if left := guests[0].collect(); left < 6 {
			t.Fatalf("%d values left while guests hold 6", left)
		}
		longest = max(longest, time.Since(start))
		space.Put(&token{}, func(uint64) {})
	}
	t.Logf("the longest of 20 collections took %v", longest)
	for _, g := range guests {
		word(g, 0).Store(1)
	}
	wait.Wait()
	if left := guests[0].collect(); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
}

// Values that are in registers of a paused guest, and nowhere else.
func TestCollectionFindsRegisters(t *testing.T) {
	g := newGuest(t, new(Space))
	g.must("put", int32(0), &token{number: 1})
	g.must("put", int32(1), &token{number: 2})
	done := make(chan error)
	go func() {
		_, err := g.call("spin_taken")
		done <- err
	}()
	for word(g, 4).Load() == 0 {
		runtime.Gosched()
	}
	for range 10 {
		if left := g.collect(); left != 2 {
			t.Errorf("%d values left, expected 2", left)
		}
	}
	word(g, 0).Store(1)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	sum := int32(0)
	for i := range int32(2) {
		if value, ok := g.must("get", 2+i).(*token); ok {
			sum += value.number
		}
	}
	if sum != 3 {
		t.Error("the values that the guest has put back are not those that it took")
	}
}

// Everything at once: calls of several instances and goroutines, nested ones, cancelled ones, and
// collections, in host functions and out of them.
func TestHammer(t *testing.T) {
	space := new(Space)
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	var wait sync.WaitGroup
	for worker := range 6 {
		g := newGuest(t, space)
		wait.Go(func() {
			for round := range rounds {
				from := int32(worker*1000 + round)
				nested := false
				g.during = func(from int32) {
					space.Collect()
					if !nested {
						nested = true
						g.must("hold_deep", from+7, int32(10))
					}
				}
				g.must("put", from%16, &token{number: from})
				g.must("hold", from)
				g.must("drop_many", int32(700))
				ctx, cancel := context.WithCancel(context.Background())
				g.during = func(int32) { cancel() }
				if _, err := g.callContext(ctx, "hold", from); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, expected that of the context", err)
				}
				if kept, ok := g.must("get", from%16).(*token); !ok || kept.number != from {
					t.Errorf("the value in the table is %v, expected %d", kept, from)
				}
			}
			for i := range int32(16) {
				g.must("put", i, nil)
			}
		})
	}
	done := make(chan struct{})
	var collector sync.WaitGroup
	for range 2 {
		collector.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					space.Collect()
					runtime.Gosched()
				}
			}
		})
	}
	wait.Wait()
	close(done)
	collector.Wait()
	space.Collect()
	if left := space.Refs().Len(); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
}

// Spaces merge while guests of both run, and collect.
func TestMergedSpaces(t *testing.T) {
	const count = 8
	var guests [count]*guest
	for i := range guests {
		guests[i] = newGuest(t, new(Space))
	}
	var wait sync.WaitGroup
	for i, g := range guests {
		wait.Go(func() {
			for round := range int32(30) {
				g.during = func(int32) {
					if round == int32(i)%5*5 {
						g.space.Merge(guests[(i*3+1)%count].space)
						guests[(i*5+2)%count].space.Merge(g.space)
					}
					g.space.Collect()
				}
				g.must("put", int32(1), &token{number: round})
				g.must("hold", round)
				g.must("drop_many", int32(300))
				if kept := g.must("get", int32(1)); kept.(*token).number != round {
					t.Errorf("the value in the table is %v, expected %d", kept, round)
				}
			}
		})
	}
	wait.Wait()
	for _, g := range guests {
		guests[0].space.Merge(g.space)
	}
	if left := guests[0].collect(); left != count {
		t.Errorf("%d values left, expected %d", left, count)
	}
	// Values of one are known in the others.
	guests[1].must("set_global", &token{number: 77})
	hold, n := guests[2].space.Refs().Hold(), 0
	hold.Release()
	for _, g := range guests {
		g.must("put", int32(1), nil)
		n = g.collect()
	}
	if n != 1 || guests[1].must("get_global").(*token).number != 77 {
		t.Errorf("%d values left, expected 1", n)
	}
}

// Without a store there is nothing that keeps values, and a collection finds that out.
func TestValuesGoWithTheStore(t *testing.T) {
	space := new(Space)
	g := newGuest(t, space)
	g.must("set_global", &token{number: 1})
	if left := g.collect(); left != 1 {
		t.Errorf("%d values left, expected 1", left)
	}
	other := newGuest(t, space)
	other.must("set_global", &token{number: 2})
	if left := g.collect(); left != 2 {
		t.Errorf("%d values left, expected 2", left)
	}
}

// Where calls are that cannot be stopped there is no collection, until they have ended.
func TestCollectionWaitsForQuiet(t *testing.T) {
	g := newGuest(t, new(Space))
	var quiet atomic.Bool
	asked := 0
	g.space.AddUnless(func() bool { asked++; return quiet.Load() })
	g.must("identity", &token{})
	if _, done := g.space.Collect(); done {
		t.Error("collected although there are calls that cannot be stopped")
	}
	quiet.Store(true)
	for range 3 {
		if dropped, done := g.space.Collect(); !done || asked > 2 {
			t.Errorf("dropped %d, %v, asked %d times", dropped, done, asked)
		}
	}
}

// Guests that may call C functions take part; except where they call these without leaving, as Go
// does not preempt by signals.
func TestCallersOfCFunctions(t *testing.T) {
	g := newGuest(t, new(Space))
	f := g.exports["identity"]
	fb, err := fiber.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	entry := f.entry
	entry.C = true
	fb.Prepare(&entry, g, 1)
	fb.Join(g.space.Guests(), &entry)
	if err := fb.Call(context.Background()); err != nil {
		t.Error(err)
	}
	byGo := !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1")
	if _, done := g.space.Collect(); done != byGo {
		t.Errorf("collected: %v, expected %v", done, byGo)
	}
	fb.Release()
	if _, done := g.space.Collect(); !done {
		t.Error("not collected although no guest calls C functions any more")
	}
}
