package tests

import (
	"bytes"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// A small writer of modules in the binary format (specification, section 5), for those that are
// generated: huge ones, and tables of cases.

// builder collects the sections of a module.
type builder struct {
	types, imports, functions, tables, memories, globals, exports, elements, bodies, data vector
}

// vector is a list with its length.
type vector struct {
	count int
	bytes []byte
}

func (v *vector) add(item ...[]byte) {
	v.count++
	v.bytes = append(v.bytes, slices.Concat(item...)...)
}

// The numbers of the binary format.
const (
	kindFunction = 0
	kindTable    = 1
	kindMemory   = 2
	kindGlobal   = 3

	opUnreachable = 0x00
	opBlock       = 0x02
	opBrTable     = 0x0e
	opEnd         = 0x0b
	opLocalGet    = 0x20
	opI32Const    = 0x41
	opI64Const    = 0x42
	opI32Eqz      = 0x45
	opDrop        = 0x1a
	emptyBlock    = 0x40
)

// valType encodes a type of values.
func valType(t engine.ValType) byte {
	return map[engine.ValType]byte{engine.I32: 0x7f, engine.I64: 0x7e, engine.F32: 0x7d, engine.F64: 0x7c, engine.FuncRef: 0x70, engine.ExternRef: 0x6f}[t]
}

// u encodes an unsigned number, s a signed one.
func u[T int | uint32 | uint64](n T) []byte {
	return unsigned(uint64(n))
}

func unsigned(n uint64) (to []byte) {
	for n >= 0x80 {
		to = append(to, byte(n)|0x80)
		n >>= 7
	}
	return append(to, byte(n))
}

func s(n int64) (to []byte) {
	for n < -64 || n > 63 {
		to = append(to, byte(n)|0x80)
		n >>= 7
	}
	return append(to, byte(n)&0x7f)
}

func name(text string) []byte { return append(u(len(text)), text...) }

func limits(minimum uint64, maximum ...uint64) []byte {
	if len(maximum) == 0 {
		return append([]byte{0}, u(minimum)...)
	}
	return slices.Concat([]byte{1}, u(minimum), u(maximum[0]))
}

func funcType(params, results []engine.ValType) []byte {
	to := append([]byte{0x60}, u(len(params))...)
	for _, t := range params {
		to = append(to, valType(t))
	}
	to = append(to, u(len(results))...)
	for _, t := range results {
		to = append(to, valType(t))
	}
	return to
}

// function adds a type, a function of it with this code (without its final end), and an export if
// it has a name.
func (b *builder) function(export string, params, results []engine.ValType, locals int, code ...[]byte) {
	if export != "" {
		b.exports.add(name(export), []byte{kindFunction}, u(b.functions.count))
	}
	b.functions.add(u(b.types.count))
	b.types.add(funcType(params, results))
	declared := []byte{0}
	if locals > 0 {
		declared = slices.Concat(u(1), u(locals), []byte{valType(engine.I32)})
	}
	body := slices.Concat(declared, slices.Concat(code...), []byte{opEnd})
	b.bodies.add(u(len(body)), body)
}

// header begins every module.
var header = []byte("\x00asm\x01\x00\x00\x00")

// module writes the module.
func (b *builder) module() []byte {
	to := bytes.Clone(header)
	for _, section := range []struct {
		id   byte
		list *vector
	}{{1, &b.types}, {2, &b.imports}, {3, &b.functions}, {4, &b.tables}, {5, &b.memories}, {6, &b.globals}, {7, &b.exports},
		{9, &b.elements}, {10, &b.bodies}, {11, &b.data}} {
		if section.list.count > 0 {
			count := u(section.list.count)
			to = append(to, section.id)
			to = append(to, u(len(count)+len(section.list.bytes))...)
			to = append(to, count...)
			to = append(to, section.list.bytes...)
		}
	}
	return to
}
