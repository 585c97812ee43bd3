package wasmer

import (
	"errors"
	"fmt"
	"math"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// This file has the shapes of go-ext-wasm 0.3.1 for memories: sizes of 32 bits, and the text of a
// growth that fails.

// IsOwned reports whether the memory was made by [NewMemory]; otherwise it is borrowed from an
// instance, which closes it.
func (memory *Memory) IsOwned() bool { return memory.made().IsOwned() }

// Length returns the size in bytes, 0 if the memory is closed. A memory of 4 GiB or more, which
// does not fit, has 4,294,967,295: use the length of [Memory.Data] where a guest may have a 64-bit
// memory.
func (memory *Memory) Length() uint32 { return uint32(min(memory.made().Length(), math.MaxUint32)) }

// Grow adds a number of pages (see [Memory.PageSize]), all zero. It fails with a [*MemoryError] and
// changes nothing if the memory would exceed its maximum or a ceiling set by [WithMemoryCeiling],
// if the system refuses, or if it is closed. [Memory.GrowBy] also returns the size before.
func (memory *Memory) Grow(numberOfPages uint32) error {
	_, err := memory.made().Grow(uint64(numberOfPages))
	if err == nil {
		return nil
	}
	var full *core.FullError
	if errors.As(err, &full) {
		err = &growError{full.Pages, full.Added}
	}
	return &MemoryError{"Failed to grow the memory:\n    " + failure(err), err}
}

// growError is the error that a memory would exceed its maximum, in words that programs match.
type growError struct{ pages, added uint64 }

func (e *growError) Error() string {
	return fmt.Sprintf("Grow Error: Failed to add pages because would exceed maximum number of pages. Left: %d, Right: %d, Pages added: %d",
		e.pages, e.added, e.pages+e.added)
}
