package tests

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

const depthGuest = `(module
  (func $depth (export "depth") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $depth (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0)))))`

// depths returns the deepest recursion of a guest that ends, to the next thousand.
func depths(t *testing.T) int32 {
	t.Helper()
	bytes, err := wasmer.Wat2Wasm(depthGuest)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	depth, err := wasmer.Func1[int32, int32](&instance, "depth")
	if err != nil {
		t.Fatal(err)
	}
	low, high := int32(0), int32(64<<20)
	for high-low > 1000 {
		middle := low + (high-low)/2
		switch _, err := depth(context.Background(), middle); {
		case err == nil:
			low = middle
		case errors.Is(err, wasmer.ErrStackOverflow):
			high = middle
		default:
			t.Fatal(err)
		}
	}
	return low
}

// Stacks have the size that was set before the package was used, and none can be set afterwards.
func TestStackSize(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	for _, bytes := range []uint64{0, 1, 128 << 10, 3 << 20, 2 << 30, 1 << 63} {
		if err := wasmer.SetStackSize(bytes); err == nil {
			t.Errorf("a stack size of %d bytes is taken", bytes)
		}
	}
	var setters sync.WaitGroup
	for range 4 {
		setters.Go(func() {
			if err := wasmer.SetStackSize(8 << 20); err != nil {
				t.Error(err)
			}
		})
	}
	setters.Wait()
	deep := depths(t)
	t.Logf("8 MiB: %d levels", deep)
	if least := int32(600_000); deep < least { // what 3 MiB would allow for
		t.Errorf("8 MiB allow for %d levels, expected %d at least", deep, least)
	}
	if err := wasmer.SetStackSize(8 << 20); err != nil {
		t.Errorf("the same again: %v", err)
	}
	err := wasmer.SetStackSize(1 << 20)
	const text = "stack size of 1048576 bytes, but the engine runs with 8388608 already; set it before the first use of the package"
	if err == nil || err.Error() != text {
		t.Errorf("another size: %v, expected %s", err, text)
	}
	if again := depths(t); again != deep {
		t.Errorf("%d levels, expected %d", again, deep)
	}
}

// Without a choice stacks have 1 MiB.
func TestDefaultStackSize(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	if deep := depths(t); deep > 400_000 {
		t.Errorf("1 MiB allows for %d levels", deep)
	}
	if err := wasmer.SetStackSize(1 << 20); err != nil {
		t.Errorf("the size that it has: %v", err)
	}
	if err := wasmer.SetStackSize(2 << 20); err == nil {
		t.Error("another size is taken")
	}
}
