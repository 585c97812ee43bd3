package tests

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Greedy guests and huge modules: an error, or bounded time and memory.

// Growing to the greatest size and beyond fails in the guest as the specification says, and the
// instance works on.
func TestGrowBombs(t *testing.T) {
	module := compiled(t, "grow")
	expectSteady(t, 2, func() {
		instance := start(t, module, nil)
		defer instance.Close()
		for name, most := range map[string]int32{"memory_grow": 65536, "table_grow": 10_000_000, "externs_grow": 10_000_000, "bounded_grow": 100} {
			for _, by := range []any{-1, int32(-1 << 31), 1<<31 - 1, most, uint32(1<<32 - 1)} {
				if value := call(t, &instance, name, by); value.ToI32() != -1 {
					t.Errorf("%s(%v) = %v, expected -1", name, by, value)
				}
			}
			if value := call(t, &instance, name, 0); value.ToI32() != 1 {
				t.Errorf("%s(0) = %v, expected 1", name, value)
			}
		}
		if value := call(t, &instance, "memory_grow", 65535); value.ToI32() != 1 {
			t.Errorf("memory.grow to 4 GiB = %v", value)
		}
		call(t, &instance, "touch", -1)
		_, err := instance.Exports["touch"](0)
		if err != nil || len(instance.Memory.Data()) != 1<<32 || instance.Memory.Data()[1<<32-1] != 1 {
			t.Errorf("memory of 4 GiB: %v, %d bytes", err, len(instance.Memory.Data()))
		}
		if length := instance.Memory.Length(); length != 1<<32-1 {
			t.Errorf("length %d", length)
		}
		if value := call(t, &instance, "bounded_grow", 99); value.ToI32() != 1 {
			t.Errorf("table.grow to its maximum = %v", value)
		}
		size := call(t, &instance, "table_size").ToI32()
		for step := int32(1); size < 10_000_000; size += step {
			step = min(step*2, 10_000_000-size)
			if value := call(t, &instance, "table_grow", step); value.ToI32() != size {
				t.Fatalf("table.grow(%d) at %d = %v", step, size, value)
			}
		}
		if value := call(t, &instance, "table_get", size-1); value.ToI32() != 1 {
			t.Errorf("last element: %v", value)
		}
		_, err = instance.Exports["table_get"](size)
		expectTrap(t, "table.get", err, wasmer.TrapTableOutOfBounds)
	})
}

// A ceiling of the embedder holds for memories and tables, declared maximum or not.
func TestCeilings(t *testing.T) {
	module := compiled(t, "grow")
	instance, err := module.InstantiateContext(t.Context(), nil, wasmer.WithMemoryCeiling(10), wasmer.WithTableCeiling(20))
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	for _, grow := range []struct {
		name     string
		by, want int
	}{
		{"memory_grow", 10, -1}, {"memory_grow", 9, 1}, {"memory_grow", 1, -1},
		{"table_grow", 20, -1}, {"table_grow", 19, 1}, {"table_grow", 1, -1},
	} {
		if value := call(t, &instance, grow.name, grow.by); value.ToI32() != int32(grow.want) {
			t.Errorf("%s(%d) = %v, expected %d", grow.name, grow.by, value, grow.want)
		}
	}
	if err := instance.Memory.Grow(1); err == nil || !strings.Contains(err.Error(), "Left: 10, Right: 1, Pages added: 11") {
		t.Errorf("growing beyond the ceiling: %v", err)
	}
	b := builder{}
	b.memories.add(limits(11))
	large := compile(t, b.module())
	defer large.Close()
	if _, err := large.InstantiateContext(t.Context(), nil, wasmer.WithMemoryCeiling(10)); err == nil || !strings.Contains(err.Error(), "11") {
		t.Errorf("a memory that begins above the ceiling: %v", err)
	}
}

// A thousand instances whose memories are declared with, and grown to, 4 GiB.
func TestThousandLargeMemories(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	b := builder{}
	b.memories.add(limits(65536))
	b.exports.add(name("memory"), []byte{kindMemory}, u(0))
	large := compile(t, b.module())
	defer large.Close()
	expectSteady(t, 1, func() {
		var instances []wasmer.Instance
		defer func() {
			for i := range instances {
				instances[i].Close()
			}
		}()
		for i := range 1000 {
			instance, err := large.Instantiate()
			if err != nil {
				// Less address space than 8 TiB is no failure, if it is said.
				if !strings.Contains(err.Error(), "address space") && !strings.Contains(err.Error(), "memory") {
					t.Errorf("instance %d: %v", i, err)
				}
				t.Logf("%d instances, then %v", i, err)
				return
			}
			instances = append(instances, instance)
			instance.Memory.Data()[1<<32-1] = 1
		}
	})
}

