package main

import (
	"context"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

var background = context.Background()

func works() []protocol.Work {
	return protocol.Join(
		callWorks(),
		hostCallWorks(),
		protocol.Compiles("", compile),
		protocol.Instantiates("", instantiator),
		protocol.Parallel("", parallel),
		deadlineWorks(),
		[]protocol.Work{protocol.Collect("", spinner)},
		protocol.Blocked(protocol.WayClosure, blocked),
		wasiWorks(),
		startWorks(),
	)
}

func compile(wasm []byte) (func(), error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, err
	}
	return module.Close, nil
}

func instantiator(wasm []byte) (*protocol.Instantiator, error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, err
	}
	imports, err := nothing(module)
	if err != nil {
		return nil, err
	}
	return &protocol.Instantiator{Close: module.Close, Instantiate: func(offsets []uint32) (func(), error) {
		instance, err := module.InstantiateWithImports(imports)
		if err != nil {
			return nil, err
		}
		for _, offset := range offsets {
			if err := instance.Memory.WriteUint8(uint64(offset), 0); err != nil {
				return nil, err
			}
		}
		return instance.Close, nil
	}}, nil
}

// nothing provides functions of WASI that do nothing for the imports of a module.
func nothing(module wasmer.Module) (*wasmer.Imports, error) {
	imports := wasmer.NewImports()
	given := map[string]bool{} // Go's programs import some functions twice
	for _, i := range module.Imports {
		if given[i.Namespace+"."+i.Name] {
			continue
		}
		given[i.Namespace+"."+i.Name] = true
		var f any
		switch i.Name {
		case "sched_yield":
			f = func() int32 { return 0 }
		case "proc_exit":
			f = func(int32) {}
		case "fd_close":
			f = func(int32) int32 { return 0 }
		case "clock_time_get":
			f = func(int32, int64, int32) int32 { return 0 }
		case "fd_write", "poll_oneoff", "fd_read":
			f = func(int32, int32, int32, int32) int32 { return 0 }
		case "fd_prestat_dir_name":
			f = func(int32, int32, int32) int32 { return 0 }
		default:
			f = func(int32, int32) int32 { return 0 }
		}
		if _, err := imports.Namespace(i.Namespace).Append(i.Name, f); err != nil {
			return nil, err
		}
	}
	return imports, nil
}

func parallel(wasm []byte) (func() (*protocol.Worker, error), func(), error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() (*protocol.Worker, error) {
		instance, err := module.Instantiate()
		if err != nil {
			return nil, err
		}
		f := instance.Exports["app_main"]
		return &protocol.Worker{
			Run:   func() error { _, err := f(); return err },
			Close: instance.Close,
		}, nil
	}, module.Close, nil
}

func spinner(wasm []byte) (func(context.Context), error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	spin, err := instance.Function("spin")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		_, _ = spin.Call(ctx)
		instance.Close()
	}, nil
}

func blocked(wasm []byte, wait func()) (func() error, func(), error) {
	imports, err := wasmer.NewImports().Append("wait", wait)
	if err != nil {
		return nil, nil, err
	}
	instance, err := wasmer.NewInstanceWithImports(wasm, imports)
	if err != nil {
		return nil, nil, err
	}
	run := instance.Exports["run"]
	return func() error { _, err := run(); return err }, instance.Close, nil
}
