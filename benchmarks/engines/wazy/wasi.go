package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/samyfodil/wazy"
	"github.com/samyfodil/wazy/api"
	"github.com/samyfodil/wazy/imports/wasi_snapshot_preview1"
	"github.com/samyfodil/wazy/sys"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func wasiWorks() []protocol.Work {
	return protocol.Wasi(&protocol.WasiEngine{Library: wasiLibrary, Program: wasiProgram}, true)
}

// wasiRuntime compiles a module in a runtime with WASI, with the real clocks, as the other engines
// have them.
func wasiRuntime(wasm []byte) (wazy.Runtime, wazy.CompiledModule, wazy.ModuleConfig, error) {
	r := wazy.NewRuntimeWithConfig(background, compiler())
	config := wazy.NewModuleConfig().WithName("").WithSysNanotime().WithSysWalltime().WithSysNanosleep()
	if _, err := wasi_snapshot_preview1.Instantiate(background, r); err != nil {
		_ = r.Close(background)
		return nil, nil, nil, err
	}
	compiled, err := r.CompileModule(background, wasm)
	if err != nil {
		_ = r.Close(background)
	}
	return r, compiled, config, err
}

func wasiLibrary(wasm []byte, stdout io.Writer) (func(string, int32) (int32, error), func(), error) {
	r, compiled, config, err := wasiRuntime(wasm)
	if err != nil {
		return nil, nil, err
	}
	module, err := r.InstantiateModule(background, compiled, config.WithStdout(stdout))
	if err != nil {
		_ = r.Close(background)
		return nil, nil, err
	}
	return func(export string, n int32) (int32, error) {
		f := module.ExportedFunction(export)
		if f == nil {
			return 0, fmt.Errorf("no export %q", export)
		}
		stack := []uint64{api.EncodeI32(n)}
		err := f.CallWithStack(background, stack)
		return api.DecodeI32(stack[0]), err
	}, closed(r), nil
}

func wasiProgram(wasm []byte, directory string, args ...string) (func() error, func(), error) {
	r, compiled, config, err := wasiRuntime(wasm)
	if err != nil {
		return nil, nil, err
	}
	config = config.WithArgs(args...).WithStderr(os.Stderr).WithFSConfig(wazy.NewFSConfig().WithDirMount(directory, "/"))
	return func() error {
		module, err := r.InstantiateModule(background, compiled, config)
		var exit *sys.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 0 {
			err = nil
		}
		if module != nil {
			_ = module.Close(background)
		}
		return err
	}, closed(r), nil
}
