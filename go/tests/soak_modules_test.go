package tests

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// The modules of the mixed load: equal generators give equal ones. Each exports "run" (i32) -> i32,
// and "trap", which is unreachable below some calls; the function env.host is imported by some.

// maxGenerated is how many functions a generated module has, at most.
const maxGenerated = 200

// countOfFunctions chooses how large a module is: most are small, few are large.
func countOfFunctions(r *rand.Rand) int {
	u := r.Float64()
	for range 4 {
		u *= u
	}
	return 1 + int(u*(maxGenerated-1))
}

// generated writes a module with so many functions, and with memories, tables, globals, data and
// imports as it happens.
func generated(r *rand.Rand, functions int) []byte {
	b := &builder{}
	one := []engine.ValType{engine.I32}
	imported := 0
	if r.IntN(2) == 0 {
		b.imports.add(name("env"), name("host"), []byte{kindFunction}, u(b.types.count))
		b.types.add(funcType(one, one))
		imported++
	}
	hasMemory := r.IntN(16) > 0 // nearly always, so that the number of mappings says something
	if hasMemory {
		b.memories.add(limits(1, uint64(1+r.IntN(3))))
		for range r.IntN(3) {
			content := make([]byte, r.IntN(2000))
			for i := range content {
				content[i] = byte(r.Uint32())
			}
			b.data.add([]byte{0, opI32Const}, s(int64(r.IntN(60_000))), []byte{opEnd}, u(len(content)), content)
		}
	}
	for range r.IntN(4) {
		b.globals.add([]byte{valType(engine.I32), 1, opI32Const}, s(int64(r.Int32())), []byte{opEnd})
	}
	if r.IntN(2) == 0 {
		b.tables.add([]byte{valType(engine.FuncRef)}, limits(uint64(functions)))
		indices := u(functions)
		for i := range functions {
			indices = append(indices, u(imported+i)...)
		}
		b.elements.add([]byte{0, opI32Const, 0, opEnd}, indices)
	}
	for i := range functions {
		b.function("", one, one, 1+r.IntN(4), generatedCode(r, b, imported, i, hasMemory))
	}
	b.exports.add(name("run"), []byte{kindFunction}, u(imported+functions-1))
	for i := range 1 + r.IntN(5) { // a chain of calls, to have a backtrace
		code := []byte{opUnreachable}
		if i > 0 {
			code = slices.Concat([]byte{opCall}, u(imported+functions+i-1))
		}
		b.function("", nil, nil, 0, code)
	}
	b.exports.add(name("trap"), []byte{kindFunction}, u(imported+b.functions.count-1))
	return b.module()
}

// More numbers of the binary format.
const (
	opCall      = 0x10
	opLocalSet  = 0x21
	opGlobalGet = 0x23
	opGlobalSet = 0x24
	opI32Load   = 0x28
	opI32Store  = 0x36
	opI32Add    = 0x6a
	opI32Mul    = 0x6c
	opI32And    = 0x71
	opI32Xor    = 0x73
	opI32Rotl   = 0x77
)

// generatedCode writes the code of function i: a calculation with its parameter, without loops.
func generatedCode(r *rand.Rand, b *builder, imported, i int, hasMemory bool) []byte {
	code := []byte{opLocalGet, 0}
	address := slices.Concat([]byte{opLocalGet, 0, opI32Const}, s(0x7ff0), []byte{opI32And})
	for range 2 + r.IntN(20) {
		switch r.IntN(8) {
		case 0, 1, 2:
			code = slices.Concat(code, []byte{opI32Const}, s(int64(r.Int32())), []byte{[]byte{opI32Add, opI32Mul, opI32Xor, opI32Rotl}[r.IntN(4)]})
		case 3:
			code = append(code, opLocalSet, 1, opLocalGet, 1, opLocalGet, 1, opI32Mul)
		case 4:
			if hasMemory {
				code = slices.Concat(code, address, []byte{opI32Load, 2}, u(r.IntN(16)), []byte{opI32Xor})
			}
		case 5:
			if hasMemory {
				code = slices.Concat(code, []byte{opLocalSet, 1}, address, []byte{opLocalGet, 1, opI32Store, 2}, u(r.IntN(16)), []byte{opLocalGet, 1})
			}
		case 6:
			if n := b.globals.count; n > 0 {
				global := u(r.IntN(n))
				code = slices.Concat(code, []byte{opGlobalGet}, global, []byte{opI32Add, opLocalSet, 1, opLocalGet, 1, opGlobalSet}, global, []byte{opLocalGet, 1})
			}
		}
	}
	if i > 0 && r.IntN(3) == 0 { // no function calls more than one, so that the calls come to an end
		code = slices.Concat(code, []byte{opCall}, u(imported+i-1))
	} else if imported > 0 {
		code = append(code, opCall, 0)
	}
	return code
}

// generatedText writes a small module in the text format.
func generatedText(r *rand.Rand) string {
	var text strings.Builder
	text.WriteString("(module\n  (memory 1)\n  (func $run (export \"run\") (param $n i32) (result i32)\n    local.get $n")
	for range r.IntN(30) {
		fmt.Fprintf(&text, "\n    i32.const %d\n    i32.%s", r.Int32(), []string{"add", "mul", "xor", "rotl"}[r.IntN(4)])
	}
	fmt.Fprintf(&text, ")\n  (data (i32.const %d) %q))\n", r.IntN(1000), strings.Repeat("data", r.IntN(50)))
	return text.String()
}
