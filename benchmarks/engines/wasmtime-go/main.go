// Command wasmtime-go measures wasmtime-go 44.0.0 (Wasmtime 44 through its C API).
package main

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

type instance struct {
	engine *wasmtime.Engine
	module *wasmtime.Module
	store  *wasmtime.Store
	call   *wasmtime.Func
	args   []interface{}
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	i := &instance{engine: wasmtime.NewEngine()}
	var err error
	if i.module, err = wasmtime.NewModule(i.engine, p.Wasm); err != nil {
		return nil, err
	}
	i.store = wasmtime.NewStore(i.engine)
	w, err := wasmtime.NewInstance(i.store, i.module, nil)
	if err != nil {
		i.Close()
		return nil, err
	}
	if i.call = w.GetFunc(i.store, p.Entry); i.call == nil {
		i.Close()
		return nil, fmt.Errorf("no export %q", p.Entry)
	}
	for _, arg := range p.Args {
		i.args = append(i.args, arg)
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	result, err := i.call.Call(i.store, i.args...)
	if err != nil {
		return 0, err
	}
	return protocol.Bits(result)
}

func (i *instance) Close() {
	i.store.Close()
	i.module.Close()
	i.engine.Close()
}

func main() { protocol.Main(instantiate, works()...) }
