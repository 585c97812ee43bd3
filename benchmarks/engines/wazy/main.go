// Command wazy measures wazy 0.8.0, with its optimizing compiler.
package main

import (
	"context"
	"fmt"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/api"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

var background = context.Background()

type instance struct {
	runtime wazy.Runtime
	call    api.Function
	args    []uint64
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	i := &instance{runtime: wazy.NewRuntimeWithConfig(background, wazy.NewRuntimeConfigCompiler())}
	module, err := i.runtime.Instantiate(background, p.Wasm)
	if err != nil {
		i.Close()
		return nil, err
	}
	if i.call = module.ExportedFunction(p.Entry); i.call == nil {
		i.Close()
		return nil, fmt.Errorf("no export %q", p.Entry)
	}
	for _, arg := range p.Args {
		i.args = append(i.args, api.EncodeI32(arg))
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	results, err := i.call.Call(background, i.args...)
	if err != nil {
		return 0, err
	}
	return results[0], nil
}

func (i *instance) Close() { _ = i.runtime.Close(background) }

func main() { protocol.Main(instantiate, works()...) }
