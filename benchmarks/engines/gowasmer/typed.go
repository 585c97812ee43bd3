package main

import (
	"context"
	"errors"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// callSlots calls with arguments and results as raw slots.
func callSlots(wasm []byte) (*protocol.Callee, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	call0, err0 := instance.Function("call0")
	call2, err2 := instance.Function("call2")
	call6, err6 := instance.Function("call6")
	if err := errors.Join(err0, err2, err6); err != nil {
		return nil, err
	}
	return &protocol.Callee{Close: instance.Close, Loops: []func(int) error{
		func(n int) error {
			for range n {
				if err := call0.CallSlots(background, nil); err != nil {
					return err
				}
			}
			return nil
		},
		func(n int) error {
			var slots [2]uint64
			for range n {
				slots[0], slots[1] = 1, 2
				if err := call2.CallSlots(background, slots[:]); err != nil {
					return err
				}
			}
			return protocol.CheckSum(2, int32(slots[0]))
		},
		func(n int) error {
			var slots [6]uint64
			for range n {
				slots = [6]uint64{1, 2, 3, 4, 5, 6}
				if err := call6.CallSlots(background, slots[:]); err != nil {
					return err
				}
			}
			return protocol.CheckSum(6, int32(slots[0]))
		},
	}}, nil
}

// callTyped calls generic functions.
func callTyped(wasm []byte) (*protocol.Callee, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	call0, err0 := wasmer.Proc0(&instance, "call0")
	call2, err2 := wasmer.Func2[int32, int32, int32](&instance, "call2")
	call6, err6 := wasmer.Func6[int32, int32, int32, int32, int32, int32, int32](&instance, "call6")
	if err := errors.Join(err0, err2, err6); err != nil {
		return nil, err
	}
	return &protocol.Callee{Close: instance.Close, Loops: []func(int) error{
		func(n int) error {
			for range n {
				if err := call0(background); err != nil {
					return err
				}
			}
			return nil
		},
		func(n int) error {
			var result int32
			var err error
			for range n {
				if result, err = call2(background, 1, 2); err != nil {
					return err
				}
			}
			return protocol.CheckSum(2, result)
		},
		func(n int) error {
			var result int32
			var err error
			for range n {
				if result, err = call6(background, 1, 2, 3, 4, 5, 6); err != nil {
					return err
				}
			}
			return protocol.CheckSum(6, result)
		},
	}}, nil
}

// slotsDeadline calls with raw slots, under a context.
func slotsDeadline(wasm []byte, export string, _ bool) (*protocol.Interruptible, error) {
	instance, err := wasmer.NewInstance(wasm)
	if err != nil {
		return nil, err
	}
	f, err := instance.Function(export)
	if err != nil {
		return nil, err
	}
	return &protocol.Interruptible{Close: instance.Close, Loop: func(ctx context.Context, n int) error {
		var slots [1]uint64
		for range n {
			if err := f.CallSlots(ctx, slots[:]); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

// appendSlots provides host functions on raw slots.
func appendSlots(imports *wasmer.Imports) (*wasmer.Imports, error) {
	i := wasmer.TypeI32
	return appendAll(imports,
		wasmer.HostFunc(nil, nil, func(*wasmer.InstanceContext, []uint64) error { return nil }),
		wasmer.HostFunc([]wasmer.ValueType{i, i}, []wasmer.ValueType{i}, func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0] = uint64(uint32(slots[0]) + uint32(slots[1]))
			return nil
		}),
		wasmer.HostFunc([]wasmer.ValueType{i, i, i, i, i, i}, []wasmer.ValueType{i}, func(_ *wasmer.InstanceContext, slots []uint64) error {
			slots[0] = uint64(uint32(slots[0]) + uint32(slots[1]) + uint32(slots[2]) + uint32(slots[3]) + uint32(slots[4]) + uint32(slots[5]))
			return nil
		}))
}

// appendTyped provides host functions by the generic makers.
func appendTyped(imports *wasmer.Imports) (*wasmer.Imports, error) {
	return appendAll(imports,
		wasmer.HostProc0(func(context.Context) error { return nil }),
		wasmer.Host2(func(_ context.Context, a, b int32) (int32, error) { return a + b, nil }),
		wasmer.Host6(func(_ context.Context, a, b, c, d, e, f int32) (int32, error) { return a + b + c + d + e + f, nil }))
}
