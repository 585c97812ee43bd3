package engine

import (
	"sync/atomic"
	"unsafe"
)

// PageSize is the number of bytes of a page of a memory that does not choose another size.
const PageSize = 65536

// Bytes views the accessible bytes.
func (d *MemoryDefinition) Bytes() []byte {
	base := atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&d.base)))
	return unsafe.Slice((*byte)(base), d.Length())
}

// Length is the number of accessible bytes.
func (d *MemoryDefinition) Length() uint64 { return atomic.LoadUint64(&d.length) }

// PageSize is the number of bytes of a page of this memory: 65,536, or 1.
func (d *MemoryDefinition) PageSize() uint64 { return d.pageSize }

// Pages is the size in pages.
func (d *MemoryDefinition) Pages() uint64 { return d.Length() / d.pageSize }

// MaxPages is the number of pages that growing may reach at most.
func (d *MemoryDefinition) MaxPages() uint64 { return d.maxLength / d.pageSize }

// NewMemory makes a 32-bit memory; sizes are in pages of 64 KiB.
func NewMemory(minimum uint64, maximum uint64, hasMaximum bool) (Extern, error) {
	handle, err := memoryNew(minimum, hasMaximum, maximum)
	return Extern{handle}, err
}

// MemoryDefinition returns the definition of a memory, which holds as long as the handle. Who keeps
// the address of a byte for longer has to call ShowMemory before.
func (x Extern) MemoryDefinition() *MemoryDefinition { return memoryDefinition(x.handle, false) }

// ShowMemory tells the engine that addresses of the memory's bytes may be kept for longer than the
// handle: no other memory comes to lie there soon.
func (x Extern) ShowMemory() { memoryDefinition(x.handle, true) }

// MemoryGrow adds pages of the memory's own size and returns the number of pages that there were
// before.
func (x Extern) MemoryGrow(pages uint64) (uint64, error) { return memoryGrow(x.handle, pages) }
