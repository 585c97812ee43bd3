package wasmer_test

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestExportedMemory(t *testing.T) {
	instance := instantiate(t, guest(t, "memory"), nil)
	memory := instance.Memory
	if !instance.HasMemory() || memory.IsOwned() {
		t.Error("the memory is not borrowed from the instance")
	}
	if memory.Length() != 2*65536 || len(memory.Data()) != 2*65536 || cap(memory.Data()) != 2*65536 {
		t.Errorf("length %d, slice of %d and capacity %d, expected 131072", memory.Length(), len(memory.Data()), cap(memory.Data()))
	}
	pointer := call(t, instance, "return_hello").ToI32()
	data := memory.Data()
	if text := string(data[pointer : pointer+13]); text != "Hello, World!" {
		t.Errorf("the guest wrote %q", text)
	}
	data[pointer] = 'A'
	if got := call(t, instance, "load8", pointer); got != wasmer.I32('A') {
		t.Errorf("the guest reads %v, expected %d", got, 'A')
	}
	if memory.Data()[pointer] != 'A' {
		t.Error("two slices do not share the bytes")
	}
	call(t, instance, "store64", 8, int64(-2))
	if got := int64(binary.LittleEndian.Uint64(data[8:])); got != -2 {
		t.Errorf("the host reads %d, expected -2", got)
	}
}

func TestNoMemory(t *testing.T) {
	instance := instantiate(t, guest(t, "no_memory"), nil)
	if instance.Memory != nil || instance.HasMemory() {
		t.Error("there is a memory")
	}
	// A nil memory, as in an instance without one, behaves like a closed one.
	if instance.Memory.Data() != nil || instance.Memory.Length() != 0 || instance.Memory.IsOwned() {
		t.Error("a nil memory has bytes")
	}
	if err := instance.Memory.Grow(1); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Grow of nil: %v", err)
	}
	instance.Memory.Close()
}

func TestMemoryGrow(t *testing.T) {
	instance := instantiate(t, guest(t, "memory"), nil)
	memory := instance.Memory
	before := memory.Data()
	before[0] = 42
	if err := memory.Grow(3); err != nil {
		t.Fatal(err)
	}
	after := memory.Data()
	if len(before) != 2*65536 || len(after) != 5*65536 || &before[0] != &after[0] || after[0] != 42 {
		t.Errorf("slices of %d and %d bytes", len(before), len(after))
	}
	for i, b := range after[2*65536:] {
		if b != 0 {
			t.Fatalf("byte %d of the new pages is %d", i, b)
		}
	}
	if got := call(t, instance, "size"); got != wasmer.I32(5) {
		t.Errorf("the guest sees %v pages, expected 5", got)
	}
	if got := call(t, instance, "grow", 1); got != wasmer.I32(5) || memory.Length() != 6*65536 {
		t.Errorf("the guest grew from %v pages to %d bytes", got, memory.Length())
	}
	if err := memory.Grow(0); err != nil {
		t.Error(err)
	}
	err := memory.Grow(100000)
	checkText(t, err, "Failed to grow the memory:\n    Grow Error: Failed to add pages because would exceed maximum number of pages. "+
		"Left: 6, Right: 100000, Pages added: 100006")
	var failure *wasmer.MemoryError
	if !errors.As(err, &failure) {
		t.Errorf("the error is a %T", err)
	}
	if err := memory.Grow(math.MaxUint32); err == nil {
		t.Error("2^32-1 pages are added")
	}
	if got := call(t, instance, "size"); got != wasmer.I32(6) {
		t.Errorf("failing to grow left %v pages, expected 6", got)
	}
}

