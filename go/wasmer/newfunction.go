package wasmer

import (
	"context"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// NewFunction makes a function value of a Go function, to be called, given to guests as a funcref,
// put into tables and globals, and imported by instances: whatever can be done with a function that
// an instance exports. The implementation is what [Imports.Append] takes; its type follows from it.
//
// The function is one that a module of its own imports and exports again. It is freed after a
// garbage collection, when neither the program nor a guest has it any more. The error is an
// [*ImportedFunctionError] for an implementation that Append refuses, or an [*InstanceError].
func NewFunction(implementation interface{}) (*Function, error) {
	imports, err := NewImports().Append("function", implementation)
	if err != nil {
		return nil, err
	}
	defer imports.Close()
	items, err := imports.set.Items()
	host, ok := items[core.Name{Namespace: defaultNamespace, Name: "function"}].(*core.HostFunc)
	if err != nil || !ok {
		return nil, importError("function", "cannot make `%s` a function value", fmt.Errorf("it is the value of a function already"))
	}
	instance, err := NewInstanceContext(context.Background(), reexporting(host.Params, host.Results), imports)
	if err != nil {
		return nil, err
	}
	return instance.Function("function")
}

// reexporting returns a module that imports a function of a type and exports it again:
//
//	(module (import "env" "function" (func (type ...))) (export "function" (func 0)))
func reexporting(params, results []engine.ValType) []byte {
	list := func(types []engine.ValType) []byte {
		bytes := uleb(len(types))
		for _, t := range types {
			bytes = append(bytes, binaryTypes[t])
		}
		return bytes
	}
	section := func(id byte, parts ...[]byte) []byte {
		body := []byte{1}
		for _, part := range parts {
			body = append(body, part...)
		}
		return append(append([]byte{id}, uleb(len(body))...), body...)
	}
	name := func(name string) []byte { return append(uleb(len(name)), name...) }
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, section(1, []byte{0x60}, list(params), list(results))...)
	module = append(module, section(2, name(defaultNamespace), name("function"), []byte{0, 0})...)
	return append(module, section(7, name("function"), []byte{0, 0})...)
}

// binaryTypes are the types as the binary format has them (specification, section 5.3.4).
var binaryTypes = [...]byte{
	engine.I32: 0x7f, engine.I64: 0x7e, engine.F32: 0x7d, engine.F64: 0x7c,
	engine.V128: 0x7b, engine.FuncRef: 0x70, engine.ExternRef: 0x6f, engine.ExnRef: 0x69,
}

// uleb encodes a size.
func uleb(n int) []byte {
	var bytes []byte
	for ; n >= 0x80; n >>= 7 {
		bytes = append(bytes, byte(n)|0x80)
	}
	return append(bytes, byte(n))
}
