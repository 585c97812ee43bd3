package main

import (
	"context"
	"unsafe"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func callWorks() []protocol.Work {
	return protocol.Join(
		protocol.Calls(protocol.WayExports, callExports),
		protocol.Calls("Function.Call", callFunction),
		protocol.Calls(protocol.WaySlots, callSlots),
		protocol.Calls(protocol.WayTyped, callTyped),
	)
}

func hostCallWorks() []protocol.Work {
	ways := []struct {
		name   string
		append func(*wasmer.Imports) (*wasmer.Imports, error)
	}{
		{protocol.WayHostRaw, appendSlots},
		{protocol.WayHostType, appendTyped},
		{protocol.WayClosure, func(imports *wasmer.Imports) (*wasmer.Imports, error) {
			return appendAll(imports, func() {}, func(a, b int32) int32 { return a + b },
				func(a, b, c, d, e, f int32) int32 { return a + b + c + d + e + f })
		}},
		{"Go function with context and error", func(imports *wasmer.Imports) (*wasmer.Imports, error) {
			return appendAll(imports, func(context.Context) error { return nil },
				func(_ context.Context, a, b int32) (int32, error) { return a + b, nil },
				func(_ context.Context, a, b, c, d, e, f int32) (int32, error) { return a + b + c + d + e + f, nil })
		}},
		{protocol.WayC, appendC},
	}
	var works []protocol.Work
	for _, way := range ways {
		works = append(works, protocol.HostCalls(way.name, func(wasm []byte) (*protocol.Caller, error) {
			imports, err := way.append(wasmer.NewImports())
			if err != nil {
				return nil, err
			}
			return caller(wasm, imports)
		})...)
	}
	return works
}

func appendAll(imports *wasmer.Imports, host0, host2, host6 any, pointers ...unsafe.Pointer) (*wasmer.Imports, error) {
	for i, f := range []any{host0, host2, host6} {
		var pointer []unsafe.Pointer
		if len(pointers) > 0 {
			pointer = pointers[i : i+1]
		}
		if _, err := imports.Append([]string{"host0", "host2", "host6"}[i], f, pointer...); err != nil {
			return nil, err
		}
	}
	return imports, nil
}

func caller(wasm []byte, imports *wasmer.Imports) (*protocol.Caller, error) {
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

func callExports(wasm []byte) (*protocol.Callee, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	functions := []func(...any) (wasmer.Value, error){instance.Exports["call0"], instance.Exports["call2"], instance.Exports["call6"]}
	return &protocol.Callee{Close: instance.Close, Loops: protocol.Untyped(functions, wasmer.Value.ToI32)}, nil
}

func callFunction(wasm []byte) (*protocol.Callee, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	call0, err0 := instance.Function("call0")
	call2, err2 := instance.Function("call2")
	call6, err6 := instance.Function("call6")
	for _, err := range []error{err0, err2, err6} {
		if err != nil {
			return nil, err
		}
	}
	return &protocol.Callee{Close: instance.Close, Loops: []func(int) error{
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
				values, err := call2.Call(background, int32(1), int32(2))
				if err != nil {
					return err
				}
				result = values[0].ToI32()
			}
			return protocol.CheckSum(2, result)
		},
		func(n int) error {
			var result int32
			for range n {
				values, err := call6.Call(background, int32(1), int32(2), int32(3), int32(4), int32(5), int32(6))
				if err != nil {
					return err
				}
				result = values[0].ToI32()
			}
			return protocol.CheckSum(6, result)
		},
	}}, nil
}

func deadlineWorks() []protocol.Work {
	return protocol.Join(protocol.Deadlines("Function.Call", callDeadline), protocol.Deadlines(protocol.WaySlots, slotsDeadline))
}

// callDeadline calls under a context.
func callDeadline(wasm []byte, export string, _ bool) (*protocol.Interruptible, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	f, err := instance.Function(export)
	if err != nil {
		return nil, err
	}
	return &protocol.Interruptible{Close: instance.Close, Loop: func(ctx context.Context, n int) error {
		for range n {
			if _, err := f.Call(ctx); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}
