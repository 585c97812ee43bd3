package wasmer_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Explicit bounds give the same results and traps.
func TestExplicitBounds(t *testing.T) {
	instance := must(wasmer.NewInstanceContext(context.Background(), guest(t, "traps"), nil, wasmer.WithExplicitBounds()))(t)
	defer instance.Close()
	for _, address := range []interface{}{65533, 65536, -1, math.MinInt32} {
		if _, err := instance.Exports["load32"](address); !errors.Is(err, wasmer.ErrMemoryOutOfBounds) {
			t.Errorf("load32(%v): %v", address, err)
		}
	}
	call(t, instance, "store32", 65532, 7)
	if got := call(t, instance, "load32", 65532); got != wasmer.I32(7) {
		t.Errorf("load32 = %v, expected 7", got)
	}
	if got := call(t, instance, "memory_grow", 1); got != wasmer.I32(1) {
		t.Errorf("memory_grow = %v, expected 1", got)
	}
	call(t, instance, "store32", 2*65536-4, 8)
	if got := instance.Memory.Data()[2*65536-4]; got != 8 {
		t.Errorf("the host reads %d, expected 8", got)
	}
}

func TestCanonicalNaNs(t *testing.T) {
	// f32.sqrt of a NaN with a payload.
	bytes := module(section(1, []byte{0x60, 1, 0x7d, 1, 0x7d}), section(3, []byte{0}),
		section(7, join(name("sqrt"), []byte{0, 0})), section(10, body(0x20, 0, 0x91)))
	compiled := must(wasmer.Compile(bytes, wasmer.WithCanonicalNaNs(), wasmer.CompileOption{}))(t)
	defer compiled.Close()
	instance := must(compiled.Instantiate())(t)
	defer instance.Close()
	got := call(t, instance, "sqrt", math.Float32frombits(0xffc12345))
	if bits := math.Float32bits(got.ToF32()); bits != 0x7fc00000 {
		t.Errorf("got %#x, expected the canonical NaN 0x7fc00000", bits)
	}
}

// Code of either level gives the same results, and the level is a part of what is serialised.
func TestOptLevel(t *testing.T) {
	var sizes []int
	for _, level := range []wasmer.OptLevel{wasmer.OptLevelSpeed, wasmer.OptLevelNone} {
		compiled := must(wasmer.Compile(guest(t, "snappy_compress"), wasmer.WithOptLevel(level)))(t)
		defer compiled.Close()
		sizes = append(sizes, len(must(compiled.Serialize())(t)))
		module := must(wasmer.Compile(guest(t, "types"), wasmer.WithOptLevel(level)))(t)
		defer module.Close()
		instance := must(module.Instantiate())(t)
		defer instance.Close()
		if got := call(t, instance, "i32_i64_f32_f64_f64", 1, int64(2), float32(3), 4.0); got != wasmer.F64(10) {
			t.Errorf("level %d: got %v, expected 10", level, got)
		}
	}
	if sizes[1] <= sizes[0] {
		t.Errorf("serialised modules of both levels have %v bytes, expected that of code that is not optimised to be larger", sizes)
	}
}

func TestMemoryCeiling(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "memory")))(t)
	defer module.Close()
	instance := must(module.InstantiateContext(context.Background(), nil, wasmer.WithMemoryCeiling(4)))(t)
	defer instance.Close()
	if got := call(t, instance, "grow", 2); got != wasmer.I32(2) {
		t.Errorf("grow(2) = %v, expected 2", got)
	}
	if got := call(t, instance, "grow", 1); got != wasmer.I32(-1) {
		t.Errorf("grow(1) = %v, expected -1", got)
	}
	checkText(t, instance.Memory.Grow(1), "Failed to grow the memory:\n    Grow Error: Failed to add pages because would exceed maximum number of pages. "+
		"Left: 4, Right: 1, Pages added: 5")
	_, err := module.InstantiateContext(context.Background(), nil, wasmer.WithMemoryCeiling(1))
	var failure *wasmer.ModuleError
	if !errors.As(err, &failure) {
		t.Errorf("a memory that begins above the ceiling: %v", err)
	}
	_, err = wasmer.NewInstanceContext(context.Background(), guest(t, "memory"), nil, wasmer.WithMemoryCeiling(1), wasmer.WithExplicitBounds(), nil)
	var instanceFailure *wasmer.InstanceError
	if !errors.As(err, &instanceFailure) {
		t.Errorf("a memory that begins above the ceiling: %v", err)
	}
}

func TestTableCeiling(t *testing.T) {
	// table.grow of a table of 1 function, by the parameter.
	bytes := module(section(1, []byte{0x60, 1, 0x7f, 1, 0x7f}), section(3, []byte{0}), section(4, []byte{0x70, 0, 1}),
		section(7, join(name("grow"), []byte{0, 0})), section(10, body(0xd0, 0x70, 0x20, 0, 0xfc, 0x0f, 0)))
	compiled := must(wasmer.Compile(bytes))(t)
	defer compiled.Close()
	instance := must(compiled.InstantiateContext(context.Background(), nil, wasmer.WithTableCeiling(10)))(t)
	defer instance.Close()
	for _, c := range [][2]int32{{5, 1}, {5, -1}, {4, 6}, {1, -1}, {-1, -1}, {0, 10}} {
		if got := call(t, instance, "grow", c[0]); got != wasmer.I32(c[1]) {
			t.Errorf("grow(%d) = %v, expected %d", c[0], got, c[1])
		}
	}
}
