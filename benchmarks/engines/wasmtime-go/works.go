package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func works() []protocol.Work {
	return protocol.Join(
		protocol.Calls("Call", calls),
		protocol.HostCalls("WrapFunc (reflection)", func(wasm []byte) (*protocol.Caller, error) { return hostCalls(wasm, true) }),
		protocol.HostCalls("NewFunc", func(wasm []byte) (*protocol.Caller, error) { return hostCalls(wasm, false) }),
		protocol.Compiles("", compile),
		protocol.Instantiates("", instantiator),
		protocol.Parallel("", parallel),
		protocol.Deadlines("epochs", deadlines),
		[]protocol.Work{protocol.Collect("epochs", spinner)},
		wasiWorks(),
		startWorks(),
	)
}

func number(value any) int32 {
	i, _ := value.(int32)
	return i
}

func calls(wasm []byte) (*protocol.Callee, error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	store := wasmtime.NewStore(engine)
	instance, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		return nil, err
	}
	var functions []func(...any) (any, error)
	for _, parameters := range protocol.Parameters {
		f := instance.GetFunc(store, fmt.Sprintf("call%d", parameters))
		functions = append(functions, func(args ...any) (any, error) { return f.Call(store, args...) })
	}
	return &protocol.Callee{Close: store.Close, Loops: protocol.Untyped(functions, number)}, nil
}

func hostCalls(wasm []byte, wrap bool) (*protocol.Caller, error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	store := wasmtime.NewStore(engine)
	var imports []wasmtime.AsExtern
	if wrap {
		imports = []wasmtime.AsExtern{
			wasmtime.WrapFunc(store, func() {}),
			wasmtime.WrapFunc(store, func(a, b int32) int32 { return a + b }),
			wasmtime.WrapFunc(store, func(a, b, c, d, e, f int32) int32 { return a + b + c + d + e + f }),
		}
	} else {
		for _, parameters := range protocol.Parameters {
			types := make([]*wasmtime.ValType, parameters)
			for i := range types {
				types[i] = wasmtime.NewValType(wasmtime.KindI32)
			}
			var results []*wasmtime.ValType
			if parameters > 0 {
				results = append(results, wasmtime.NewValType(wasmtime.KindI32))
			}
			imports = append(imports, wasmtime.NewFunc(store, wasmtime.NewFuncType(types, results),
				func(_ *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
					if len(args) == 0 {
						return nil, nil
					}
					sum := int32(0)
					for _, arg := range args {
						sum += arg.I32()
					}
					return []wasmtime.Val{wasmtime.ValI32(sum)}, nil
				}))
		}
	}
	instance, err := wasmtime.NewInstance(store, module, imports)
	if err != nil {
		return nil, err
	}
	return &protocol.Caller{Close: store.Close, Call: func(export string, n int32) (int32, error) {
		result, err := instance.GetFunc(store, export).Call(store, n)
		return number(result), err
	}}, nil
}

func compile(wasm []byte) (func(), error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	return func() {
		module.Close()
		engine.Close()
	}, nil
}

// instantiator compiles a module, whose imports trap.
func instantiator(wasm []byte) (*protocol.Instantiator, error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineUnknownImportsAsTraps(module); err != nil {
		return nil, err
	}
	return &protocol.Instantiator{
		Close: func() {
			linker.Close()
			module.Close()
			engine.Close()
		},
		Instantiate: func(offsets []uint32) (func(), error) {
			store := wasmtime.NewStore(engine)
			instance, err := linker.Instantiate(store, module)
			if err != nil {
				return nil, err
			}
			if len(offsets) > 0 {
				memory := instance.GetExport(store, "memory").Memory().UnsafeData(store)
				for _, offset := range offsets {
					memory[offset] = 0
				}
			}
			return store.Close, nil
		},
	}, nil
}

func parallel(wasm []byte) (func() (*protocol.Worker, error), func(), error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() (*protocol.Worker, error) {
			store := wasmtime.NewStore(engine)
			instance, err := wasmtime.NewInstance(store, module, nil)
			if err != nil {
				return nil, err
			}
			f := instance.GetFunc(store, "app_main")
			return &protocol.Worker{Run: func() error { _, err := f.Call(store); return err }, Close: store.Close}, nil
		}, func() {
			module.Close()
			engine.Close()
		}, nil
}

// interruptible instantiates a module whose calls end when the engine's epoch has passed the
// store's.
func interruptible(wasm []byte, with bool) (*wasmtime.Engine, *wasmtime.Store, *wasmtime.Instance, error) {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(with)
	engine := wasmtime.NewEngineWithConfig(config)
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, nil, nil, err
	}
	store := wasmtime.NewStore(engine)
	if with {
		store.SetEpochDeadline(1)
	}
	instance, err := wasmtime.NewInstance(store, module, nil)
	return engine, store, instance, err
}

func deadlines(wasm []byte, export string, with bool) (*protocol.Interruptible, error) {
	_, store, instance, err := interruptible(wasm, with)
	if err != nil {
		return nil, err
	}
	f := instance.GetFunc(store, export)
	return &protocol.Interruptible{Close: store.Close, Loop: func(_ context.Context, n int) error {
		// One deadline is set for each call, as a server would; what raises the epoch then costs
		// extra.
		for range n {
			if with {
				store.SetEpochDeadline(1)
			}
			if _, err := f.Call(store); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

func spinner(wasm []byte) (func(context.Context), error) {
	engine, store, instance, err := interruptible(wasm, true)
	if err != nil {
		return nil, err
	}
	spin := instance.GetFunc(store, "spin")
	return func(ctx context.Context) {
		go func() {
			<-ctx.Done()
			time.Sleep(time.Millisecond)
			engine.IncrementEpoch()
		}()
		_, _ = spin.Call(store)
		store.Close()
	}, nil
}
