package wasmer_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestMemoryAccess(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 2))(t)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	ok(memory.Write(3, []byte{1, 2, 3, 4, 5, 6, 7, 8}))
	if got := must(memory.Read(3, 8))(t); !bytes.Equal(got, []byte{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Error(got)
	} else if got[0] = 9; memory.Data()[3] != 1 {
		t.Error("Read does not copy")
	}
	if v := must(memory.ReadUint8(10))(t); v != 8 {
		t.Error(v)
	}
	if v := must(memory.ReadUint16Le(3))(t); v != 0x0201 {
		t.Error(v)
	}
	if v := must(memory.ReadUint32Le(3))(t); v != 0x04030201 {
		t.Error(v)
	}
	if v := must(memory.ReadUint64Le(3))(t); v != 0x0807060504030201 {
		t.Error(v)
	}
	ok(memory.WriteUint8(100, 0xff))
	ok(memory.WriteUint16Le(101, 0x1234))
	ok(memory.WriteUint32Le(103, 0x12345678))
	ok(memory.WriteUint64Le(107, 0x123456789abcdef0))
	if got := must(memory.Read(100, 15))(t); !bytes.Equal(got, []byte{0xff, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12}) {
		t.Errorf("%x", got)
	}
	ok(memory.WriteFloat32Le(1, math.Float32frombits(0x7fa12345)))
	ok(memory.WriteFloat64Le(5, math.Float64frombits(0x7ff4123456789abc)))
	if v := must(memory.ReadFloat32Le(1))(t); math.Float32bits(v) != 0x7fa12345 {
		t.Errorf("%#x", math.Float32bits(v))
	}
	if v := must(memory.ReadFloat64Le(5))(t); math.Float64bits(v) != 0x7ff4123456789abc {
		t.Errorf("%#x", math.Float64bits(v))
	}
	ok(memory.WriteString(200, "Grüße\x00"))
	if v := must(memory.ReadString(200, 8))(t); v != "Grüße\x00" {
		t.Errorf("%q", v)
	}
	memory.Close()
}

// Accesses up to the last byte work, those beyond are refused as a whole, also where offset and
// length wrap around.
func TestMemoryAccessBounds(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 2))(t)
	const size = 65536
	accesses := func(offset func(size uint64) uint64) []error {
		return []error{
			second(memory.Read(offset(7), 7)), second(memory.ReadString(offset(7), 7)),
			memory.Write(offset(7), make([]byte, 7)), memory.WriteString(offset(7), "1234567"),
			second(memory.ReadUint8(offset(1))), second(memory.ReadUint16Le(offset(2))), second(memory.ReadUint32Le(offset(4))),
			second(memory.ReadUint64Le(offset(8))), second(memory.ReadFloat32Le(offset(4))), second(memory.ReadFloat64Le(offset(8))),
			memory.WriteUint8(offset(1), 1), memory.WriteUint16Le(offset(2), 1), memory.WriteUint32Le(offset(4), 1),
			memory.WriteUint64Le(offset(8), 1), memory.WriteFloat32Le(offset(4), 1), memory.WriteFloat64Le(offset(8), 1),
		}
	}
	for i, err := range accesses(func(n uint64) uint64 { return size - n }) {
		if err != nil {
			t.Errorf("access %d at the end: %v", i, err)
		}
	}
	before := bytes.Clone(memory.Data())
	for _, offset := range []func(uint64) uint64{
		func(n uint64) uint64 { return size - n + 1 },
		func(uint64) uint64 { return size },
		func(uint64) uint64 { return math.MaxUint32 },
		func(uint64) uint64 { return math.MaxUint64 },
		func(n uint64) uint64 { return -n },
	} {
		for i, err := range accesses(offset) {
			var memoryError *wasmer.MemoryError
			if !errors.As(err, &memoryError) {
				t.Errorf("access %d at %d: %v", i, offset(1), err)
			}
		}
	}
	if !bytes.Equal(before, memory.Data()) {
		t.Error("an access that was refused has written")
	}
	_, err := memory.Read(size-1, 2)
	checkText(t, err, "memory access out of range: 2 bytes at offset 65535 (size 65536)")
	if err := memory.Write(size, nil); err != nil {
		t.Errorf("nothing at the end: %v", err)
	}
	if _, err := memory.Read(0, math.MaxUint32); err == nil {
		t.Error("4 GiB are read")
	}
	// A slice of Data stays valid when the memory grows, and the new pages are there.
	data := memory.Data()
	if err := memory.Grow(1); err != nil {
		t.Fatal(err)
	}
	data[0] = 77
	if v := must(memory.ReadUint8(0))(t); v != 77 {
		t.Errorf("found %d, expected 77", v)
	}
	if err := memory.WriteUint64Le(2*size-8, 1); err != nil {
		t.Error(err)
	}
	memory.Close()
	for i, err := range accesses(func(uint64) uint64 { return 0 }) {
		if !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("access %d to a closed memory: %v", i, err)
		}
	}
	var none *wasmer.Memory
	if _, err := none.ReadUint8(0); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("no memory: %v", err)
	}
}

