package wasmer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// This file reads and writes memory with checked bounds. Offsets and lengths are in bytes; numbers
// are little-endian, as guests have them, and need not be aligned. An access that is not within the
// memory is refused as a whole with a [*MemoryError], and so is any if the memory is closed.
// Accesses are ordered with those of guests and other goroutines only by what orders these
// otherwise.

// window calls see with a part of the memory, which see must not keep.
func (memory *Memory) window(offset, length uint64, see func([]byte)) error {
	if err := memory.made().Do(offset, length, see); err != nil {
		return memoryAccessError(err)
	}
	return nil
}

func memoryAccessError(cause error) error {
	return &MemoryError{failure(cause), cause}
}

// Read returns a copy of length bytes from offset on. The error is a [*MemoryError]: they are not
// all within the memory, or it is closed. [Memory.View] returns them without copying.
func (memory *Memory) Read(offset, length uint64) (copied []byte, err error) {
	err = memory.window(offset, length, func(window []byte) {
		copied = make([]byte, length)
		copy(copied, window)
	})
	return copied, err
}

// View returns length bytes from offset on without copying them: what is written to the slice,
// guests read. Its capacity is its length. As with [Memory.Data], the slice stays valid when the
// memory grows, and must not be used once the memory is closed. The error is as that of
// [Memory.Read].
func (memory *Memory) View(offset, length uint64) ([]byte, error) {
	view, err := memory.made().View(offset, length)
	if err != nil {
		return nil, memoryAccessError(err)
	}
	return view, nil
}

// Write copies bytes to the memory, from offset on. The error is a [*MemoryError]; nothing is
// written then.
func (memory *Memory) Write(offset uint64, bytes []byte) error {
	return memory.window(offset, uint64(len(bytes)), func(window []byte) { copy(window, bytes) })
}

// ReadString returns length bytes from offset on as a string, whatever they are. The error is as
// that of [Memory.Read].
func (memory *Memory) ReadString(offset, length uint64) (text string, err error) {
	err = memory.window(offset, length, func(window []byte) { text = string(window) })
	return text, err
}

// WriteString copies the bytes of a string to the memory, from offset on, without a zero behind
// them. The error is as that of [Memory.Write].
func (memory *Memory) WriteString(offset uint64, text string) error {
	return memory.window(offset, uint64(len(text)), func(window []byte) { copy(window, text) })
}

// ReadCString returns the bytes from offset up to the first zero byte, as C programs store strings.
// It looks at maxLength bytes at most, the zero included. The error is a [*MemoryError]: there is
// no zero byte among them, offset is outside of the memory, or the memory is closed.
func (memory *Memory) ReadCString(offset, maxLength uint64) (string, error) {
	var text string
	found := false
	err := memory.made().DoFrom(offset, maxLength, func(window []byte) {
		if end := bytes.IndexByte(window, 0); end >= 0 {
			text, found = string(window[:end]), true
		}
	})
	if err == nil && !found {
		err = fmt.Errorf("no zero byte within %d bytes from offset %d on, expected one at the end of the string", maxLength, offset)
	}
	if err != nil {
		return "", memoryAccessError(err)
	}
	return text, nil
}

// WriteCString copies a string to the memory, from offset on, and writes a zero byte behind it:
// len(text)+1 bytes in all. The error is a [*MemoryError], and nothing is written: the text
// contains a zero byte, or as that of [Memory.Write].
func (memory *Memory) WriteCString(offset uint64, text string) error {
	if at := strings.IndexByte(text, 0); at >= 0 {
		return memoryAccessError(fmt.Errorf("the string has a zero byte at index %d, expected none, as the first one ends it", at))
	}
	return memory.window(offset, uint64(len(text))+1, func(window []byte) { window[copy(window, text)] = 0 })
}

// ReadUint8 returns the byte at an offset. The error is as that of [Memory.Read].
func (memory *Memory) ReadUint8(offset uint64) (value uint8, err error) {
	err = memory.window(offset, 1, func(window []byte) { value = window[0] })
	return value, err
}

// ReadUint16Le returns the two bytes at an offset as a number. The error is as that of
// [Memory.Read].
func (memory *Memory) ReadUint16Le(offset uint64) (value uint16, err error) {
	err = memory.window(offset, 2, func(window []byte) { value = binary.LittleEndian.Uint16(window) })
	return value, err
}

// ReadUint32Le returns the four bytes at an offset as a number. The error is as that of
// [Memory.Read].
func (memory *Memory) ReadUint32Le(offset uint64) (value uint32, err error) {
	err = memory.window(offset, 4, func(window []byte) { value = binary.LittleEndian.Uint32(window) })
	return value, err
}

// ReadUint64Le returns the eight bytes at an offset as a number. The error is as that of
// [Memory.Read].
func (memory *Memory) ReadUint64Le(offset uint64) (value uint64, err error) {
	err = memory.window(offset, 8, func(window []byte) { value = binary.LittleEndian.Uint64(window) })
	return value, err
}

// ReadFloat32Le returns the four bytes at an offset as a float, bit for bit. The error is as that
// of [Memory.Read].
func (memory *Memory) ReadFloat32Le(offset uint64) (float32, error) {
	bits, err := memory.ReadUint32Le(offset)
	return math.Float32frombits(bits), err
}

// ReadFloat64Le returns the eight bytes at an offset as a float, bit for bit. The error is as that
// of [Memory.Read].
func (memory *Memory) ReadFloat64Le(offset uint64) (float64, error) {
	bits, err := memory.ReadUint64Le(offset)
	return math.Float64frombits(bits), err
}

// WriteUint8 writes a byte at an offset. The error is as that of [Memory.Write].
func (memory *Memory) WriteUint8(offset uint64, value uint8) error {
	return memory.window(offset, 1, func(window []byte) { window[0] = value })
}

// WriteUint16Le writes a number to the two bytes at an offset. The error is as that of
// [Memory.Write].
func (memory *Memory) WriteUint16Le(offset uint64, value uint16) error {
	return memory.window(offset, 2, func(window []byte) { binary.LittleEndian.PutUint16(window, value) })
}

// WriteUint32Le writes a number to the four bytes at an offset. The error is as that of
// [Memory.Write].
func (memory *Memory) WriteUint32Le(offset uint64, value uint32) error {
	return memory.window(offset, 4, func(window []byte) { binary.LittleEndian.PutUint32(window, value) })
}

// WriteUint64Le writes a number to the eight bytes at an offset. The error is as that of
// [Memory.Write].
func (memory *Memory) WriteUint64Le(offset uint64, value uint64) error {
	return memory.window(offset, 8, func(window []byte) { binary.LittleEndian.PutUint64(window, value) })
}

// WriteFloat32Le writes a float to the four bytes at an offset, bit for bit. The error is as that
// of [Memory.Write].
func (memory *Memory) WriteFloat32Le(offset uint64, value float32) error {
	return memory.WriteUint32Le(offset, math.Float32bits(value))
}

// WriteFloat64Le writes a float to the eight bytes at an offset, bit for bit. The error is as that
// of [Memory.Write].
func (memory *Memory) WriteFloat64Le(offset uint64, value float64) error {
	return memory.WriteUint64Le(offset, math.Float64bits(value))
}
