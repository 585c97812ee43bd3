package wast

import (
	"fmt"
	"io"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// prints are the functions of module spectest, which every script may import from (that of the
// specification's reference interpreter), with their parameters.
var prints = []struct {
	name   string
	params []wasmer.ValueType
}{
	{"print", nil},
	{"print_i32", []wasmer.ValueType{wasmer.TypeI32}},
	{"print_i64", []wasmer.ValueType{wasmer.TypeI64}},
	{"print_f32", []wasmer.ValueType{wasmer.TypeF32}},
	{"print_f64", []wasmer.ValueType{wasmer.TypeF64}},
	{"print_i32_f32", []wasmer.ValueType{wasmer.TypeI32, wasmer.TypeF32}},
	{"print_f64_f64", []wasmer.ValueType{wasmer.TypeF64, wasmer.TypeF64}},
}

// globals are those of module spectest.
var globals = []struct {
	name  string
	value wasmer.Value
}{
	{"global_i32", wasmer.I32(666)},
	{"global_i64", wasmer.I64(666)},
	{"global_f32", wasmer.F32(666.6)},
	{"global_f64", wasmer.F64(666.6)},
}

// provideSpectest makes the objects of module spectest, and offers them to the script.
func (r *runner) provideSpectest() error {
	imports := wasmer.NewImports().Namespace("spectest")
	defer imports.Close()
	for _, p := range prints {
		if _, err := imports.Append(p.name, printer(p.params, r.options.Output)); err != nil {
			return err
		}
	}
	for _, g := range globals {
		global, err := wasmer.NewGlobal(g.value.GetType(), false, g.value)
		if err != nil {
			return err
		}
		r.closers = append(r.closers, global.Close)
		if _, err := imports.AppendGlobal(g.name, global); err != nil {
			return err
		}
	}
	table, err := wasmer.NewTable(wasmer.TypeFuncRef, 10, 20)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, table.Close)
	if _, err := imports.AppendTable("table", table); err != nil {
		return err
	}
	memory, err := wasmer.NewMemory(1, 2)
	if err != nil {
		return err
	}
	r.closers = append(r.closers, memory.Close)
	if _, err := imports.AppendMemory("memory", memory); err != nil {
		return err
	}
	return r.imports.Extend(*imports)
}

// printer makes a host function that writes its arguments, each with its type, as a line.
func printer(params []wasmer.ValueType, output io.Writer) wasmer.HostFunction {
	return wasmer.HostFunc(params, nil, func(_ *wasmer.InstanceContext, slots []uint64) error {
		if output == nil {
			return nil
		}
		texts := make([]string, len(params))
		for i, t := range params {
			texts[i] = fmt.Sprintf("%v : %v", fromSlot(t, slots[i]), t)
		}
		_, err := fmt.Fprintln(output, strings.Join(texts, ", "))
		return err
	})
}
