package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bytecodealliance/wasmtime-go/v44"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// Its WASI is Rust's: it writes to files and streams of the system, not to an io.Writer.
func wasiWorks() []protocol.Work {
	return protocol.Wasi(&protocol.WasiEngine{Library: wasiLibrary, Program: wasiProgram}, false)
}

// wasiLinker compiles a module and makes a linker with WASI.
func wasiLinker(wasm []byte) (*wasmtime.Engine, *wasmtime.Module, *wasmtime.Linker, error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, wasm)
	if err != nil {
		return nil, nil, nil, err
	}
	linker := wasmtime.NewLinker(engine)
	return engine, module, linker, linker.DefineWasi()
}

func wasiLibrary(wasm []byte, stdout io.Writer) (func(string, int32) (int32, error), func(), error) {
	engine, module, linker, err := wasiLinker(wasm)
	if err != nil {
		return nil, nil, err
	}
	file, isFile := stdout.(*os.File)
	if !isFile {
		return nil, nil, errors.New("it writes to files only")
	}
	config := wasmtime.NewWasiConfig()
	if err := config.SetStdoutFile(file.Name()); err != nil {
		return nil, nil, err
	}
	store := wasmtime.NewStore(engine)
	store.SetWasi(config)
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return nil, nil, err
	}
	return func(export string, n int32) (int32, error) {
		f := instance.GetFunc(store, export)
		if f == nil {
			return 0, fmt.Errorf("no export %q", export)
		}
		result, err := f.Call(store, n)
		return number(result), err
	}, store.Close, nil
}

func wasiProgram(wasm []byte, directory string, args ...string) (func() error, func(), error) {
	engine, module, linker, err := wasiLinker(wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() error {
		config := wasmtime.NewWasiConfig()
		config.SetArgv(args)
		config.InheritStderr()
		if err := config.PreopenDir(directory, "/", wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE); err != nil {
			return err
		}
		store := wasmtime.NewStore(engine)
		defer store.Close()
		store.SetWasi(config)
		instance, err := linker.Instantiate(store, module)
		if err != nil {
			return err
		}
		_, err = instance.GetFunc(store, "_start").Call(store)
		var exit *wasmtime.Error
		if errors.As(err, &exit) {
			if code, exited := exit.ExitStatus(); exited && code == 0 {
				return nil
			}
		}
		return err
	}, module.Close, nil
}
