package main

// #include <stdint.h>
// extern void host0(void *);
// extern int32_t host2(void *, int32_t, int32_t);
// extern int32_t host6(void *, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
import "C"

import (
	"unsafe"

	"github.com/wasmerio/go-ext-wasm/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

//export host0
func host0(unsafe.Pointer) {}

//export host2
func host2(_ unsafe.Pointer, a, b int32) int32 { return a + b }

//export host6
func host6(_ unsafe.Pointer, a, b, c, d, e, f int32) int32 { return a + b + c + d + e + f }

func works() []protocol.Work {
	return protocol.Join(
		protocol.Calls(protocol.WayExports, calls),
		protocol.HostCalls(protocol.WayC, hostCalls),
		protocol.Compiles("", compile),
		protocol.Instantiates("", instantiator),
	)
}

func calls(wasm []byte) (*protocol.Callee, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	functions := []func(...any) (wasmer.Value, error){instance.Exports["call0"], instance.Exports["call2"], instance.Exports["call6"]}
	return &protocol.Callee{Close: instance.Close, Loops: protocol.Untyped(functions, wasmer.Value.ToI32)}, nil
}

func hostCalls(wasm []byte) (*protocol.Caller, error) {
	imports := wasmer.NewImports()
	var err error
	for _, f := range []struct {
		name     string
		function any
		pointer  unsafe.Pointer
	}{{"host0", host0, C.host0}, {"host2", host2, C.host2}, {"host6", host6, C.host6}} {
		if imports, err = imports.Append(f.name, f.function, f.pointer); err != nil {
			return nil, err
		}
	}
	instance, err := wasmer.NewInstanceWithImports(wasm, imports)
	if err != nil {
		return nil, err
	}
	return &protocol.Caller{Close: instance.Close, Call: func(export string, n int32) (int32, error) {
		result, err := instance.Exports[export](n)
		if err != nil {
			return 0, err
		}
		return result.ToI32(), nil
	}}, nil
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
	return &protocol.Instantiator{Close: module.Close, Instantiate: func(offsets []uint32) (func(), error) {
		instance, err := module.Instantiate()
		if err != nil {
			return nil, err
		}
		for _, offset := range offsets {
			instance.Memory.Data()[offset] = 0
		}
		return instance.Close, nil
	}}, nil
}
