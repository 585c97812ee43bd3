package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/gowasmer/wasmer/go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func startWorks() []protocol.Work {
	starter := protocol.Starter{First: first, Load: func(wasm []byte, cache string) (func(), error) {
		module, err := cached(wasm, cache)
		if err != nil {
			return nil, err
		}
		return module.Close, nil
	}}
	return protocol.Join(
		protocol.Starts(protocol.WayNoCache, starter),
		protocol.Starts(protocol.WayCache, starter),
		protocol.Requests("pool with reset", poolRequests),
		protocol.Requests("instance of a snapshot", snapshotRequests),
		protocol.Requests("instantiate, start, call, close", requests),
	)
}

// cached compiles a module, with a cache unless the folder is empty.
func cached(wasm []byte, cache string) (wasmer.Module, error) {
	if cache == "" {
		return wasmer.Compile(wasm)
	}
	return wasmer.CompileContext(background, wasm, wasmer.WithCache(cache))
}

func first(name string, wasm []byte, cache string) error {
	module, err := cached(wasm, cache)
	if err != nil {
		return err
	}
	switch name {
	case protocol.StartSmall:
		instance, err := module.Instantiate()
		if err != nil {
			return err
		}
		result, err := instance.Exports["call2"](1, 2)
		if err != nil {
			return err
		}
		return protocol.CheckSum(2, result.ToI32())
	case protocol.StartMiddle:
		var output bytes.Buffer
		w := wasmer.Wasi{Args: []string{"middle"}, Stdout: &output}
		if err := w.Run(background, &module); err != nil {
			return err
		}
		return protocol.CheckMiddle(output.String())
	case protocol.StartLarge:
		_, err := module.InstantiateContext(background, nil, wasmer.WithTrappingImports())
		return err
	}
	return fmt.Errorf("no case %q", name)
}

// handle calls the export of the module "handler".
func handle(instance *wasmer.Instance, n int32) (int32, error) {
	f, err := wasmer.Func1[int32, int32](instance, "handle")
	if err != nil {
		return 0, err
	}
	return f(background, n)
}

func poolRequests(wasm []byte) (*protocol.Requester, error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, err
	}
	pool, err := wasmer.NewPool(&module, nil, wasmer.WithWasi(&wasmer.Wasi{}), wasmer.WithReset(1))
	if err != nil {
		return nil, err
	}
	return &protocol.Requester{Close: func() { pool.Close(); module.Close() }, Request: func(n int32) (int32, error) {
		instance, err := pool.Get(background)
		if err != nil {
			return 0, err
		}
		result, err := handle(instance, n)
		return result, errors.Join(err, pool.Put(instance, err))
	}}, nil
}

func snapshotRequests(wasm []byte) (*protocol.Requester, error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, err
	}
	var w wasmer.Wasi
	instance, err := w.Instantiate(background, &module, nil)
	if err != nil {
		return nil, err
	}
	snapshot, err := instance.Snapshot()
	instance.Close()
	if err != nil {
		return nil, err
	}
	end := func() { snapshot.Close(); module.Close() }
	return instanceEach(end, func() (wasmer.Instance, error) { return w.InstantiateSnapshot(background, snapshot, nil) }), nil
}

func requests(wasm []byte) (*protocol.Requester, error) {
	module, err := wasmer.Compile(wasm)
	if err != nil {
		return nil, err
	}
	var w wasmer.Wasi
	return instanceEach(module.Close, func() (wasmer.Instance, error) { return w.Instantiate(background, &module, nil) }), nil
}

// instanceEach makes an instance for each request.
func instanceEach(end func(), instantiate func() (wasmer.Instance, error)) *protocol.Requester {
	return &protocol.Requester{Close: end, Request: func(n int32) (int32, error) {
		instance, err := instantiate()
		if err != nil {
			return 0, err
		}
		defer instance.Close()
		return handle(&instance, n)
	}}
}