func TestMemoryViewAndCStrings(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 3))(t)
	const size = 65536
	if memory.Size() != size {
		t.Errorf("size %d", memory.Size())
	}
	view := must(memory.View(size-4, 4))(t)
	if len(view) != 4 || cap(view) != 4 {
		t.Errorf("length %d, capacity %d", len(view), cap(view))
	}
	copy(view, "abcd")
	if got := must(memory.ReadString(size-4, 4))(t); got != "abcd" {
		t.Errorf("read %q", got)
	}
	_, err := memory.View(size-3, 4)
	checkText(t, err, "memory access out of range: 4 bytes at offset 65533 (size 65536)")

	_, err = memory.ReadCString(size-4, math.MaxUint64) // the memory ends before a zero
	checkContains(t, err, "no zero byte within 18446744073709551615 bytes from offset 65532 on")
	_, err = memory.ReadCString(size+1, 1)
	checkContains(t, err, "at offset 65537")
	if err := memory.WriteCString(100, "Grüße"); err != nil {
		t.Error(err)
	}
	if got := must(memory.ReadCString(100, 8))(t); got != "Grüße" { // 7 bytes and the zero
		t.Errorf("read %q", got)
	}
	_, err = memory.ReadCString(100, 7)
	checkContains(t, err, "no zero byte within 7 bytes from offset 100 on, expected one at the end of the string")
	checkContains(t, memory.WriteCString(100, "a\x00b"), "the string has a zero byte at index 1")
	if err := memory.WriteCString(size-3, "xy"); err != nil {
		t.Error(err)
	}
	before := bytes.Clone(memory.Data())
	checkContains(t, memory.WriteCString(size-2, "xy"), "3 bytes at offset 65534")
	if !bytes.Equal(before, memory.Data()) {
		t.Error("a string that does not fit was written")
	}

	if previous := must(memory.GrowBy(1))(t); previous != 1 || memory.Size() != 2*size {
		t.Errorf("%d pages before, %d bytes now", previous, memory.Size())
	}
	if previous := must(memory.GrowBy(0))(t); previous != 2 {
		t.Errorf("%d pages", previous)
	}
	for _, pages := range []uint64{2, 1 << 32, math.MaxUint64} {
		_, err = memory.GrowBy(pages)
		var typed *wasmer.MemoryError
		if !errors.As(err, &typed) || memory.Size() != 2*size {
			t.Errorf("%v, %d bytes", err, memory.Size())
		}
	}
	_, err = memory.GrowBy(2)
	checkText(t, err, "cannot grow the memory by 2 pages: 2 pages and 2 more, expected 3 at most")
	memory.Close()
	for i, err := range []error{second(memory.View(0, 0)), second(memory.ReadCString(0, 1)), memory.WriteCString(0, ""), second(memory.GrowBy(0))} {
		if !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("access %d: %v", i, err)
		}
	}
	if memory.Size() != 0 {
		t.Errorf("size %d", memory.Size())
	}
}
