//go:build linux && (amd64 || arm64)

package image

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"
)

// This file owns the heaps of work that can be given up. The image makes such a heap when the work
// first allocates, and frees it as a whole; all that Go has of it is a cell, where the image
// notes the heap's root.

// Heap is the heap of one unit of work. What the work has made there stays until Release. It is
// used by one call at a time.
type Heap struct {
	cell    unsafe.Pointer // nil once released
	err     error          // why there is no cell
	spoiled bool           // its work was given up
}

const (
	cellSize  = 64
	cellsSize = 64 << 10 // what is mapped at once: a thousand cells
)

// cells are places for roots. They are never unmapped.
var cells struct {
	sync.Mutex
	free []unsafe.Pointer
}

// NewHeap makes an empty heap. Where the system has no memory for it, using it says so.
func NewHeap() *Heap {
	cells.Lock()
	defer cells.Unlock()
	if len(cells.free) == 0 {
		if err := moreCells(); err != nil {
			return &Heap{err: err}
		}
	}
	last := len(cells.free) - 1
	h := &Heap{cell: cells.free[last]}
	cells.free = cells.free[:last]
	return h
}

func moreCells() error {
	at, _, errno := syscall.Syscall6(syscall.SYS_MMAP, 0, cellsSize, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	if errno != 0 {
		return fmt.Errorf("image: mmap of %d bytes for heaps was refused: %w", cellsSize, errno)
	}
	for offset := uintptr(0); offset < cellsSize; offset += cellSize {
		cells.free = append(cells.free, pointer(at+offset))
	}
	return nil
}

var (
	errReleased = errors.New("image: the heap is released")
	errSpoiled  = errors.New("image: the heap's work was given up")
)

func (h *Heap) usable() error {
	switch {
	case h == nil:
		return errReleased
	case h.err != nil:
		return h.err
	case h.cell == nil:
		return errReleased
	case h.spoiled:
		return errSpoiled
	}
	return nil
}

// Root returns the address of the heap in the image, 0 if nothing was made there.
func (h *Heap) Root() uintptr {
	if h.cell == nil {
		return 0
	}
	return *(*uintptr)(h.cell)
}

// Forget leaves what was made to the image, which knows the heap by its root: it becomes an empty
// one.
func (h *Heap) Forget() {
	if h.cell != nil {
		*(*[cellSize]byte)(h.cell) = [cellSize]byte{}
	}
}

// Release frees the heap with all that is there. The second time it does nothing. It needs no
// stack of the caller.
func (h *Heap) Release() {
	cell := h.cell
	if cell == nil {
		return
	}
	h.cell = nil
	if *(*[cellSize]byte)(cell) != [cellSize]byte{} { // the image has made a heap
		if stacks.callOwn(freer, engine.heapRelease, uintptr(cell)) != nil {
			return // it died: nobody knows what the cell refers to
		}
	}
	cells.Lock()
	cells.free = append(cells.free, cell)
	cells.Unlock()
}
