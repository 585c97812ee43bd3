package wasmer_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// proposalsGuest is the guest with what came after WebAssembly 2.0; see
// testdata/proposals/guest.wat.
func proposalsGuest(t *testing.T) []byte {
	t.Helper()
	return must(wasmer.ReadBytes(filepath.Join("..", "..", "testdata", "proposals", "guest.wasm")))(t)
}

// proposals is an instance of it.
func proposals(t *testing.T, options ...wasmer.Option) wasmer.Instance {
	t.Helper()
	imports := wasmer.NewImports()
	must(imports.Append("twice", func(x int32) int32 { return 2 * x }))(t)
	instance, err := wasmer.NewInstanceContext(context.Background(), proposalsGuest(t), imports, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Close)
	return instance
}

// A 64-bit memory, in both ways to check bounds: the host and the guest see the same bytes, and
// indices of 64 bits are all checked.
func TestMemory64(t *testing.T) {
	for _, options := range [][]wasmer.Option{nil, {wasmer.WithExplicitBounds()}} {
		instance := proposals(t, options...)
		memory := instance.Memory
		if memory.Length() != 65536 || memory.PageSize() != 65536 {
			t.Errorf("%d bytes in pages of %d, expected 65536 in pages of 65536", memory.Length(), memory.PageSize())
		}
		if err := memory.WriteUint32Le(65532, 0xdeadbeef); err != nil {
			t.Error(err)
		}
		if got := call(t, instance, "load64", int64(65532)); uint32(got.ToI32()) != 0xdeadbeef {
			t.Errorf("the guest reads %#x", got.ToI32())
		}
		call(t, instance, "store64", int64(16), int32(7))
		if got, err := memory.ReadUint32Le(16); err != nil || got != 7 {
			t.Errorf("the host reads %d (%v)", got, err)
		}
		for _, address := range []int64{65533, 65536, 1 << 32, 1<<32 + 16, math.MaxInt64, math.MinInt64, -1, -4} {
			if _, err := instance.Exports["load64"](address); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) {
				t.Errorf("load64(%d): %v", address, err)
			}
		}
		data := memory.Data()
		if err := memory.Grow(2); err != nil {
			t.Error(err)
		}
		data[0] = 9 // slices stay valid
		if got := call(t, instance, "load64", int64(0)); got != wasmer.I32(9) || memory.Length() != 3*65536 {
			t.Errorf("after growing: %v, %d bytes", got, memory.Length())
		}
		checkText(t, memory.Grow(1), "Failed to grow the memory:\n    Grow Error: Failed to add pages because would exceed maximum number of pages. "+
			"Left: 3, Right: 1, Pages added: 4")
	}
}

// Each memory is apart from the others, and bytes are copied between memories of different index
// types.
func TestModulesWithSeveralMemories(t *testing.T) {
	instance := proposals(t)
	call(t, instance, "store32", 8, 11)
	call(t, instance, "store_byte", 8, 22)
	if got := call(t, instance, "load64", int64(8)); got != wasmer.I32(0) {
		t.Errorf("memory 0 has %v, expected 0", got)
	}
	call(t, instance, "copy", int64(8), 8, 4)
	if got := call(t, instance, "load64", int64(8)); got != wasmer.I32(11) {
		t.Errorf("memory 0 has %v, expected 11 as copied from memory 1", got)
	}
	if _, err := instance.Exports["copy"](int64(65533), 0, 4); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) {
		t.Errorf("a copy beyond the end: %v", err)
	}
}

// Pages of one byte: the size is exact.
func TestPagesOfOneByte(t *testing.T) {
	instance := proposals(t)
	call(t, instance, "store_byte", 99, 1)
	for _, address := range []int32{100, 4095, 4096, -1} {
		if _, err := instance.Exports["store_byte"](address, 1); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) {
			t.Errorf("store_byte(%d): %v", address, err)
		}
	}
	for _, c := range [][2]int32{{50, 100}, {51, -1}, {50, 150}, {1, -1}} {
		if got := call(t, instance, "grow_bytes", c[0]); got != wasmer.I32(c[1]) {
			t.Errorf("grow_bytes(%d) = %v, expected %d", c[0], got, c[1])
		}
	}
	call(t, instance, "store_byte", 199, 1)
}

