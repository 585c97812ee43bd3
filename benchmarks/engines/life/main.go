// Command life runs benchmark programs on Life's interpreter, with the sizes of its own command.
package main

import (
	"fmt"

	"github.com/perlin-network/life/exec"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

type instance struct {
	vm    *exec.VirtualMachine
	entry int
	args  []int64
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	vm, err := exec.NewVirtualMachine(p.Wasm, exec.VMConfig{
		DefaultMemoryPages: 128,
		DefaultTableSize:   65536,
	}, new(exec.NopResolver), nil)
	if err != nil {
		return nil, err
	}
	entry, found := vm.GetFunctionExport(p.Entry)
	if !found {
		return nil, fmt.Errorf("no export %q", p.Entry)
	}
	i := &instance{vm: vm, entry: entry}
	for _, arg := range p.Args {
		i.args = append(i.args, int64(arg))
	}
	return i, nil
}

func (i *instance) Run() (uint64, error) {
	result, err := i.vm.Run(i.entry, i.args...)
	return uint64(result), err
}

func (i *instance) Close() {}

func main() { protocol.Main(instantiate) }