// Instances are made until there is no address space left, or no mapping: an error that says so, a
// process that lives and whose own heap can grow, and room again after closing.
func TestInstancesWithoutEnd(t *testing.T) {
	for what, c := range map[string]struct {
		options []wasmer.CompileOption
		text    string
	}{
		"address space": {nil, "address space"},
		"mappings":      {[]wasmer.CompileOption{wasmer.WithExplicitBounds()}, "max_map_count"},
	} {
		t.Run(what, func(t *testing.T) {
			if !inChild(t, childOptions{}) {
				return
			}
			module := compile(t, guest(t, "small"), c.options...)
			defer module.Close()
			first := useUp(t, module, c.text)
			for range pick(1, 0) {
				if again := useUp(t, module, c.text); again < first-keptStacks {
					t.Errorf("%d instances at first, %d after all were closed", first, again)
				}
			}
		})
	}
}

// useUp makes instances until an error, which must contain the text; then it closes them and
// returns how many there were.
func useUp(t *testing.T, module wasmer.Module, text string) int {
	t.Helper()
	var instances []wasmer.Instance
	var err error
	for err == nil {
		var instance wasmer.Instance
		if instance, err = module.Instantiate(); err == nil {
			instances = append(instances, instance)
		}
		if len(instances) > 200_000 {
			t.Fatal("no end of instances")
		}
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("instance %d: %v, expected an error about %s", len(instances), err, text)
	}
	heap := make([][]byte, 32)
	for i := range heap {
		heap[i] = bytes.Repeat([]byte{1}, 8<<20)
	}
	inParallel(20, func(int) { time.Sleep(time.Millisecond) })
	for i := range instances {
		if i%100 == 0 {
			expectSane(t, &instances[i])
		}
	}
	runtime.KeepAlive(heap)
	t.Logf("%d instances, then: %s; %v", len(instances), strings.ReplaceAll(err.Error(), "\n", " "), measure(t))
	for i := range instances {
		instances[i].Close()
	}
	instance := start(t, module, nil)
	defer instance.Close()
	expectSane(t, &instance)
	return len(instances)
}

// huge are modules at the limits of the implementation. Sizes are smaller in a short run.
func huge() map[string]func() []byte {
	i32 := []engine.ValType{engine.I32}
	repeat := func(n int, code ...byte) []byte { return bytes.Repeat(code, n) }
	body := func(locals int, code ...[]byte) func() []byte {
		return func() []byte {
			var b builder
			b.function("f", i32, i32, locals, code...)
			return b.module()
		}
	}
	brTable := func(labels int) func() []byte {
		return body(0, []byte{opBlock, emptyBlock, opLocalGet, 0, opBrTable}, u(labels), repeat(labels+1, 0), []byte{opEnd, opLocalGet, 0})
	}
	return map[string]func() []byte{
		"100,000 nested blocks":              body(0, repeat(pick(100_000, 10_000), opBlock, emptyBlock), repeat(pick(100_000, 10_000), opEnd), []byte{opLocalGet, 0}),
		"100,000 nested blocks with results": body(0, repeat(pick(100_000, 10_000), opBlock, 0x7f), []byte{opLocalGet, 0}, repeat(pick(100_000, 10_000), opEnd)),
		"a chain of 100,000 i32.eqz":         body(0, []byte{opLocalGet, 0}, repeat(pick(100_000, 10_000), opI32Eqz)),
		"50,000 values on the stack":         body(0, repeat(50_000, opLocalGet, 0), repeat(49_999, 0x6a)),
		"49,999 locals":                      body(49_999, []byte{opLocalGet}, u(49_999)),
		"a br_table of 65,520":               brTable(65_520),
		"50,000 functions": func() []byte {
			var b builder
			for i := range pick(50_000, 5_000) {
				b.function(fmt.Sprint("f", i), i32, i32, 0, []byte{opLocalGet, 0, opI32Const}, s(int64(i)), []byte{0x6a, opI32Const}, s(int64(i)), []byte{0x6b})
			}
			b.exports.add(name("f"), []byte{kindFunction}, u(0))
			return b.module()
		},
		"a function of 7 MB": func() []byte {
			var b builder
			// local 0 = local 0 + 1 - 1, again and again.
			step := []byte{opLocalGet, 0, opI32Const, 1, 0x6a, opI32Const, 1, 0x6b, 0x21, 0}
			b.function("f", i32, i32, 0, repeat(pick(700_000, 20_000), step...), []byte{opLocalGet, 0})
			return b.module()
		},
		"a function of calls": func() []byte {
			var b builder
			b.function("f", i32, i32, 0, []byte{opLocalGet, 0}, repeat(pick(20_000, 2_000), 0x10, 1))
			b.function("", i32, i32, 0, []byte{opLocalGet, 0})
			return b.module()
		},
	}
}

