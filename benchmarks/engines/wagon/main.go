// Command wagon runs benchmark programs on Wagon's interpreter.
package main

import (
	"bytes"
	"fmt"

	"github.com/go-interpreter/wagon/exec"
	"github.com/go-interpreter/wagon/validate"
	"github.com/go-interpreter/wagon/wasm"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

type instance struct {
	vm    *exec.VM
	entry int64
	args  []uint64
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	module, err := wasm.ReadModule(bytes.NewReader(p.Wasm), nil)
	if err != nil {
		return nil, err
	}
	if err := validate.VerifyModule(module); err != nil {
		return nil, err
	}
	vm, err := exec.NewVM(module)
	if err != nil {
		return nil, err
	}
	vm.RecoverPanic = true
	export, found := module.Export.Entries[p.Entry]
	if !found {
		return nil, fmt.Errorf("no export %q", p.Entry)
	}
	i := &instance{vm: vm, entry: int64(export.Index)}
	for _, arg := range p.Args {
		i.args = append(i.args, uint64(uint32(arg)))
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	value, err := i.vm.ExecCode(i.entry, i.args...)
	if err != nil {
		return 0, err
	}
	return protocol.Bits(value)
}

func (i *instance) Close() {}

func main() { protocol.Main(instantiate) }
