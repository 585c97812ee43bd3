package tests

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Every load and store at the ends of memories: a value or a trap, exactly as specified (section
// 4.4.7).

// access is a load or store instruction.
type access struct {
	opcode byte
	width  uint64 // bytes in memory
	value  engine.ValType
	signed bool
	store  bool
}

var accesses = []access{
	{0x28, 4, engine.I32, false, false}, {0x29, 8, engine.I64, false, false}, {0x2a, 4, engine.F32, false, false}, {0x2b, 8, engine.F64, false, false},
	{0x2c, 1, engine.I32, true, false}, {0x2d, 1, engine.I32, false, false}, {0x2e, 2, engine.I32, true, false}, {0x2f, 2, engine.I32, false, false},
	{0x30, 1, engine.I64, true, false}, {0x31, 1, engine.I64, false, false}, {0x32, 2, engine.I64, true, false}, {0x33, 2, engine.I64, false, false},
	{0x34, 4, engine.I64, true, false}, {0x35, 4, engine.I64, false, false},
	{0x36, 4, engine.I32, false, true}, {0x37, 8, engine.I64, false, true}, {0x38, 4, engine.F32, false, true}, {0x39, 8, engine.F64, false, true},
	{0x3a, 1, engine.I32, false, true}, {0x3b, 2, engine.I32, false, true}, {0x3c, 1, engine.I64, false, true}, {0x3d, 2, engine.I64, false, true},
	{0x3e, 4, engine.I64, false, true},
}

// offsets of the instructions: inside, around 2^31 where the guard ends, and the greatest.
var offsets = []uint64{0, 1, 4096, 65528, 65536, 1<<31 - 8, 1<<31 - 1, 1 << 31, 1<<31 + 1, 3 << 30, 1<<32 - 9, 1<<32 - 1}

func (a access) name(offset uint64) string { return fmt.Sprintf("%#x offset=%d", a.opcode, offset) }

// accessModule exports a function for each access at each offset. The addresses of half of them are
// sums, so that the compiler's addressing modes have their turn.
func accessModule(pages uint64) []byte {
	var b builder
	b.memories.add(limits(pages, 65536))
	b.exports.add(name("memory"), []byte{kindMemory}, u(0))
	for i, a := range accesses {
		for j, offset := range offsets {
			address := []byte{opLocalGet, 0}
			if (i+j)%2 == 1 {
				address = append(address, opI32Const, 7, 0x6a, opI32Const, 7, 0x6b)
			}
			memarg := append([]byte{a.opcode, 0}, u(offset)...)
			if a.store {
				b.function(a.name(offset), []engine.ValType{engine.I32, a.value}, nil, 0, address, []byte{opLocalGet, 1}, memarg)
			} else {
				b.function(a.name(offset), []engine.ValType{engine.I32}, []engine.ValType{a.value}, 0, address, memarg)
			}
		}
	}
	return b.module()
}

func TestAccessesAtTheEnds(t *testing.T) {
	for mode, options := range map[string][]wasmer.CompileOption{"guarded": nil, "explicit": {wasmer.WithExplicitBounds()}} {
		for _, c := range []struct{ pages, grown uint32 }{{0, 0}, {1, 0}, {1, 2}, {32768, 0}, {65535, 1}} {
			t.Run(fmt.Sprintf("%s, %d+%d pages", mode, c.pages, c.grown), func(t *testing.T) {
				module := compile(t, accessModule(uint64(c.pages)), options...)
				defer module.Close()
				instance := start(t, module, nil)
				defer instance.Close()
				if err := instance.Memory.Grow(c.grown); err != nil {
					t.Fatal(err)
				}
				calls, traps := 0, 0
				for _, a := range accesses {
					for _, offset := range offsets {
						for _, index := range indices(uint64(c.pages+c.grown)*65536, offset) {
							calls++
							if !a.check(t, &instance, offset, index) {
								traps++
							}
						}
					}
				}
				t.Logf("%d accesses, %d of them trap", calls, traps)
			})
		}
	}
}

// indices are those whose sums with the offset lie around the end of the memory, and the ends of
// the range of i32.
func indices(size, offset uint64) []uint32 {
	list := []uint32{0, 1, 1<<31 - 1, 1 << 31, math.MaxUint32 - 7, math.MaxUint32}
	for near := int64(size) - int64(offset) - 9; near <= int64(size)-int64(offset)+9; near++ {
		if near >= 0 && near <= math.MaxUint32 {
			list = append(list, uint32(near))
		}
	}
	return list
}

// check runs one access and compares with what is specified; it returns whether the access is
// inside.
func (a access) check(t *testing.T, instance *wasmer.Instance, offset uint64, index uint32) bool {
	t.Helper()
	data := instance.Memory.Data()
	address := uint64(index) + offset
	inside := address+a.width <= uint64(len(data))
	var before uint64
	if inside {
		for i := range a.width {
			data[address+i] = byte(0x81 + address + i*37)
		}
		before = loadBytes(data[address : address+a.width])
	}
	arguments := []any{index}
	stored := uint64(0xf1e2d3c4b5a69788)
	if a.store {
		arguments = append(arguments, valueOf(a.value, stored))
	}
	value, err := instance.Exports[a.name(offset)](arguments...)
	what := fmt.Sprintf("%s at index %d of %d bytes", a.name(offset), index, len(data))
	if !inside {
		expectTrap(t, what, err, wasmer.TrapMemoryOutOfBounds)
		// Nothing was written in part.
		for i := max(int64(len(data))-8, int64(address)); a.store && i < int64(len(data)); i++ {
			if data[i] == byte(stored>>(8*(uint64(i)-address))) && data[i] != 0 {
				t.Errorf("%s has written byte %d", what, i)
			}
		}
		return false
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return true
	}
	mask := uint64(math.MaxUint64) >> (64 - 8*a.width)
	if a.store {
		if after := loadBytes(data[address : address+a.width]); after != stored&mask {
			t.Errorf("%s has stored %#x, expected %#x", what, after, stored&mask)
		}
		clear(data[address : address+a.width])
		return true
	}
	want := before
	if a.signed {
		want = uint64(int64(before<<(64-8*a.width)) >> (64 - 8*a.width))
	}
	if a.value == engine.I32 {
		want = uint64(uint32(want))
	}
	if got := slotOf(value); got != want {
		t.Errorf("%s gives %#x, expected %#x", what, got, want)
	}
	clear(data[address : address+a.width])
	return true
}

func loadBytes(from []byte) uint64 {
	var all [8]byte
	copy(all[:], from)
	return binary.LittleEndian.Uint64(all[:])
}

func valueOf(t engine.ValType, bits uint64) wasmer.Value {
	switch t {
	case engine.I32:
		return wasmer.I32(int32(uint32(bits)))
	case engine.F32:
		return wasmer.F32(math.Float32frombits(uint32(bits)))
	case engine.F64:
		return wasmer.F64(math.Float64frombits(bits))
	default:
		return wasmer.I64(int64(bits))
	}
}
