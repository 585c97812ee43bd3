package wasmer_test

import (
	"context"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func BenchmarkFunc2(b *testing.B) {
	instance := instantiate(b, guest(b, "types"), nil)
	sum := must(wasmer.Func2[int32, int32, int32](&instance, "sum"))(b)
	ctx := context.Background()
	for b.Loop() {
		if v, err := sum(ctx, 5, 37); v != 42 || err != nil {
			b.Fatal(v, err)
		}
	}
}

func BenchmarkFunc6(b *testing.B) {
	instance := instantiate(b, sixParameters, nil)
	sum := must(wasmer.Func6[int64, int64, int64, int64, int64, int64, int64](&instance, "sum"))(b)
	ctx := context.Background()
	for b.Loop() {
		if v, err := sum(ctx, 1, 2, 3, 4, 5, 6); v != 1 || err != nil {
			b.Fatal(v, err)
		}
	}
}

// sixParameters exports "sum", which returns the first of six numbers.
var sixParameters = module(
	section(1, join([]byte{0x60}, leb(6), []byte{0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0x7e}, leb(1), []byte{0x7e})),
	section(3, []byte{0}),
	section(7, join(name("sum"), []byte{0, 0})),
	section(10, body(0x20, 0)))

func BenchmarkCallSlots(b *testing.B) {
	instance := instantiate(b, guest(b, "types"), nil)
	sum := must(instance.Function("sum"))(b)
	ctx := context.Background()
	slots := make([]uint64, 2)
	for b.Loop() {
		slots[0], slots[1] = 5, 37
		if err := sum.CallSlots(ctx, slots); err != nil || slots[0] != 42 {
			b.Fatal(slots, err)
		}
	}
}

// A call of an instance with host functions, which are called on the way.
func BenchmarkCallSlotsWithHostFunctions(b *testing.B) {
	instance := instantiate(b, guest(b, "host_calls"), hostCalls(b, func() {}))
	nop := must(instance.Function("call_nop"))(b)
	ctx := context.Background()
	slots := make([]uint64, 1)
	for b.Loop() {
		slots[0] = 1
		if err := nop.CallSlots(ctx, slots); err != nil {
			b.Fatal(err)
		}
	}
}
