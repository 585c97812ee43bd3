// Command gowasmer runs benchmark programs on this project's engine, through the API of
// go-ext-wasm.
package main

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

type instance struct {
	wasmer wasmer.Instance
	call   func(...interface{}) (wasmer.Value, error)
	args   []interface{}
	result protocol.Type
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	w, err := wasmer.NewInstance(p.Wasm)
	if err != nil {
		return nil, err
	}
	call, found := w.Exports[p.Entry]
	if !found {
		w.Close()
		return nil, fmt.Errorf("no export %q", p.Entry)
	}
	i := &instance{wasmer: w, call: call, result: p.Result}
	for _, arg := range p.Args {
		i.args = append(i.args, arg)
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	value, err := i.call(i.args...)
	if err != nil {
		return 0, err
	}
	switch i.result {
	case protocol.I32:
		return protocol.Bits(value.ToI32())
	case protocol.I64:
		return protocol.Bits(value.ToI64())
	default:
		return protocol.Bits(value.ToF64())
	}
}

func (i *instance) Close() { i.wasmer.Close() }

func main() { protocol.Main(instantiate, works()...) }
