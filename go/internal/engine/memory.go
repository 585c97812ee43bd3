//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_memory_new
#cgo nocallback gw_memory_new
#cgo noescape gw_memory_definition
#cgo nocallback gw_memory_definition
#cgo noescape gw_memory_grow
#cgo nocallback gw_memory_grow
#cgo noescape gw_memory_free
#cgo nocallback gw_memory_free
#include "wasmer.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// PageSize is the number of bytes of a page of a memory that does not choose another size.
const PageSize = 65536

// Memory is a handle of a linear memory, which keeps it alive. The zero value is no memory.
type Memory struct{ handle *C.gw_memory }

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
func NewMemory(minimum uint64, maximum uint64, hasMaximum bool) (Memory, error) {
	var handle *C.gw_memory
	err := takeError(C.gw_memory_new(C.uint64_t(minimum), C.bool(hasMaximum), C.uint64_t(maximum), &handle))
	return Memory{handle}, err
}

// IsNil says whether this is no memory.
func (m Memory) IsNil() bool { return m.handle == nil }

// Definition returns the definition, which holds as long as the handle. The engine takes it that the bytes are shown to Go from now on.
func (m Memory) Definition() *MemoryDefinition {
	return (*MemoryDefinition)(unsafe.Pointer(C.gw_memory_definition(m.handle)))
}

// Grow adds pages of the memory's own size and returns the number of pages that there were before.
func (m Memory) Grow(pages uint64) (uint64, error) {
	var old C.uint64_t
	err := takeError(C.gw_memory_grow(m.handle, C.uint64_t(pages), &old))
	return uint64(old), err
}

// Free gives the handle back.
func (m Memory) Free() { C.gw_memory_free(m.handle) }
