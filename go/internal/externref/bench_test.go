package externref

import (
	"fmt"
	"testing"
)

// What the calls of a store cost that has to do with externref, the fiber from the pool included;
// and a collection.

func BenchmarkCall(b *testing.B) {
	g := newGuest(b, new(Space))
	for b.Loop() {
		g.must("is_null", nil)
	}
}

func BenchmarkMakeAndDrop(b *testing.B) {
	g := newGuest(b, new(Space))
	b.ResetTimer()
	g.must("drop_many", int32(b.N))
}

func BenchmarkCollect(b *testing.B) {
	for _, count := range []int32{1, 1000, 100_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			g := newGuest(b, new(Space))
			g.must("grow", nil, count)
			for i := range count {
				g.must("put", i, &token{})
			}
			for b.Loop() {
				g.collect()
			}
		})
	}
}
