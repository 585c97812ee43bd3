package symbols

import (
	"bytes"
	"encoding/binary"
)

// cursor reads bytes from left to right. After it was asked for more than there is, it reads zeros
// and has failed.
type cursor struct {
	data   []byte
	at     int
	failed bool
}

// cursorAt returns a cursor at an offset of data.
func cursorAt(data []byte, offset uint64) cursor {
	if offset > uint64(len(data)) {
		return cursor{failed: true}
	}
	return cursor{data: data, at: int(offset)}
}

func (c *cursor) left() int { return len(c.data) - c.at }

func (c *cursor) fail() {
	c.failed = true
	c.at = len(c.data)
}

// take returns the next n bytes, or nil.
func (c *cursor) take(n uint64) []byte {
	if n > uint64(c.left()) {
		c.fail()
		return nil
	}
	part := c.data[c.at : c.at+int(n)]
	c.at += int(n)
	return part
}

func (c *cursor) u8() uint8 {
	if c.at >= len(c.data) {
		c.fail()
		return 0
	}
	b := c.data[c.at]
	c.at++
	return b
}

// unsigned reads a number of 1 to 8 bytes.
func (c *cursor) unsigned(size int) uint64 {
	var padded [8]byte
	copy(padded[:], c.take(uint64(size)))
	return binary.LittleEndian.Uint64(padded[:])
}

func (c *cursor) u16() uint16 { return uint16(c.unsigned(2)) }
func (c *cursor) u32() uint32 { return uint32(c.unsigned(4)) }
func (c *cursor) u64() uint64 { return c.unsigned(8) }

// offset reads an offset of the 32-bit or 64-bit format.
func (c *cursor) offset(wide bool) uint64 {
	if wide {
		return c.u64()
	}
	return uint64(c.u32())
}

// maxLEB is how many bits a LEB128 number has with those that only fill it up.
const maxLEB = 16 * 7

// uleb reads an unsigned LEB128 number; bits beyond 64 are dropped.
func (c *cursor) uleb() uint64 {
	var value uint64
	for shift := uint(0); shift < maxLEB; shift += 7 {
		b := c.u8()
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	c.fail()
	return 0
}

// sleb reads a signed LEB128 number; bits beyond 64 are dropped.
func (c *cursor) sleb() int64 {
	var value int64
	for shift := uint(0); shift < maxLEB; {
		b := c.u8()
		value |= int64(b&0x7f) << shift
		shift += 7
		if b < 0x80 {
			if b&0x40 != 0 && shift < 64 {
				value |= -1 << shift
			}
			return value
		}
	}
	c.fail()
	return 0
}

// text reads bytes that end with a zero, and returns them without it.
func (c *cursor) text() []byte {
	n := bytes.IndexByte(c.data[c.at:], 0)
	if n < 0 {
		c.fail()
		return nil
	}
	part := c.data[c.at : c.at+n]
	c.at += n + 1
	return part
}

// textAt returns the bytes of a section from an offset to the next zero.
func textAt(section []byte, offset uint64) []byte {
	c := cursorAt(section, offset)
	part := c.data[c.at:]
	part = part[:min(len(part), maxName+1)]
	if n := bytes.IndexByte(part, 0); n >= 0 {
		return part[:n]
	}
	return part[:min(len(part), maxName)]
}

// length reads the length of a unit, and reports whether it has the 64-bit format.
func (c *cursor) length() (n uint64, wide bool) {
	switch n := c.u32(); {
	case n == 0xffffffff:
		return c.u64(), true
	case n >= 0xfffffff0:
		c.fail()
		return 0, false
	default:
		return uint64(n), false
	}
}
