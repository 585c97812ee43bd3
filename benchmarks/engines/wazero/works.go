package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// closed makes what closes a runtime.
func closed(r wazero.Runtime) func() { return func() { _ = r.Close(background) } }

// open instantiates a module in a runtime of its own.
func open(config wazero.RuntimeConfig, wasm []byte) (wazero.Runtime, api.Module, error) {
	r := wazero.NewRuntimeWithConfig(background, config)
	module, err := r.Instantiate(background, wasm)
	if err != nil {
		_ = r.Close(background)
	}
	return r, module, err
}

func compiler() wazero.RuntimeConfig { return wazero.NewRuntimeConfigCompiler() }

func works() []protocol.Work {
	var all []protocol.Work
	for _, way := range []string{"Call", protocol.WayStack} {
		all = append(all, protocol.Calls(way, func(wasm []byte) (*protocol.Callee, error) { return calls(wasm, way) })...)
	}
	for _, way := range []string{protocol.WayGoFunc, "reflection"} {
		all = append(all, protocol.HostCalls(way, func(wasm []byte) (*protocol.Caller, error) { return hostCalls(wasm, way) })...)
	}
	for _, way := range []string{"1 worker", "a worker per core"} {
		workers := 1
		if way != "1 worker" {
			workers = runtime.NumCPU()
		}
		all = append(all, protocol.Compiles(way, func(wasm []byte) (func(), error) { return compile(wasm, workers) })...)
	}
	return append(all, protocol.Join(
		protocol.Instantiates("", instantiator),
		protocol.Parallel("", parallel),
		protocol.Deadlines(protocol.WayStack, deadlines),
		[]protocol.Work{protocol.Collect("WithCloseOnContextDone", spinner)},
		protocol.Blocked(protocol.WayGoFunc, blocked),
		wasiWorks(),
		startWorks(),
	)...)
}

func calls(wasm []byte, way string) (*protocol.Callee, error) {
	r, module, err := open(compiler(), wasm)
	if err != nil {
		return nil, err
	}
	call0, call2, call6 := module.ExportedFunction("call0"), module.ExportedFunction("call2"), module.ExportedFunction("call6")
	if way == "Call" {
		return &protocol.Callee{Close: closed(r), Loops: []func(int) error{
			func(n int) error {
				for range n {
					if _, err := call0.Call(background); err != nil {
						return err
					}
				}
				return nil
			},
			func(n int) error {
				var result int32
				for range n {
					results, err := call2.Call(background, 1, 2)
					if err != nil {
						return err
					}
					result = api.DecodeI32(results[0])
				}
				return protocol.CheckSum(2, result)
			},
			func(n int) error {
				var result int32
				for range n {
					results, err := call6.Call(background, 1, 2, 3, 4, 5, 6)
					if err != nil {
						return err
					}
					result = api.DecodeI32(results[0])
				}
				return protocol.CheckSum(6, result)
			},
		}}, nil
	}
	return &protocol.Callee{Close: closed(r), Loops: []func(int) error{
		func(n int) error {
			for range n {
				if err := call0.CallWithStack(background, nil); err != nil {
					return err
				}
			}
			return nil
		},
		func(n int) error {
			var stack [2]uint64
			for range n {
				stack[0], stack[1] = 1, 2
				if err := call2.CallWithStack(background, stack[:]); err != nil {
					return err
				}
			}
			return protocol.CheckSum(2, api.DecodeI32(stack[0]))
		},
		func(n int) error {
			var stack [6]uint64
			for range n {
				stack = [6]uint64{1, 2, 3, 4, 5, 6}
				if err := call6.CallWithStack(background, stack[:]); err != nil {
					return err
				}
			}
			return protocol.CheckSum(6, api.DecodeI32(stack[0]))
		},
	}}, nil
}

