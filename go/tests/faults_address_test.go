//go:build !race

package tests

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Where address space is limited. The race detector needs more of it than these limits leave.

// With 4 GB of address space, of which an emulator takes most, memories with full reservations are
// refused by an error, those with explicit checks work, and calls have stacks.
func TestAddressSpaceLimited(t *testing.T) {
	if !inChild(t, childOptions{ulimit: "-v 4000000"}) {
		return
	}
	if _, err := wasmer.NewInstance(guest(t, "small")); err == nil || !strings.Contains(err.Error(), "address space") {
		t.Errorf("a reservation of 8 GiB: %v", err)
	}
	var b builder
	b.memories.add(limits(65536))
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithExplicitBounds()}} {
		large := compile(t, b.module(), options...)
		if _, err := large.Instantiate(); err == nil || !strings.Contains(err.Error(), "4294967296") && !strings.Contains(err.Error(), "address space") {
			t.Errorf("a memory of 4 GiB, options %d: %v", len(options), err)
		}
		large.Close()
	}
	small := compile(t, guest(t, "small"), wasmer.WithExplicitBounds())
	defer small.Close()
	expectSteady(t, 3, func() {
		instance := start(t, small, nil)
		defer instance.Close()
		expectSane(t, &instance)
		if value := call(t, &instance, "grow", 10); value.ToI32() != 1 {
			t.Errorf("grow(10) = %v", value)
		}
		expectTrapOf(t, &instance, "load", wasmer.TrapMemoryOutOfBounds, 11*65536-3)
		expectTrapOf(t, &instance, "load", wasmer.TrapMemoryOutOfBounds, -1)
	})
	// Many at once, until there is no room: an error, and room again after closing.
	for range 2 {
		var instances []wasmer.Instance
		for {
			instance, err := small.Instantiate()
			if err != nil {
				t.Logf("%d instances: %s", len(instances), strings.ReplaceAll(err.Error(), "\n", " "))
				break
			}
			instances = append(instances, instance)
			if len(instances) == 100_000 {
				t.Fatal("no end of address space")
			}
		}
		// Go's own heap must be able to grow: that it cannot is fatal.
		heap := bytes.Repeat([]byte{1}, 100<<20)
		inParallel(20, func(int) { time.Sleep(time.Millisecond) })
		runtime.KeepAlive(heap)
		for i := range instances {
			expectSane(t, &instances[i])
			instances[i].Close()
		}
		if len(instances) == 0 {
			t.Error("not a single instance fits")
		}
	}
}

// With a quarter of a GiB of address space left, a first call works or fails with an error that
// says what cannot be had; the process lives.
func TestLittleAddressSpaceLeft(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	inParallel(8, func(int) { time.Sleep(time.Millisecond) }) // threads that Go needs
	size := uint64(statusField(t, string(read(t, "/proc/self/status")), "VmSize")) << 10
	limit := syscall.Rlimit{Cur: size + 256<<20, Max: size + 256<<20}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	var b builder
	b.function("f", nil, nil, 0)
	instance, err := wasmer.NewInstance(b.module())
	if err == nil {
		defer instance.Close()
		_, err = instance.Exports["f"]()
	}
	if err != nil && !strings.Contains(err.Error(), "cannot ") && !strings.Contains(err.Error(), "no address space") {
		t.Errorf("error %v, expected it to say what cannot be had", err)
	}
	t.Logf("outcome: %s", strings.ReplaceAll(fmt.Sprint(err), "\n", " "))
}
