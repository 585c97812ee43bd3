package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// This file provides what modules import.

// provider is what the imports of an instance are.
type provider struct {
	imports *wasmer.Imports
	closers []func()

	// expected are the calls of host functions that are still to come.
	expected []hostCall
	// calls is how many there were; failed says how one differed from what was expected.
	calls  int
	failed error
}

// errDiffers ends a guest that has called the host otherwise than it has to.
var errDiffers = errors.New("a call of the host differs")

// provide makes the imports that a case gives to its module.
func provide(c *testCase, module *wasmer.Module, options []wasmer.CompileOption) (*provider, error) {
	p := &provider{imports: wasmer.NewImports()}
	types := module.ImportTypes()
	if len(types) != len(c.imports) {
		return nil, fmt.Errorf("%d imports, expected %d", len(types), len(c.imports))
	}
	functions := 0
	for i, wanted := range types {
		from, given := module.Imports[i], c.imports[i]
		if wanted.Kind != given.kind {
			return p, fmt.Errorf("import %d is a %v, expected a %v", i, wanted.Kind, given.kind)
		}
		p.imports.Namespace(from.Namespace)
		if err := p.add(c, from.Name, &wanted, given, functions, options); err != nil {
			return p, fmt.Errorf("import %d, %v: %w", i, wanted, err)
		}
		if wanted.Kind == wasmer.ImportExportKindFunction {
			functions++
		}
	}
	return p, nil
}

func (p *provider) close() {
	p.imports.Close()
	for _, closer := range slices.Backward(p.closers) {
		closer()
	}
}

// add adds an import. Where there are several ways to provide it, the seed chooses.
func (p *provider) add(c *testCase, name string, wanted *wasmer.ExternType, given given, functions int, options []wasmer.CompileOption) error {
	made := c.seed>>24&1 == 0 // by the host, rather than by another instance
	var err error
	switch wanted.Kind {
	case wasmer.ImportExportKindFunction:
		if c.seed>>25&1 == 0 {
			_, err = p.imports.Append(name, p.onSlots(wanted.Function, functions))
		} else {
			_, err = p.imports.Append(name, p.ofGo(wanted.Function, functions))
		}
	case wasmer.ImportExportKindGlobal:
		var global *wasmer.Global
		if global, err = wasmer.NewGlobal(wanted.Global.Value, wanted.Global.Mutable, given.value.to(nil)); err == nil {
			p.closers = append(p.closers, global.Close)
			_, err = p.imports.AppendGlobal(name, global)
		}
	case wasmer.ImportExportKindMemory:
		memory := wanted.Memory
		if made && !memory.Index64 && memory.PageSize == 1<<16 {
			var own *wasmer.Memory
			if own, err = wasmer.NewMemory(uint32(memory.Min), uint32(given.maximum)); err == nil {
				p.closers = append(p.closers, own.Close)
				_, err = p.imports.AppendMemory(name, own)
			}
			break
		}
		var other wasmer.Instance
		if other, err = p.instance(memoryModule(memory, given.maximum), options); err == nil {
			_, err = p.imports.AppendMemory(name, other.Memory)
		}
	case wasmer.ImportExportKindTable:
		var table *wasmer.Table
		if made && !wanted.Table.Index64 {
			if table, err = wasmer.NewTable(wanted.Table.Element, wanted.Table.Min, given.maximum); err == nil {
				p.closers = append(p.closers, table.Close)
			}
		} else {
			var other wasmer.Instance
			if other, err = p.instance(tableModule(wanted.Table, given.maximum), options); err == nil {
				table, err = other.Table("")
			}
		}
		if err == nil {
			_, err = p.imports.AppendTable(name, table)
		}
	}
	return err
}

// called takes note of a call of the host, and returns what it answers.
func (p *provider) called(function int, arguments []value, err error) ([]value, error) {
	switch {
	case p.failed != nil:
	case err != nil:
		p.failed = fmt.Errorf("call %d of the host: %w", p.calls, err)
	case len(p.expected) == 0:
		p.failed = fmt.Errorf("call %d of the host, of function %d with %v, is one too many", p.calls, function, arguments)
	case p.expected[0].function != function || !slices.Equal(p.expected[0].arguments, arguments):
		p.failed = fmt.Errorf("call %d of the host: function %d with %v, expected function %d with %v", p.calls, function, arguments,
			p.expected[0].function, p.expected[0].arguments)
	default:
		results := p.expected[0].results
		p.expected = p.expected[1:]
		p.calls++
		return results, nil
	}
	return nil, errDiffers
}

// onSlots makes a host function on raw slots.
func (p *provider) onSlots(wanted *wasmer.FunctionType, function int) wasmer.HostFunction {
	return wasmer.HostFunc(wanted.Params, wanted.Results, func(view *wasmer.InstanceContext, slots []uint64) error {
		arguments, err := fromSlots(view, wanted.Params, slots)
		results, err := p.called(function, arguments, err)
		if err != nil {
			return err
		}
		return toSlots(view, results, nil, slots)
	})
}