func hostCalls(wasm []byte, way string) (*protocol.Caller, error) {
	r := wazero.NewRuntimeWithConfig(background, compiler())
	env := r.NewHostModuleBuilder("env")
	if way == "reflection" {
		env.NewFunctionBuilder().WithFunc(func() {}).Export("host0")
		env.NewFunctionBuilder().WithFunc(func(a, b int32) int32 { return a + b }).Export("host2")
		env.NewFunctionBuilder().WithFunc(func(a, b, c, d, e, f int32) int32 { return a + b + c + d + e + f }).Export("host6")
	} else {
		i := api.ValueTypeI32
		env.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), nil, nil).Export("host0")
		env.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			stack[0] = api.EncodeI32(api.DecodeI32(stack[0]) + api.DecodeI32(stack[1]))
		}), []api.ValueType{i, i}, []api.ValueType{i}).Export("host2")
		env.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
			stack[0] = api.EncodeI32(api.DecodeI32(stack[0]) + api.DecodeI32(stack[1]) + api.DecodeI32(stack[2]) +
				api.DecodeI32(stack[3]) + api.DecodeI32(stack[4]) + api.DecodeI32(stack[5]))
		}), []api.ValueType{i, i, i, i, i, i}, []api.ValueType{i}).Export("host6")
	}
	if _, err := env.Instantiate(background); err != nil {
		return nil, err
	}
	module, err := r.Instantiate(background, wasm)
	if err != nil {
		return nil, err
	}
	return &protocol.Caller{Close: closed(r), Call: func(export string, n int32) (int32, error) {
		results, err := module.ExportedFunction(export).Call(background, api.EncodeI32(n))
		if err != nil {
			return 0, err
		}
		return api.DecodeI32(results[0]), nil
	}}, nil
}

func compile(wasm []byte, workers int) (func(), error) {
	r := wazero.NewRuntimeWithConfig(background, compiler())
	ctx := experimental.WithCompilationWorkers(background, workers)
	if _, err := r.CompileModule(ctx, wasm); err != nil {
		_ = r.Close(background)
		return nil, err
	}
	return closed(r), nil
}

func instantiator(wasm []byte) (*protocol.Instantiator, error) {
	free, instantiate, err := prepare(wazero.NewRuntimeWithConfig(background, compiler()), wasm)
	if err != nil {
		return nil, err
	}
	return &protocol.Instantiator{Close: free, Instantiate: instantiate}, nil
}

// prepare compiles a module and provides functions for its imports that do nothing. It returns what
// makes instances.
func prepare(r wazero.Runtime, wasm []byte) (free func(), instantiate func([]uint32) (func(), error), err error) {
	compiled, err := r.CompileModule(background, wasm)
	if err != nil {
		return nil, nil, err
	}
	builders := map[string]wazero.HostModuleBuilder{}
	for _, f := range compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		if builders[module] == nil {
			builders[module] = r.NewHostModuleBuilder(module)
		}
		builders[module].NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) {}), f.ParamTypes(), f.ResultTypes()).
			Export(name)
	}
	for _, builder := range builders {
		if _, err := builder.Instantiate(background); err != nil {
			return nil, nil, err
		}
	}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	return closed(r), func(offsets []uint32) (func(), error) {
		module, err := r.InstantiateModule(background, compiled, config)
		if err != nil {
			return nil, err
		}
		for _, offset := range offsets {
			module.Memory().WriteByte(offset, 0)
		}
		return func() { _ = module.Close(background) }, nil
	}, nil
}

func parallel(wasm []byte) (func() (*protocol.Worker, error), func(), error) {
	r := wazero.NewRuntimeWithConfig(background, compiler())
	compiled, err := r.CompileModule(background, wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() (*protocol.Worker, error) {
		module, err := r.InstantiateModule(background, compiled, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			return nil, err
		}
		f := module.ExportedFunction("app_main")
		return &protocol.Worker{
			Run:   func() error { _, err := f.Call(background); return err },
			Close: func() { _ = module.Close(background) },
		}, nil
	}, closed(r), nil
}

func deadlines(wasm []byte, export string, with bool) (*protocol.Interruptible, error) {
	r, module, err := open(compiler().WithCloseOnContextDone(with), wasm)
	if err != nil {
		return nil, err
	}
	f := module.ExportedFunction(export)
	return &protocol.Interruptible{Close: closed(r), Loop: func(ctx context.Context, n int) error {
		var stack [1]uint64
		for range n {
			if err := f.CallWithStack(ctx, stack[:]); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

func spinner(wasm []byte) (func(context.Context), error) {
	r, module, err := open(compiler().WithCloseOnContextDone(true), wasm)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		_, _ = module.ExportedFunction("spin").Call(ctx)
		_ = r.Close(background)
	}, nil
}

func blocked(wasm []byte, wait func()) (func() error, func(), error) {
	r := wazero.NewRuntimeWithConfig(background, compiler())
	env := r.NewHostModuleBuilder("env")
	env.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(context.Context, []uint64) { wait() }), nil, nil).Export("wait")
	if _, err := env.Instantiate(background); err != nil {
		return nil, nil, err
	}
	module, err := r.Instantiate(background, wasm)
	if err != nil {
		return nil, nil, err
	}
	if module.ExportedFunction("run") == nil {
		return nil, nil, fmt.Errorf("no export %q", "run")
	}
	// A function of wazero's is for one goroutine at a time.
	return func() error { _, err := module.ExportedFunction("run").Call(background); return err }, closed(r), nil
}
