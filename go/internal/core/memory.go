package core

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Memory is a linear memory, which guests and host share. It may be used by many goroutines at
// once, and also while guests run.
//
// Where its bytes lie is told by its definition, and by nothing else here: this is where memories
// will come in whose bytes the host provides.
type Memory struct {
	life    lifetime
	handle  engine.Extern
	cleanup runtime.Cleanup
	owned   bool
	typ     engine.MemoryType

	definition atomic.Pointer[engine.MemoryDefinition] // asked for when first needed
	shown      atomic.Bool                             // somebody may keep addresses of bytes

	// Faces are what faces show of it.
	Faces Faces
}

// NewMemory makes a memory that belongs to no instance, of pages of 64 KiB.
func NewMemory(min, max uint64) (*Memory, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	handle, err := engine.NewMemory(min, max, true)
	if err != nil {
		return nil, err
	}
	limits := engine.Limits{Min: min, Max: max, HasMax: true}
	return newMemory(handle, engine.MemoryType{Limits: limits, PageSizeLog2: pageSizeLog2}, true), nil
}

// pageSizeLog2 is the size of the pages of memories that do not choose another, as a power of two.
const pageSizeLog2 = 16

// newMemory takes over a handle.
func newMemory(handle engine.Extern, typ engine.MemoryType, owned bool) *Memory {
	m := &Memory{handle: handle, owned: owned, typ: typ}
	m.cleanup = runtime.AddCleanup(m, engine.Extern.Free, handle)
	return m
}

// release implements releaser.
func (m *Memory) release() {
	m.cleanup.Stop()
	m.definition.Store(nil)
	m.handle.Free()
	m.handle = engine.Extern{}
}

// Enter begins a use, unless the memory is nil or closed, or its instance is being reset.
func (m *Memory) Enter() bool { return m != nil && m.life.enterCall(m) }

// refusal tells why Enter has failed.
func (m *Memory) refusal() error {
	if m != nil && !m.life.isClosed() {
		return ErrResetting
	}
	return ClosedError("memory")
}

// Leave ends a use.
func (m *Memory) Leave() { m.life.leave(m) }

// get returns the definition, in memory of the engine; it holds until the caller leaves.
func (m *Memory) get() *engine.MemoryDefinition {
	if d := m.definition.Load(); d != nil {
		return d
	}
	d := m.handle.MemoryDefinition()
	m.definition.Store(d)
	return d
}

// show tells the engine that addresses of bytes may be kept after the memory is closed. The memory
// is in use.
func (m *Memory) show() {
	if !m.shown.Load() {
		m.handle.ShowMemory()
		m.shown.Store(true)
	}
}

// IsOwned reports whether the memory belongs to no instance.
func (m *Memory) IsOwned() bool { return m != nil && m.owned }

// Type returns the type as it was made or declared.
func (m *Memory) Type() engine.MemoryType { return m.typ }

// Length returns the size in bytes, 0 if the memory is closed.
func (m *Memory) Length() uint64 {
	if !m.Enter() {
		return 0
	}
	length := m.get().Length()
	m.Leave()
	return length
}

// Bytes returns all bytes, without copying them; nil if the memory is closed.
func (m *Memory) Bytes() []byte {
	if !m.Enter() {
		return nil
	}
	m.show()
	bytes := m.get().Bytes()
	m.Leave()
	return bytes
}

// PageSize returns the bytes of a page, 0 if the memory is closed.
func (m *Memory) PageSize() uint64 {
	if !m.Enter() {
		return 0
	}
	size := m.get().PageSize()
	m.Leave()
	return size
}

// Do calls see with a part of the memory, which see must not keep. It returns an error that wraps
// ErrClosed, or an *OutsideError.
func (m *Memory) Do(offset, length uint64, see func([]byte)) error {
	if !m.Enter() {
		return m.refusal()
	}
	defer m.Leave()
	bytes := m.get().Bytes()
	if size := uint64(len(bytes)); offset > size || length > size-offset {
		return &OutsideError{offset, length, size}
	}
	see(bytes[offset : offset+length])
	return nil
}

// DoFrom is Do with less than length bytes where the memory ends before; offset must be within it.
func (m *Memory) DoFrom(offset, length uint64, see func([]byte)) error {
	if !m.Enter() {
		return m.refusal()
	}
	defer m.Leave()
	bytes := m.get().Bytes()
	size := uint64(len(bytes))
	if offset > size {
		return &OutsideError{offset, length, size}
	}
	see(bytes[offset : offset+min(length, size-offset)])
	return nil
}

// View returns a part of the memory without copying it. It returns an error that wraps ErrClosed,
// or an *OutsideError.
func (m *Memory) View(offset, length uint64) (view []byte, err error) {
	err = m.Do(offset, length, func(window []byte) {
		m.show()
		view = window[:length:length]
	})
	return view, err
}

// OutsideError is the error of an access that is not within a memory.
type OutsideError struct{ Offset, Length, Size uint64 }

// Error tells the access and the size of the memory.
func (e *OutsideError) Error() string {
	return fmt.Sprintf("memory access out of range: %d bytes at offset %d (size %d)", e.Length, e.Offset, e.Size)
}

// Grow adds a number of pages and returns how many there were before. It returns an error that
// wraps ErrClosed, a *FullError, or what the system refuses.
func (m *Memory) Grow(pages uint64) (previous uint64, err error) {
	if !m.Enter() {
		return 0, m.refusal()
	}
	defer m.Leave()
	definition := m.get()
	if previous, err = m.handle.MemoryGrow(pages); err == nil {
		return previous, nil
	}
	if now, max := definition.Pages(), definition.MaxPages(); pages > max || now > max-pages {
		return 0, &FullError{now, pages, definition.MaxPages()}
	}
	return 0, err
}

// FullError is the error of a growth beyond the maximum, all in pages.
type FullError struct{ Pages, Added, Max uint64 }

// Error tells the sizes.
func (e *FullError) Error() string {
	return fmt.Sprintf("%d pages and %d more, expected %d at most", e.Pages, e.Added, e.Max)
}

// Close frees the memory when its last use ends, if it belongs to no instance. Instances that
// import it keep its bytes.
func (m *Memory) Close() {
	if m != nil && m.owned {
		m.life.close(m)
	}
}