// goTypes are the Go types that stand for the types of values.
var goTypes = map[wasmer.ValueType]reflect.Type{
	wasmer.TypeI32: reflect.TypeFor[int32](), wasmer.TypeI64: reflect.TypeFor[int64](), wasmer.TypeF32: reflect.TypeFor[float32](),
	wasmer.TypeF64: reflect.TypeFor[float64](), wasmer.TypeV128: reflect.TypeFor[[2]uint64](), wasmer.TypeFuncRef: reflect.TypeFor[*wasmer.Function](),
	wasmer.TypeExternRef: reflect.TypeFor[any](),
}

// ofGo makes a host function of Go types.
func (p *provider) ofGo(wanted *wasmer.FunctionType, function int) any {
	goType := func(t wasmer.ValueType) reflect.Type { return goTypes[t] }
	parameters, results := mapped(wanted.Params, goType), mapped(wanted.Results, goType)
	results = append(results, reflect.TypeFor[error]())
	return reflect.MakeFunc(reflect.FuncOf(parameters, results, false), func(arguments []reflect.Value) []reflect.Value {
		answers, err := p.called(function, mapped(arguments, ofReflected), nil)
		to := make([]reflect.Value, 0, len(results))
		for i := range wanted.Results {
			result := reflect.New(results[i])
			if err == nil {
				answers[i].reflected(result.Interface())
			}
			to = append(to, result.Elem())
		}
		last := reflect.New(results[len(results)-1]).Elem()
		if err != nil {
			last.Set(reflect.ValueOf(err))
		}
		return append(to, last)
	}).Interface()
}

// mapped applies a function to all elements.
func mapped[T, R any](from []T, by func(T) R) []R {
	to := make([]R, len(from))
	for i := range from {
		to[i] = by(from[i])
	}
	return to
}

// ofReflected tells an argument of a Go function as oracles do.
func ofReflected(argument reflect.Value) value {
	switch v := argument.Interface().(type) {
	case int32:
		return of(wasmer.I32(v))
	case int64:
		return of(wasmer.I64(v))
	case float32:
		return of(wasmer.F32(v))
	case float64:
		return of(wasmer.F64(v))
	case [2]uint64:
		return of(wasmer.V128(v[0], v[1]))
	case *wasmer.Function:
		return of(wasmer.FuncRef(v))
	default:
		return of(wasmer.ExternRef(v))
	}
}

// reflected sets the result of a Go function.
func (v value) reflected(result any) {
	from := v.to(nil)
	switch result := result.(type) {
	case *int32:
		*result = from.ToI32()
	case *int64:
		*result = from.ToI64()
	case *float32:
		*result = from.ToF32()
	case *float64:
		*result = from.ToF64()
	case *[2]uint64:
		result[0], result[1] = from.ToV128()
	case **wasmer.Function:
		*result = from.ToFunc()
	case *any:
		*result = from.ToExternRef()
	}
}

// instance makes an instance of a module that exports what is to be imported, under the empty name.
func (p *provider) instance(bytes []byte, options []wasmer.CompileOption) (wasmer.Instance, error) {
	module, err := wasmer.Compile(bytes, options...)
	if err != nil {
		return wasmer.Instance{}, err
	}
	defer module.Close()
	instance, err := module.InstantiateContext(context.Background(), nil)
	if err == nil {
		p.closers = append(p.closers, instance.Close)
	}
	return instance, err
}

// Bits of the flags of limits (specification, section 5.3.8, and the proposal "custom page sizes").
const (
	limitsMaximum  = 1
	limitsIndex64  = 4
	limitsPageSize = 8
)

// memoryModule encodes a module that exports a memory.
func memoryModule(t *wasmer.MemoryType, maximum uint64) []byte {
	limits := limits(t.Min, maximum, t.Index64)
	if t.PageSize != 1<<16 {
		limits[0] |= limitsPageSize
		limits = append(limits, byte(bits.TrailingZeros32(t.PageSize)))
	}
	return exporting(5, limits, 2)
}

// tableModule encodes a module that exports a table.
func tableModule(t *wasmer.TableType, maximum uint64) []byte {
	element := byte(0x70)
	if t.Element == wasmer.TypeExternRef {
		element = 0x6f
	}
	return exporting(4, append([]byte{element}, limits(t.Min, maximum, t.Index64)...), 1)
}

func limits(minimum, maximum uint64, index64 bool) []byte {
	to := []byte{limitsMaximum}
	if index64 {
		to[0] |= limitsIndex64
	}
	return binary.AppendUvarint(binary.AppendUvarint(to, minimum), maximum)
}

// exporting encodes a module with one section that defines one thing, and exports it as "".
func exporting(section byte, definition []byte, kind byte) []byte {
	to := append([]byte("\x00asm\x01\x00\x00\x00"), section, byte(len(definition)+1), 1)
	to = append(to, definition...)
	return append(to, 7, 4, 1, 0, kind, 0)
}
