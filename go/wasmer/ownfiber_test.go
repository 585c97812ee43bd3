package wasmer

import (
	"context"
	"os"
	"testing"
)

// When the pool has no more fibers, instances that keep one without using it at the moment give it back, and go on afterwards.
func TestKeptFibersAreGivenBack(t *testing.T) {
	bytes, err := os.ReadFile("../../testdata/guests/types.wasm")
	if err != nil {
		t.Fatal(err)
	}
	in, err := NewInstance(bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	sum, err := Func2[int32, int32, int32](&in, "sum")
	if err != nil {
		t.Fatal(err)
	}
	check := func(kept bool) {
		t.Helper()
		for range 3 {
			if v, err := sum(context.Background(), 5, 37); v != 42 || err != nil {
				t.Errorf("sum = %d (%v)", v, err)
			}
		}
		if (in.inner.own.fiber != nil) != kept {
			t.Errorf("the instance keeps the fiber %v", in.inner.own.fiber)
		}
	}
	check(true)
	if !giveBackFibers() {
		t.Error("nothing was given back")
	}
	if in.inner.own.fiber != nil || in.inner.owned.block.Load() != nil {
		t.Error("the fiber was not given back")
	}
	check(true)
	if !in.inner.own.gate.take() { // in use
		t.Fatal("the gate is taken")
	}
	giveBackFibers()
	if in.inner.own.fiber == nil {
		t.Error("a fiber in use was given back")
	}
	in.inner.own.gate.open()
	check(true)
}