func TestNewMemory(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 3))(t)
	if !memory.IsOwned() || memory.Length() != 65536 || len(memory.Data()) != 65536 {
		t.Errorf("owned %v, %d bytes", memory.IsOwned(), memory.Length())
	}
	if err := memory.Grow(2); err != nil || memory.Length() != 3*65536 {
		t.Errorf("%d bytes (%v), expected 3 pages", memory.Length(), err)
	}
	checkText(t, memory.Grow(1), "Failed to grow the memory:\n    Grow Error: Failed to add pages because would exceed maximum number of pages. "+
		"Left: 3, Right: 1, Pages added: 4")
	memory.Close()
	memory.Close()
	if memory.Data() != nil || memory.Length() != 0 {
		t.Error("a closed memory has bytes")
	}
	err := memory.Grow(1)
	checkText(t, err, "Failed to grow the memory:\n    the memory is closed")
	empty := must(wasmer.NewMemory(0, 0))(t)
	defer empty.Close()
	if len(empty.Data()) != 0 || empty.Length() != 0 {
		t.Error("a memory of no pages has bytes")
	}
	for _, limits := range [][2]uint32{{2, 1}, {0, 65537}, {65537, 65537}, {math.MaxUint32, math.MaxUint32}} {
		memory, err := wasmer.NewMemory(limits[0], limits[1])
		var failure *wasmer.MemoryError
		if memory != nil || !errors.As(err, &failure) {
			t.Errorf("limits %v: %v, %v", limits, memory, err)
		}
	}
}

// A memory of 4 GiB: the length does not fit, the slice does.
func TestLargestMemory(t *testing.T) {
	memory, err := wasmer.NewMemory(0, 65536)
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	if err := memory.Grow(65536); err != nil {
		t.Fatal(err)
	}
	if memory.Length() != math.MaxUint32 || len(memory.Data()) != 1<<32 {
		t.Errorf("length %d, slice of %d bytes", memory.Length(), len(memory.Data()))
	}
	memory.Data()[1<<32-1] = 1
}

// sharing gives the imports of the guest imports_all with a memory.
func sharing(t *testing.T, memory *wasmer.Memory) *wasmer.Imports {
	t.Helper()
	identity := func(x int32) int32 { return x }
	imports := must(wasmer.NewImports().Append("shared", identity))(t)
	must(imports.Namespace("other").Append("shared", identity))(t)
	return must(imports.Namespace("env").AppendMemory("memory", memory))(t)
}

func TestSharedMemory(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 4))(t)
	imports := sharing(t, memory)
	first, second := instantiate(t, guest(t, "imports_all"), imports), instantiate(t, guest(t, "imports_all"), imports)
	memory.Data()[7] = 1
	call(t, first, "store8", 8, 2)
	call(t, second, "store8", 9, 3)
	for i := range 3 {
		a, b, c := call(t, first, "load8", 7+i), call(t, second, "load8", 7+i), memory.Data()[7+i]
		if a != b || a.ToI32() != int32(i+1) || c != byte(i+1) {
			t.Errorf("byte %d is %v, %v and %d, expected %d", 7+i, a, b, c, i+1)
		}
	}
	if got := call(t, first, "grow", 1); got != wasmer.I32(1) {
		t.Errorf("grow = %v, expected 1", got)
	}
	if second.Memory.Length() != 2*65536 || memory.Length() != 2*65536 {
		t.Errorf("the others see %d and %d bytes", second.Memory.Length(), memory.Length())
	}
	// Whoever is closed first: the bytes stay for the others.
	memory.Close()
	call(t, first, "store8", 65536, 4)
	first.Close()
	if got := call(t, second, "load8", 65536); got != wasmer.I32(4) {
		t.Errorf("the second instance reads %v, expected 4", got)
	}
	// The memory of an instance can be imported by another.
	third := instantiate(t, guest(t, "imports_all"), sharing(t, second.Memory))
	second.Close()
	if got := call(t, third, "load8", 65536); got != wasmer.I32(4) || third.Memory.Data()[65536] != 4 {
		t.Errorf("the third instance reads %v, expected 4", got)
	}
	if second.Memory.Data() != nil {
		t.Error("the memory of a closed instance has bytes")
	}
}

func TestMemoryHammer(t *testing.T) {
	for range 20 {
		memory := must(wasmer.NewMemory(1, 200))(t)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for range 20 {
					data := memory.Data()
					if data != nil {
						_ = data[len(data)-1]
					}
					_ = memory.Grow(1)
					if length := memory.Length(); length%65536 != 0 {
						t.Errorf("length %d", length)
					}
				}
				if i == 0 {
					// What Data returned is not used any more here, but Length and Grow are.
					group.Go(func() { _ = memory.Length() })
				}
			})
		}
		group.Wait()
		if memory.Length() != 161*65536 {
			t.Errorf("%d bytes after growing by 160 pages", memory.Length())
		}
		for range 4 {
			group.Go(memory.Close)
			group.Go(func() { _ = memory.Grow(1) })
			group.Go(func() { _ = memory.Data() })
		}
		group.Wait()
	}
}
