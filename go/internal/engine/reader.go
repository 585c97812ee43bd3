//go:build linux && (amd64 || arm64)

package engine

import (
	"encoding/binary"
	"fmt"
)

// reader decodes the answers of the C ABI: little endian, strings as a 32-bit length and bytes. After a failure everything
// reads as zero, and end reports the first one.
type reader struct {
	bytes []byte
	at    int
	err   error
}

func (r *reader) fail(format string, arguments ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %s", r.at, fmt.Sprintf(format, arguments...))
	}
	r.at = len(r.bytes)
}

// take returns the next n bytes, or nil.
func (r *reader) take(n int) []byte {
	if n > len(r.bytes)-r.at {
		r.fail("%d bytes wanted, %d left", n, len(r.bytes)-r.at)
		return nil
	}
	part := r.bytes[r.at : r.at+n]
	r.at += n
	return part
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) str() string { return string(r.take(int(r.u32()))) }

// count reads the length of a list whose items have at least the given size, so that a wrong length cannot ask for much memory.
func (r *reader) count(size int) int {
	n := int(r.u32())
	if n > (len(r.bytes)-r.at)/size {
		r.fail("a list of %d items in %d bytes", n, len(r.bytes)-r.at)
		return 0
	}
	return n
}

// end reports the first failure, or bytes that are left.
func (r *reader) end(what string) error {
	if r.err == nil && r.at != len(r.bytes) {
		r.fail("%d bytes left", len(r.bytes)-r.at)
	}
	if r.err != nil {
		return &Error{Kind: KindInternal, Message: fmt.Sprintf("cannot read the %s: %v", what, r.err)}
	}
	return nil
}
