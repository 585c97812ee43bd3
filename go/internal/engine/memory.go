//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_memory_new
#cgo nocallback gw_memory_new
#cgo noescape gw_memory_definition
#cgo nocallback gw_memory_definition
#cgo noescape gw_memory_grow
#cgo nocallback gw_memory_grow
#include "wasmer.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// PageSize is the number of bytes of a page of a memory that does not choose another size.
const PageSize = 65536

// MemoryDefinition is the part of a memory that changes, in C memory, as rust/engine/src/abi/vmctx.rs lays it out.
type MemoryDefinition struct {
	base      unsafe.Pointer // the first byte; it never changes while a handle lives
	length    atomic.Uint64  // accessible bytes; it only grows
	maxLength uint64         // bytes that growing may reach at most
	pageSize  uint64         // bytes of a page: 65,536, or 1
}

// Bytes views the accessible bytes.
func (d *MemoryDefinition) Bytes() []byte {
	return unsafe.Slice((*byte)(atomic.LoadPointer(&d.base)), d.length.Load())
}

// Length is the number of accessible bytes.
func (d *MemoryDefinition) Length() uint64 { return d.length.Load() }

// PageSize is the number of bytes of a page of this memory: 65,536, or 1.
func (d *MemoryDefinition) PageSize() uint64 { return d.pageSize }

// Pages is the size in pages.
func (d *MemoryDefinition) Pages() uint64 { return d.Length() / d.pageSize }

// MaxPages is the number of pages that growing may reach at most.
func (d *MemoryDefinition) MaxPages() uint64 { return d.maxLength / d.pageSize }

// Both sides agree about the size.
var _ [unsafe.Sizeof(MemoryDefinition{})]byte = [C.sizeof_gw_memory_def]byte{}

// NewMemory makes a 32-bit memory; sizes are in pages of 64 KiB.
func NewMemory(minimum uint64, maximum uint64, hasMaximum bool) (Extern, error) {
	var handle *C.gw_extern
	err := takeError(C.gw_memory_new(C.uint64_t(minimum), C.bool(hasMaximum), C.uint64_t(maximum), &handle))
	return Extern{handle}, err
}

// MemoryDefinition returns the definition of a memory, which holds as long as the handle. The engine takes it that the bytes are shown to Go from now on.
func (x Extern) MemoryDefinition() *MemoryDefinition {
	return (*MemoryDefinition)(unsafe.Pointer(C.gw_memory_definition(x.handle)))
}

// MemoryGrow adds pages of the memory's own size and returns the number of pages that there were before.
func (x Extern) MemoryGrow(pages uint64) (uint64, error) {
	var old C.uint64_t
	err := takeError(C.gw_memory_grow(x.handle, C.uint64_t(pages), &old))
	return uint64(old), err
}
