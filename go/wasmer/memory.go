package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Memory is a linear memory (specification, section 4.2.8): bytes that guests and host share. It
// comes from [NewMemory], and is owned then, or belongs to an instance, and is borrowed from it.
// All methods may be called by many goroutines at once, and also while guests run.
type Memory struct {
	inner *core.Memory
}

// maxPages is the size of the largest memory, 4 GiB, in pages (specification, section 2.3.8).
const maxPages = 65536

// NewMemory makes a memory to be imported by instances, by [Imports.AppendMemory]. It has min pages
// of 64 KiB, all zero, and can grow up to max pages. The error is a [*MemoryError]: min is greater
// than max, max is greater than 65,536 (4 GiB), or there is not enough address space.
func NewMemory(min, max uint32) (*Memory, error) {
	fail := func(cause error) (*Memory, error) {
		return nil, &MemoryError{"cannot make the memory: " + failure(cause), cause}
	}
	if max > maxPages {
		return fail(fmt.Errorf("the maximum is %d pages, expected %d at most", max, maxPages))
	}
	memory, err := core.NewMemory(uint64(min), uint64(max))
	if err != nil {
		return fail(err)
	}
	return memoryOf(memory), nil
}

// memoryOf returns what users get of a memory, the same each time; nil for nil.
func memoryOf(memory *core.Memory) *Memory {
	if memory == nil {
		return nil
	}
	return core.Face(&memory.Faces, func(shown *Memory) { shown.inner = memory })
}

// made returns the memory of package core, nil if it was never made.
func (memory *Memory) made() *core.Memory {
	if memory == nil {
		return nil
	}
	return memory.inner
}

// Data returns all bytes of the memory, without copying them: what is written to the slice, guests
// read. Its capacity is its length. It is nil if the memory is closed.
//
// A memory never moves: the slice stays valid, and stays as long as it is, when the memory grows;
// call Data again to see the new pages. It does not keep the memory alive; see the documentation of
// the package, "Closing".
func (memory *Memory) Data() []byte { return memory.made().Bytes() }

// PageSize returns the bytes of a page, in which the memory grows: 65,536, or 1 where the module
// that defines the memory chooses that (proposal "custom page sizes"); 0 if the memory is closed.
func (memory *Memory) PageSize() uint32 { return uint32(memory.made().PageSize()) }

// Size returns the size in bytes, 0 if the memory is closed.
func (memory *Memory) Size() uint64 { return memory.made().Length() }

// GrowBy adds a number of pages (see [Memory.PageSize]), all zero, and returns how many there were
// before. The error is a [*MemoryError], and nothing changes: the memory would exceed its maximum
// or a ceiling set by [WithMemoryCeiling], the system refuses, or it is closed.
func (memory *Memory) GrowBy(pages uint64) (previous uint64, err error) {
	previous, err = memory.made().Grow(pages)
	if err != nil {
		return 0, &MemoryError{fmt.Sprintf("cannot grow the memory by %d pages: %s", pages, failure(err)), err}
	}
	return previous, nil
}

// Close frees a memory that is owned. Instances that import it keep its bytes; Data is nil from now
// on, and what it returned must not be used any more unless such an instance is alive. Further
// calls do nothing, and so does Close of a borrowed memory: the instance closes it.
func (memory *Memory) Close() { memory.made().Close() }
