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

// Accesses up to the last byte work, those beyond are refused as a whole, also where offset and length wrap around.
func TestMemoryAccessBounds(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 2))(t)
	const size = 65536
	accesses := func(offset func(size uint32) uint32) []error {
		return []error{
			second(memory.Read(offset(7), 7)), second(memory.ReadString(offset(7), 7)),
			memory.Write(offset(7), make([]byte, 7)), memory.WriteString(offset(7), "1234567"),
			second(memory.ReadUint8(offset(1))), second(memory.ReadUint16Le(offset(2))), second(memory.ReadUint32Le(offset(4))),
			second(memory.ReadUint64Le(offset(8))), second(memory.ReadFloat32Le(offset(4))), second(memory.ReadFloat64Le(offset(8))),
			memory.WriteUint8(offset(1), 1), memory.WriteUint16Le(offset(2), 1), memory.WriteUint32Le(offset(4), 1),
			memory.WriteUint64Le(offset(8), 1), memory.WriteFloat32Le(offset(4), 1), memory.WriteFloat64Le(offset(8), 1),
		}
	}
	for i, err := range accesses(func(n uint32) uint32 { return size - n }) {
		if err != nil {
			t.Errorf("access %d at the end: %v", i, err)
		}
	}
	before := bytes.Clone(memory.Data())
	for _, offset := range []func(uint32) uint32{
		func(n uint32) uint32 { return size - n + 1 },
		func(uint32) uint32 { return size },
		func(uint32) uint32 { return math.MaxUint32 },
		func(n uint32) uint32 { return -n },
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
	for i, err := range accesses(func(uint32) uint32 { return 0 }) {
		if !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("access %d to a closed memory: %v", i, err)
		}
	}
	var none *wasmer.Memory
	if _, err := none.ReadUint8(0); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("no memory: %v", err)
	}
}
