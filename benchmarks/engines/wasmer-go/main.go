// Command wasmer-go measures wasmer-go 1.0.4 (Wasmer 2 with Cranelift), which carries its library
// in its module.
package main

import (
	"fmt"

	"github.com/wasmerio/wasmer-go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

type instance struct {
	store    *wasmer.Store
	module   *wasmer.Module
	instance *wasmer.Instance
	call     wasmer.NativeFunction
	args     []interface{}
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	i := &instance{store: wasmer.NewStore(wasmer.NewEngine())}
	var err error
	if i.module, err = wasmer.NewModule(i.store, p.Wasm); err != nil {
		i.store.Close()
		return nil, err
	}
	if i.instance, err = wasmer.NewInstance(i.module, wasmer.NewImportObject()); err != nil {
		i.module.Close()
		i.store.Close()
		return nil, err
	}
	if i.call, err = i.instance.Exports.GetFunction(p.Entry); err != nil {
		i.Close()
		return nil, fmt.Errorf("no export %q: %w", p.Entry, err)
	}
	for _, arg := range p.Args {
		i.args = append(i.args, arg)
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	result, err := i.call(i.args...)
	if err != nil {
		return 0, err
	}
	return protocol.Bits(result)
}

func (i *instance) Close() {
	i.instance.Close()
	i.module.Close()
	i.store.Close()
}

func main() { protocol.Main(instantiate, works()...) }
