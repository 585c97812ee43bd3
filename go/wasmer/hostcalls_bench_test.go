package wasmer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Calls of plain Go functions by a loop in a guest, with parameters of one type and of several.
func BenchmarkGuestCallsPlainFunction(b *testing.B) {
	for _, c := range []struct {
		params   string
		function interface{}
	}{
		{"i32 i32", func(a, b int32) int32 { return a }},
		{"i32 i32 i32 i32 i32", func(a, b, c, d, e int32) int32 { return a }},
		{"i32 i32 i32 i32 i32 i32 i32 i32", func(a, b, c, d, e, f, g, h int32) int32 { return a }},
		{"i32 f64 i64", func(a int32, b float64, c int64) int32 { return a }},
		{"i32 i64 f32 f64 i32 i64", func(a int32, b int64, c float32, d float64, e int32, f int64) int32 { return a }},
		{"i32 i32", func(a, b int) int { return a }},
	} {
		b.Run(fmt.Sprintf("%T", c.function), func(b *testing.B) {
			var arguments strings.Builder
			for param := range strings.FieldsSeq(c.params) {
				fmt.Fprintf(&arguments, "(%s.const 1)", param)
			}
			module := must(wasmer.Compile(must(wasmer.Wat2Wasm(fmt.Sprintf(`(module
			  (import "env" "f" (func $f (param %s) (result i32)))
			  (func (export "loop") (param i32)
			    (loop (drop (call $f %s))
			      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`, c.params, arguments.String())))(b)))(b)
			defer module.Close()
			imports := must(wasmer.NewImports().Append("f", c.function))(b)
			instance := must(module.InstantiateContext(b.Context(), imports))(b)
			defer instance.Close()
			loop := must(wasmer.Proc1[int](&instance, "loop"))(b)
			b.ReportAllocs()
			b.ResetTimer()
			if err := loop(b.Context(), b.N); err != nil {
				b.Fatal(err)
			}
		})
	}
}
