package main

import (
	"fmt"
	"io"
	"os"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func wasiWorks() []protocol.Work {
	return protocol.Wasi(&protocol.WasiEngine{Library: wasiLibrary, Program: wasiProgram}, true)
}

func wasiLibrary(wasm []byte, stdout io.Writer) (func(string, int32) (int32, error), func(), error) {
	w := wasmer.Wasi{Stdout: stdout}
	object, err := w.ImportObject()
	if err != nil {
		return nil, nil, err
	}
	imports, err := object.Imports()
	if err != nil {
		return nil, nil, err
	}
	instance, err := wasmer.NewInstanceWithImports(wasm, imports)
	if err != nil {
		return nil, nil, err
	}
	return func(export string, n int32) (int32, error) {
		f := instance.Exports[export]
		if f == nil {
			return 0, fmt.Errorf("no export %q", export)
		}
		result, err := f(n)
		if err != nil {
			return 0, err
		}
		return result.ToI32(), nil
	}, instance.Close, nil
}

func wasiProgram(wasm []byte, directory string, args ...string) (func() error, func(), error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() error {
		w := wasmer.Wasi{Args: args, Stderr: os.Stderr, Dirs: []wasmer.WasiDir{{Host: directory, Guest: "/"}}}
		return w.Run(background, &module)
	}, module.Close, nil
}
