package tests

import (
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// What rounds of use leave behind, what an instance costs, and what a call allocates.

// Many rounds of compiling, instantiating, calling and closing leave nothing behind. With SOAK set
// there are 100,000.
func TestRoundsLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	rounds := pick(5_000, 1_000)
	if soak() {
		rounds = 100_000
	}
	bytes := guest(t, "small")
	round := func(i int) {
		instance, err := wasmer.NewInstance(bytes)
		if err != nil {
			t.Fatal(err)
		}
		if value, err := instance.Exports["sum"](i, 37); err != nil || value.ToI32() != int32(i)+37 {
			t.Fatalf("sum(%d, 37) = %v, %v", i, value, err)
		}
		if i%3 == 0 {
			instance.Memory.Data()[0] = 1
		}
		if i%100 == 0 {
			_, err := instance.Exports["load"](-1)
			expectTrap(t, "load", err, wasmer.TrapMemoryOutOfBounds)
		}
		instance.Close()
	}
	for i := range rounds / 5 {
		round(i)
	}
	before := measure(t)
	t.Logf("after %d rounds: %v", rounds/5, before)
	for i := range rounds {
		round(i)
	}
	expectBack(t, before)
	t.Logf("after %d more: %v", rounds, measure(t))
}

// Rounds of instantiating one module, many at once.
func TestInstancesLeaveNothing(t *testing.T) {
	if !inChild(t, childOptions{timeout: 40 * hang}) {
		return
	}
	rounds := pick(20_000, 4_000)
	if soak() {
		rounds = 400_000
	}
	module := compiled(t, "stress")
	set := imports(t, increment)
	work := func() {
		inParallel(4, func(int) {
			for range rounds / 8 {
				instance := start(t, module, set)
				expectSane(t, &instance)
				instance.Close()
			}
		})
	}
	work()
	before := measure(t)
	work()
	work()
	expectBack(t, before)
	t.Logf("%v", measure(t))
}

// 10,000 instances are alive at once and all work. What they cost is logged.
func TestTenThousandInstances(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	const count = 10_000
	module := compiled(t, "small")
	expectSteady(t, 1, func() {
		before := measure(t)
		instances := make([]wasmer.Instance, count)
		for i := range instances {
			instances[i] = start(t, module, nil)
			call(t, &instances[i], "store", 0, i)
		}
		for i := range instances {
			if value := call(t, &instances[i], "load", 0); value.ToI32() != int32(i) {
				t.Errorf("instance %d has %v in its memory", i, value)
			}
		}
		now := measure(t)
		if now.engine.Instances < count {
			t.Errorf("%d instances are alive", now.engine.Instances)
		}
		t.Logf("%d instances with a touched page each: %.1f MiB resident, %.1f KiB each; %d maps, %.2f each",
			count, float64(now.resident)/(1<<20), float64(now.resident-before.resident)/1024/count,
			now.maps, float64(now.maps-before.maps)/count)
		for i := range instances {
			instances[i].Close()
		}
	})
}

// A call by Instance.Exports allocates no more than any Go function of its type would: the
// conversion of its arguments to interfaces.
func TestCallAllocates(t *testing.T) {
	instance := start(t, compiled(t, "small"), nil)
	defer instance.Close()
	sum := instance.Exports["sum"]
	nothing := [2]func(...any) (wasmer.Value, error){ // a variable, so that the compiler knows as little of it as of sum
		func(...any) (wasmer.Value, error) { return wasmer.Value{}, nil },
		sum,
	}[min(0, len(instance.Exports))]
	loop := func(f func(...any) (wasmer.Value, error)) func() {
		return func() {
			for i := range 1000 {
				if _, err := f(i, 37); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	boxing, calls := testing.AllocsPerRun(20, loop(nothing)), testing.AllocsPerRun(20, loop(sum))
	if calls > boxing+10 { // 10 of 1000 calls: what the collector or another goroutine may allocate meanwhile
		t.Errorf("1000 calls allocate %v times, converting their arguments alone %v times", calls, boxing)
	}
	t.Logf("1000 calls: %v allocations, converting their arguments alone: %v", calls, boxing)
}

// A call crosses to Go's side of the engine only where it must: calls without host functions make
// no fiber but the first.
func TestCallsReuseFibers(t *testing.T) {
	instance := start(t, compiled(t, "small"), nil)
	defer instance.Close()
	expectSane(t, &instance)
	before := engine.ReadStats().Fibers
	for range 10_000 {
		expectSane(t, &instance)
	}
	if after := engine.ReadStats().Fibers; after > before+4 {
		t.Errorf("%d fibers before 10,000 calls, %d after", before, after)
	}
}
