// Command wasm2go measures programs that wasm2go 0.4.19 has translated to Go ahead of time.
// build.sh translates them and adds a file that fills programs. There is nothing to compile here,
// so only the run counts.
package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// programs makes new instances of the programs by name: what is returned calls the entry.
var programs = map[string]func() func(args []int32) any{}

type instance struct {
	call func(args []int32) any
	args []int32
}

func instantiate(p *protocol.Program) (protocol.Instance, error) {
	name := strings.TrimSuffix(filepath.Base(p.File), ".wasm")
	start := programs[name]
	if start == nil {
		return nil, fmt.Errorf("no program %q was translated", name)
	}
	return &instance{start(), p.Args}, nil
}

func (i *instance) Run() (uint64, error) { return protocol.Bits(i.call(i.args)) }

func (i *instance) Close() {}

// spinner is a loop of plain Go, for comparison: what Go's own preemption makes of it.
func spinner([]byte) (func(context.Context), error) {
	return func(ctx context.Context) {
		var stop atomic.Bool
		defer context.AfterFunc(ctx, func() { stop.Store(true) })()
		for !stop.Load() {
		}
	}, nil
}

func main() { protocol.Main(instantiate, protocol.Collect("loops of plain Go", spinner)) }
