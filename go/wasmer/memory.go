package wasmer

import (
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Memory is a linear memory (specification, section 4.2.8): bytes that guests and host share. It comes from [NewMemory], and is owned
// then, or belongs to an instance, and is borrowed from it. All methods may be called by many goroutines at once, and also while
// guests run.
type Memory struct {
	inner *memoryState
	owned bool
}

// memoryState is what the copies of a Memory share.
type memoryState struct {
	life       lifetime
	handle     engine.Extern
	definition atomic.Pointer[engine.MemoryDefinition] // asked for when first needed: the engine notes that Go sees the bytes
	cleanup    runtime.Cleanup
}

// maxPages is the size of the largest memory, 4 GiB, in pages (specification, section 2.3.8).
const maxPages = 65536

// NewMemory makes a memory to be imported by instances, by [Imports.AppendMemory]. It has min pages of 64 KiB, all zero, and can grow up
// to max pages. The error is a [*MemoryError]: min is greater than max, max is greater than 65,536 (4 GiB), or there is not
// enough address space.
func NewMemory(min, max uint32) (*Memory, error) {
	fail := func(cause error) (*Memory, error) {
		return nil, &MemoryError{"Failed to make the memory:\n    " + failure(cause), cause}
	}
	if max > maxPages {
		return fail(fmt.Errorf("the maximum is %d pages, expected %d at most", max, maxPages))
	}
	if err := engine.Init(); err != nil {
		return fail(err)
	}
	handle, err := engine.NewMemory(uint64(min), uint64(max), true)
	if err != nil {
		return fail(err)
	}
	return newMemory(handle, true), nil
}

// newMemory takes over a handle.
func newMemory(handle engine.Extern, owned bool) *Memory {
	made := &struct {
		state  memoryState
		memory Memory
	}{}
	made.state.handle = handle
	made.state.cleanup = runtime.AddCleanup(&made.state, engine.Extern.Free, handle)
	made.memory = Memory{&made.state, owned}
	return &made.memory
}

// release implements releaser.
func (m *memoryState) release() {
	m.cleanup.Stop()
	m.definition.Store(nil)
	m.handle.Free()
	m.handle = engine.Extern{}
}

// enter begins a use, unless the memory is closed or was never made.
func (memory *Memory) enter() bool {
	return memory != nil && memory.inner != nil && memory.inner.life.enter(memory.inner)
}

func (memory *Memory) leave() { memory.inner.life.leave(memory.inner) }

// get returns the definition, in memory of the engine; it holds until the caller leaves.
func (m *memoryState) get() *engine.MemoryDefinition {
	if d := m.definition.Load(); d != nil {
		return d
	}
	d := m.handle.MemoryDefinition()
	m.definition.Store(d)
	return d
}

// IsOwned says whether the memory was made by [NewMemory]; otherwise it is borrowed from an instance, which closes it.
func (memory *Memory) IsOwned() bool { return memory != nil && memory.owned }

// Length returns the size in bytes, 0 if the memory is closed. A memory of 4 GiB or more, which does not fit, gives 4,294,967,295: use the
// length of [Memory.Data] where a guest may have a 64-bit memory.
func (memory *Memory) Length() uint32 {
	if !memory.enter() {
		return 0
	}
	length := memory.inner.get().Length()
	memory.leave()
	return uint32(min(length, math.MaxUint32))
}

// Data returns all bytes of the memory, without copying them: what is written to the slice, guests read. Its capacity is its length.
// It is nil if the memory is closed.
//
// A memory never moves: the slice stays valid, and stays as long as it is, when the memory grows; call Data again to see
// the new pages. It does not keep the memory alive; see the documentation of the package, "Closing".
func (memory *Memory) Data() []byte {
	if !memory.enter() {
		return nil
	}
	data := memory.inner.get().Bytes()
	memory.leave()
	return data
}

// PageSize returns the bytes of a page, in which the memory grows: 65,536, or 1 where the module that defines the memory chooses that
// (proposal "custom page sizes"); 0 if the memory is closed.
func (memory *Memory) PageSize() uint32 {
	if !memory.enter() {
		return 0
	}
	size := memory.inner.get().PageSize()
	memory.leave()
	return uint32(size)
}

// Grow adds a number of pages (see [Memory.PageSize]), all zero. It fails with a [*MemoryError] and changes nothing if the memory would exceed its maximum
// or a ceiling set by [WithMemoryCeiling], if the system refuses, or if it is closed.
func (memory *Memory) Grow(numberOfPages uint32) error {
	fail := func(cause error) error {
		return &MemoryError{"Failed to grow the memory:\n    " + failure(cause), cause}
	}
	if !memory.enter() {
		return fail(closedError("memory"))
	}
	defer memory.leave()
	definition := memory.inner.get()
	_, err := memory.inner.handle.MemoryGrow(uint64(numberOfPages))
	if err == nil {
		return nil
	}
	pages := definition.Pages()
	if pages+uint64(numberOfPages) <= definition.MaxPages() {
		return fail(err)
	}
	return fail(&growError{pages, uint64(numberOfPages)})
}

// growError says that a memory would exceed its maximum, in words that programs match.
type growError struct{ pages, added uint64 }

func (e *growError) Error() string {
	return fmt.Sprintf("Grow Error: Failed to add pages because would exceed maximum number of pages. Left: %d, Right: %d, Pages added: %d",
		e.pages, e.added, e.pages+e.added)
}

// Close frees a memory that is owned. Instances that import it keep its bytes; Data is nil from now on, and what it returned must not be
// used any more unless such an instance is alive. Further calls do nothing, and so does Close of a borrowed memory: the
// instance closes it.
func (memory *Memory) Close() {
	if memory != nil && memory.owned {
		memory.inner.life.close(memory.inner)
	}
}
