// Package wire decodes what the Rust side encodes: little-endian numbers, strings as a 32-bit
// length and bytes.
package wire

import (
	"encoding/binary"
	"fmt"
)

// Reader reads one value after the other. After a failure everything reads as zero, and End reports
// the first one.
type Reader struct {
	bytes []byte
	at    int
	err   error
}

// NewReader returns a reader of bytes; Take gives parts of them, not copies.
func NewReader(bytes []byte) *Reader { return &Reader{bytes: bytes} }

// Failed reports whether something could not be read.
func (r *Reader) Failed() bool { return r.err != nil }

// left is the number of bytes that are left.
func (r *Reader) left() int { return len(r.bytes) - r.at }

// Fail notes a failure, unless there was one before, and ends reading.
func (r *Reader) Fail(format string, arguments ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %s", r.at, fmt.Sprintf(format, arguments...))
	}
	r.at = len(r.bytes)
}

// Take returns the next n bytes, or nil.
func (r *Reader) Take(n int) []byte {
	if n > r.left() {
		r.Fail("%d bytes wanted, %d left", n, r.left())
		return nil
	}
	part := r.bytes[r.at : r.at+n]
	r.at += n
	return part
}

// U8 reads a byte.
func (r *Reader) U8() uint8 {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// U32 reads a number of 32 bits.
func (r *Reader) U32() uint32 {
	if b := r.Take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads a number of 64 bits.
func (r *Reader) U64() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Str reads a string.
func (r *Reader) Str() string { return string(r.Take(int(r.U32()))) }

// Count reads the length of a list whose items have at least the given size, so that a wrong length
// cannot ask for much memory.
func (r *Reader) Count(size int) int {
	n := int(r.U32())
	if n > r.left()/size {
		r.Fail("a list of %d items in %d bytes", n, r.left())
		return 0
	}
	return n
}

// End reports the first failure, or bytes that are left, when what was to be read.
func (r *Reader) End(what string) error {
	if r.err == nil && r.at != len(r.bytes) {
		r.Fail("%d bytes left", r.left())
	}
	if r.err != nil {
		return fmt.Errorf("cannot read the %s: %w", what, r.err)
	}
	return nil
}
