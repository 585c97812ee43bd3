//go:build linux && (amd64 || arm64)

package image

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image/standin"
)

// All stacks can be taken, each is another one, and who wants one more waits.
func TestAllStacks(t *testing.T) {
	var taken []*Stack
	seen := map[unsafe.Pointer]bool{}
	for range stacks.count - ownStacks {
		s := Take()
		if seen[s.block] || uintptr(s.block)%stackSize != stackSize-ctxSize {
			t.Fatalf("the context %p is used twice, or at an odd address", s.block)
		}
		seen[s.block] = true
		s.Words()[0], s.Words()[1] = uintptr(len(taken)), 1
		taken = append(taken, s)
	}
	const waiters = 3
	got := make(chan *Stack)
	for range waiters {
		go func() { got <- Take() }()
	}
	select {
	case <-got:
		t.Fatal("there is one stack more")
	case <-time.After(20 * time.Millisecond):
	}
	// What a stack is needed for by those who hold one has stacks of its own.
	heap := NewHeap()
	*(*uint64)(heap.cell) = 1
	heap.Release()
	died := taken[0]
	died.Call(standin.Overflow)
	for i, s := range taken[1:] {
		if s.Call(standin.Add); s.Words()[0] != uintptr(i+2) {
			t.Errorf("%d + 1 = %d", i+1, s.Words()[0])
		}
	}
	for range waiters {
		last := len(taken) - 1
		taken[last].Release()
		taken[last] = <-got
		taken = append([]*Stack{taken[last]}, taken[:last]...)
	}
	for _, s := range taken {
		s.Release()
	}
}

func TestReleasedTwice(t *testing.T) {
	s := Take()
	s.Release()
	defer func() {
		if recover() == nil {
			t.Error("a stack was released twice")
		}
	}()
	s.Release()
}

// resident reports whether there is memory at an address.
func resident(t *testing.T, at uintptr) bool {
	page := uintptr(os.Getpagesize())
	var state [1]byte
	_, _, errno := syscall.Syscall(syscall.SYS_MINCORE, at&^(page-1), page, uintptr(unsafe.Pointer(&state)))
	if errno != 0 {
		t.Skip("mincore:", errno)
	}
	return state[0]&1 != 0
}

// Memory deep down in a stack goes back to the system.
func TestTrim(t *testing.T) {
	const deep = 4 << 20
	s := Take()
	s.trim()
	touch := func() uintptr {
		s.Words()[0] = deep
		s.Call(standin.Touch)
		return s.Words()[0]
	}
	at := touch()
	if !resident(t, at) || resident(t, at-deep/2) {
		t.Error("memory is not where the stack was used")
	}
	s.trim()
	if resident(t, at) || !resident(t, uintptr(s.head)) {
		t.Error("trimming has given back the wrong memory")
	}
	touch()
	heap := NewHeap()
	defer heap.Release()
	if err := s.CallWork(t.Context(), standin.Add, heap); err != nil {
		t.Error(err)
	}
	s.Release()
	if resident(t, at) {
		t.Error("a stack that was used for work is not trimmed")
	}
	// A released stack may be taken by nobody else meanwhile: no other goroutine takes one.
	s = Take()
	for touch(); s.uses != 0; s = Take() {
		s.Release()
	}
	for range trimInterval {
		s.Release()
		s = Take()
	}
	if at := s.Words()[0]; at != 0 && resident(t, at) {
		t.Error("a stack that was used often is not trimmed")
	}
	s.Release()
}

// The guard is no memory.
func TestGuard(t *testing.T) {
	s := Take()
	defer s.Release()
	low := *field[uintptr](s.block, ctxStackLow)
	if low%stackSize != guardSize {
		t.Errorf("the stack begins at %#x", low)
	}
	if got := protectionAt(t, low-1); got != "---p" {
		t.Error("the guard is", got)
	}
	if got := protectionAt(t, low); got != "rw-p" {
		t.Error("the stack is", got)
	}
}

// Where address space is short, there are fewer stacks.
func TestLittleAddressSpace(t *testing.T) {
	if isChild() {
		fmt.Println("stacks:", stacks.count-ownStacks)
		return
	}
	// An emulator takes most of 1 GiB itself.
	for kilobytes, want := range map[string]int{"4194304": 32, "unlimited": maxStacks} {
		out, err := child(t, "ulimit -v "+kilobytes+" &&").CombinedOutput()
		if err != nil {
			t.Logf("%s kB: %v: %.200s", kilobytes, err, out) // a race detector needs more
			continue
		}
		if !bytes.Contains(out, fmt.Appendf(nil, "stacks: %d\n", want)) {
			t.Errorf("%s kB: %s, expected %d", kilobytes, out, want)
		}
	}
}