func TestCeilingsOfSeveralMemories(t *testing.T) {
	instance := proposals(t, wasmer.WithMemoryCeiling(2))
	if err := instance.Memory.Grow(1); err != nil {
		t.Error(err)
	}
	checkContains(t, instance.Memory.Grow(1), "would exceed maximum number of pages. Left: 2, Right: 1")
	if got := call(t, instance, "grow32", 1); got != wasmer.I32(1) {
		t.Errorf("grow32(1) = %v, expected 1: each memory has the ceiling by itself", got)
	}
}

// Calls in tail position take no stack, through tables and to a host function, too.
func TestTailCalls(t *testing.T) {
	instance := proposals(t)
	for _, c := range []struct {
		name     string
		expected int32
	}{{"even", 1}, {"even_by_table", 1}, {"count_down_to_host", 84}} {
		if got := call(t, instance, c.name, int64(3_000_000)); got != wasmer.I32(c.expected) {
			t.Errorf("%s = %v, expected %d", c.name, got, c.expected)
		}
	}
	if got := call(t, instance, "even", int64(3_000_001)); got != wasmer.I32(0) {
		t.Errorf("even = %v, expected 0", got)
	}
}

// Pauses while frames are replaced by others, with more and fewer arguments on the stack, change
// nothing.
func TestTailCallsArePaused(t *testing.T) {
	instance := proposals(t)
	done := make(chan wasmer.Value)
	go func() {
		value, err := instance.Exports["resize"](int64(50_000_000))
		if err != nil {
			t.Error(err)
		}
		done <- value
	}()
	for {
		select {
		case got := <-done:
			if got != wasmer.I32(7) {
				t.Errorf("%v, expected 7", got)
			}
			return
		default:
			runtime.GC()
		}
	}
}

// An endless loop of tail calls ends with its context.
func TestTailCallsAreCancelled(t *testing.T) {
	instance := proposals(t)
	forever := must(instance.Function("forever"))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := forever.Call(ctx, int64(0))
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's error", err)
	}
}

// What the module says of itself, compiled and read back.
func TestDescriptorsOfProposals(t *testing.T) {
	module := must(wasmer.Compile(proposalsGuest(t)))(t)
	defer module.Close()
	again := must(wasmer.DeserializeModule(must(module.Serialize())(t)))(t)
	defer again.Close()
	for _, module := range []wasmer.Module{module, again} {
		kinds := map[string]wasmer.ImportExportKind{}
		for _, export := range module.Exports {
			kinds[export.Name] = export.Kind
		}
		if kinds["memory"] != wasmer.ImportExportKindMemory || kinds["bytes"] != wasmer.ImportExportKindMemory || kinds["table"] != wasmer.ImportExportKindTable {
			t.Errorf("exports %v", module.Exports)
		}
		if len(module.Imports) != 1 || module.Imports[0].Name != "twice" {
			t.Errorf("imports %v", module.Imports)
		}
	}
}

// The limit of the implementation is named; so are proposals that are refused.
func TestLimitsOfProposals(t *testing.T) {
	_, err := wasmer.NewInstance(module(section(5, join([]byte{4}, leb(262145)))))
	checkContains(t, err, "memory of 262145 pages, expected at most 262144, the limit of this implementation")
	memories := make([][]byte, 101)
	for i := range memories {
		memories[i] = []byte{0, 0}
	}
	_, err = wasmer.NewInstance(module(section(5, memories...)))
	checkContains(t, err, "memories count exceeds limit of 100")
	_, err = wasmer.NewInstance(module(section(5, []byte{3, 1, 1})))
	checkContains(t, err, "the proposal threads is not supported")
}
