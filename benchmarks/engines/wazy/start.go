package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/api"
	"github.com/samyfodil/wazy/imports/wasi_snapshot_preview1"
	"github.com/samyfodil/wazy/sys"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func startWorks() []protocol.Work {
	starter := protocol.Starter{First: first, Load: load}
	return protocol.Join(
		protocol.Starts(protocol.WayNoCache, starter),
		protocol.Starts(protocol.WayCache, starter),
		protocol.Requests("instantiate, start, call, close", requests),
	)
}

// cached makes a runtime that keeps what it compiles in a folder, unless that is empty.
func cached(folder string) (wazy.Runtime, error) {
	config := compiler()
	if folder != "" {
		cache, err := wazy.NewCompilationCacheWithDir(folder)
		if err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(cache)
	}
	return wazy.NewRuntimeWithConfig(background, config), nil
}

func first(name string, wasm []byte, cache string) error {
	r, err := cached(cache)
	if err != nil {
		return err
	}
	switch name {
	case protocol.StartSmall:
		module, err := r.Instantiate(background, wasm)
		if err != nil {
			return err
		}
		results, err := module.ExportedFunction("call2").Call(background, 1, 2)
		if err != nil {
			return err
		}
		return protocol.CheckSum(2, api.DecodeI32(results[0]))
	case protocol.StartMiddle:
		if _, err := wasi_snapshot_preview1.Instantiate(background, r); err != nil {
			return err
		}
		var output bytes.Buffer
		_, err := r.InstantiateWithConfig(background, wasm, wazy.NewModuleConfig().WithStdout(&output).WithArgs("middle"))
		var exit *sys.ExitError
		if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 0) {
			return err
		}
		return protocol.CheckMiddle(output.String())
	case protocol.StartLarge:
		_, instantiate, err := prepare(r, wasm)
		if err != nil {
			return err
		}
		_, err = instantiate(nil)
		return err
	}
	return fmt.Errorf("no case %q", name)
}

func load(wasm []byte, cache string) (func(), error) {
	r, err := cached(cache)
	if err != nil {
		return nil, err
	}
	if _, err := r.CompileModule(background, wasm); err != nil {
		_ = r.Close(background)
		return nil, err
	}
	return closed(r), nil
}

func requests(wasm []byte) (*protocol.Requester, error) {
	r, compiled, config, err := wasiRuntime(wasm)
	if err != nil {
		return nil, err
	}
	config = config.WithStartFunctions("_initialize")
	return &protocol.Requester{Close: closed(r), Request: func(n int32) (int32, error) {
		module, err := r.InstantiateModule(background, compiled, config)
		if err != nil {
			return 0, err
		}
		defer func() { _ = module.Close(background) }()
		stack := []uint64{api.EncodeI32(n)}
		err = module.ExportedFunction("handle").CallWithStack(background, stack)
		return api.DecodeI32(stack[0]), err
	}}, nil
}