func TestHugeModules(t *testing.T) {
	if !inChild(t, childOptions{timeout: 10 * time.Minute}) {
		return
	}
	for what, make := range huge() {
		t.Run(what, func(t *testing.T) {
			bytes := make()
			begin := time.Now()
			module, err := wasmer.Compile(bytes)
			took := time.Since(begin)
			if err != nil {
				t.Fatalf("%d bytes: %v: %v", len(bytes), err, errors.Unwrap(err))
			}
			defer module.Close()
			instance, err := module.Instantiate()
			if err != nil {
				t.Fatal(err)
			}
			defer instance.Close()
			value, err := instance.Exports["f"](0)
			if want := int32(0); err != nil || (value.ToI32() != want && what != "50,000 values on the stack") {
				t.Errorf("f(0) = %v, %v", value, err)
			}
			t.Logf("%s: %d bytes compiled in %v; %v", what, len(bytes), took.Round(time.Millisecond), measure(t))
		})
	}
}

// Modules beyond the limits are refused with an error that names the limit, soon.
func TestBeyondLimits(t *testing.T) {
	i32 := []engine.ValType{engine.I32}
	for what, c := range map[string]struct {
		build func(b *builder)
		text  string
	}{
		"50,001 locals": {func(b *builder) { b.function("", nil, nil, 50_001) }, "50000"},
		"2^32-1 locals": {func(b *builder) { b.function("", nil, nil, 1<<32-1) }, "50000"},
		"a br_table of 1,000,000": {func(b *builder) {
			b.function("", i32, nil, 0, []byte{opLocalGet, 0, opBrTable}, u(1_000_000), make([]byte, 1_000_001))
		}, "65520"},
		"a br_table of 2^32-1, cut": {func(b *builder) { b.function("", i32, nil, 0, []byte{opLocalGet, 0, opBrTable}, u(1<<32-1)) }, "br_table"},
		"1,001 parameters":          {func(b *builder) { b.function("", slices.Repeat(i32, 1001), nil, 0) }, "1000"},
		"1,001 results":             {func(b *builder) { b.function("", nil, slices.Repeat(i32, 1001), 0, []byte{opUnreachable}) }, "1000"},
		"a body of 8 MB":            {func(b *builder) { b.function("", nil, nil, 0, make([]byte, 8_000_000)) }, "7654321"},
		"65,537 pages":              {func(b *builder) { b.memories.add(limits(65537)) }, "65536"},
		"101 memories": {func(b *builder) {
			for range 101 {
				b.memories.add(limits(1))
			}
		}, "100"},
		"min above max": {func(b *builder) { b.memories.add(limits(2, 1)) }, "minimum"},
	} {
		var b builder
		c.build(&b)
		within(t, what, func() {
			module, err := wasmer.Compile(b.module())
			if err == nil {
				t.Errorf("%s: compiled", what)
				module.Close()
				return
			}
			// Figures may have separators.
			if cause := errors.Unwrap(err); cause == nil || !strings.Contains(strings.ReplaceAll(cause.Error(), ",", ""), c.text) {
				t.Errorf("%s: error %v, expected it to name %s", what, cause, c.text)
			}
			if wasmer.Validate(b.module()) {
				t.Errorf("%s: valid", what)
			}
		})
	}
	// A table that begins with more than can be: an error when it is made.
	var b builder
	b.tables.add([]byte{valType(engine.FuncRef)}, limits(10_000_001))
	module, err := wasmer.Compile(b.module())
	if err == nil {
		defer module.Close()
		_, err = module.Instantiate()
	}
	if err == nil {
		t.Error("a table of 10,000,001 elements is made")
	}
}
