package core

import (
	"context"
	"os"
	"testing"
)

// newTestModule compiles a module of testdata/guests, closed with the test.
func newTestModule(t testing.TB, name string) *Module {
	t.Helper()
	bytes, err := os.ReadFile("../../../testdata/guests/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	module, err := Compile(t.Context(), bytes, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Close)
	return module
}

// newTestInstance makes an instance of a module of testdata/guests, closed with the test.
func newTestInstance(t testing.TB, name string) *Instance {
	t.Helper()
	instance, err := Instantiate(t.Context(), newTestModule(t, name), nil, InstanceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Close)
	return instance
}

// When the pool has no more fibers, instances that keep one without using it at the moment give it
// back, and keep one again afterwards.
func TestKeptFibersAreGivenBack(t *testing.T) {
	in := newTestInstance(t, "types")
	sum := in.Function("sum")
	check := func(kept bool) {
		t.Helper()
		for range 3 {
			if v, err := sum.Invoke2(context.Background(), 5, 37); v != 42 || err != nil {
				t.Errorf("sum = %d (%v)", v, err)
			}
		}
		if (in.own.Fiber != nil) != kept {
			t.Errorf("the instance keeps the fiber %v", in.own.Fiber)
		}
	}
	check(true)
	if !giveBackFibers() {
		t.Error("nothing was given back")
	}
	if in.own.Fiber != nil || in.owned.block.Load() != nil {
		t.Error("the fiber was not given back")
	}
	check(true)
	if !in.own.Claim() { // in use
		t.Fatal("the gate is taken")
	}
	giveBackFibers()
	if in.own.Fiber == nil {
		t.Error("a fiber in use was given back")
	}
	in.own.Open()
	check(true)
}
