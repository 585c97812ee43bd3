package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func startWorks() []protocol.Work {
	starter := protocol.Starter{First: first, Load: func(wasm []byte, cache string) (func(), error) {
		engine := wasmtime.NewEngine()
		module, err := cached(engine, wasm, cache)
		if err != nil {
			return nil, err
		}
		return func() { module.Close(); engine.Close() }, nil
	}}
	return protocol.Join(
		protocol.Starts(protocol.WayNoCache, starter),
		protocol.Starts(protocol.WayCache, starter),
		protocol.Requests("instantiate, start, call, close", requests),
	)
}

// cached compiles a module, or maps it from a file that an earlier call has written. wasmtime-go
// has no cache of its own: who needs one writes these lines.
func cached(engine *wasmtime.Engine, wasm []byte, cache string) (*wasmtime.Module, error) {
	if cache == "" {
		return wasmtime.NewModule(engine, wasm)
	}
	file := filepath.Join(cache, "module.cwasm")
	if _, err := os.Stat(file); err == nil {
		return wasmtime.NewModuleDeserializeFile(engine, file)
	}
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, err
	}
	text, err := module.Serialize()
	if err != nil {
		return nil, err
	}
	return module, os.WriteFile(file, text, 0o644)
}

func first(name string, wasm []byte, cache string) error {
	engine := wasmtime.NewEngine()
	module, err := cached(engine, wasm, cache)
	if err != nil {
		return err
	}
	store := wasmtime.NewStore(engine)
	linker := wasmtime.NewLinker(engine)
	switch name {
	case protocol.StartSmall:
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			return err
		}
		result, err := instance.GetFunc(store, "call2").Call(store, 1, 2)
		if err != nil {
			return err
		}
		return protocol.CheckSum(2, number(result))
	case protocol.StartMiddle:
		output, err := os.CreateTemp("", "bench-output")
		if err != nil {
			return err
		}
		defer func() { _ = os.Remove(output.Name()) }()
		config := wasmtime.NewWasiConfig()
		config.SetArgv([]string{"middle"})
		if err := errors.Join(config.SetStdoutFile(output.Name()), linker.DefineWasi()); err != nil {
			return err
		}
		store.SetWasi(config)
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			return err
		}
		if _, err := instance.GetFunc(store, "_start").Call(store); err != nil {
			var exit *wasmtime.Error
			if !errors.As(err, &exit) {
				return err
			}
			if code, exited := exit.ExitStatus(); !exited || code != 0 {
				return err
			}
		}
		text, err := os.ReadFile(output.Name())
		if err != nil {
			return err
		}
		return protocol.CheckMiddle(string(text))
	case protocol.StartLarge:
		if err := linker.DefineUnknownImportsAsTraps(module); err != nil {
			return err
		}
		_, err := linker.Instantiate(store, module)
		return err
	}
	return fmt.Errorf("no case %q", name)
}

func requests(wasm []byte) (*protocol.Requester, error) {
	engine, module, linker, err := wasiLinker(wasm)
	if err != nil {
		return nil, err
	}
	return &protocol.Requester{Close: func() { linker.Close(); module.Close(); engine.Close() }, Request: func(n int32) (int32, error) {
		store := wasmtime.NewStore(engine)
		defer store.Close()
		store.SetWasi(wasmtime.NewWasiConfig())
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			return 0, err
		}
		if _, err := instance.GetFunc(store, "_initialize").Call(store); err != nil {
			return 0, err
		}
		result, err := instance.GetFunc(store, "handle").Call(store, n)
		return number(result), err
	}}, nil
}
