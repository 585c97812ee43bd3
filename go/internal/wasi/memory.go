package wasi

// Sandbox-critical: all that a guest's pointers reach goes through this file. Pointers and lengths
// are unsigned 32-bit numbers of the guest; sums are made in 64 bits, so that none wraps, and
// nothing outside of the slice that the guest gave is ever reached.

import (
	"context"
	"encoding/binary"
)

// Guest is what a function sees of the guest that calls it.
type Guest interface {
	// Memory gives the bytes of the guest's memory. They do not move, but may become more: they are
	// asked for again after whatever may block.
	Memory() []byte

	// Context is that of the call: what blocks ends with it.
	Context() context.Context
}

// memory is a view of the memory of a guest.
type memory []byte

func memoryOf(g Guest) memory { return g.Memory() }

// window gives length bytes from pointer on, and whether they are all within the memory. It can be
// written to, and has no room behind.
func (m memory) window(pointer uint32, length uint64) ([]byte, bool) {
	end := uint64(pointer) + length
	if length > uint64(len(m)) || end > uint64(len(m)) {
		return nil, false
	}
	return m[pointer:end:end], true
}

// slice is window for a slot that holds a pointer and one that holds a length.
func (m memory) slice(pointer, length uint64) ([]byte, bool) {
	return m.window(uint32(pointer), uint64(uint32(length)))
}

func (m memory) putUint16(pointer uint64, value uint16) bool {
	to, ok := m.window(uint32(pointer), 2)
	if ok {
		binary.LittleEndian.PutUint16(to, value)
	}
	return ok
}

func (m memory) putUint32(pointer uint64, value uint32) bool {
	to, ok := m.window(uint32(pointer), 4)
	if ok {
		binary.LittleEndian.PutUint32(to, value)
	}
	return ok
}

func (m memory) putUint64(pointer uint64, value uint64) bool {
	to, ok := m.window(uint32(pointer), 8)
	if ok {
		binary.LittleEndian.PutUint64(to, value)
	}
	return ok
}

// maxVectors is the number of buffers that a call may name, IOV_MAX of wasi-libc.
const maxVectors = 1024

// vectors is a list of buffers in guest memory: pairs of pointer and length.
type vectors struct {
	memory memory
	list   []byte
}

// vectors checks a list of buffers as a whole, so that nothing is read or written when one is out
// of bounds, and says how many bytes they have together.
func (m memory) vectors(pointer, count uint64) (v vectors, total uint64, errno Errno) {
	n := uint64(uint32(count))
	list, ok := m.window(uint32(pointer), n*sizeIovec)
	if !ok {
		return v, 0, EFAULT
	}
	if n > maxVectors {
		return v, 0, EINVAL
	}
	v = vectors{m, list}
	for i := range v.len() {
		buffer, ok := v.at(i)
		if !ok {
			return v, 0, EFAULT
		}
		total += uint64(len(buffer))
	}
	if total > 1<<32-1 { // what was done is told in 32 bits
		return v, 0, EINVAL
	}
	return v, total, Success
}

// only gives the one buffer of a list that has one, if it, the list and the four bytes of the
// result are within the memory.
func (m memory) only(list, result uint64) ([]byte, bool) {
	item, ok := m.window(uint32(list), sizeIovec)
	if !ok || uint64(uint32(result))+4 > uint64(len(m)) {
		return nil, false
	}
	return m.window(binary.LittleEndian.Uint32(item), uint64(binary.LittleEndian.Uint32(item[4:])))
}

func (v vectors) len() int { return len(v.list) / sizeIovec }

// at gives a buffer. It looks at the list anew: another thread of the guest may have changed it.
func (v vectors) at(i int) ([]byte, bool) {
	item := v.list[i*sizeIovec:]
	return v.memory.window(binary.LittleEndian.Uint32(item), uint64(binary.LittleEndian.Uint32(item[4:])))
}
