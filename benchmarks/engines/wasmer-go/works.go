package main

import (
	"fmt"

	"github.com/wasmerio/wasmer-go/wasmer"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

func works() []protocol.Work {
	return protocol.Join(
		protocol.Calls("NativeFunction", calls),
		protocol.HostCalls("NewFunction", hostCalls),
		// It takes minutes for the large module.
		protocol.Compiles("", compile)[:2],
		protocol.Instantiates("", instantiator),
		protocol.Parallel("", parallel),
	)
}

func number(value any) int32 {
	i, _ := value.(int32)
	return i
}

// open instantiates a module in a store of its own.
func open(wasm []byte, imports func(*wasmer.Store) *wasmer.ImportObject) (*wasmer.Instance, func(), error) {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, nil, err
	}
	instance, err := wasmer.NewInstance(module, imports(store))
	if err != nil {
		return nil, nil, err
	}
	return instance, func() {
		instance.Close()
		module.Close()
		store.Close()
	}, nil
}

func none(*wasmer.Store) *wasmer.ImportObject { return wasmer.NewImportObject() }

func calls(wasm []byte) (*protocol.Callee, error) {
	instance, free, err := open(wasm, none)
	if err != nil {
		return nil, err
	}
	var functions []func(...any) (any, error)
	for _, parameters := range protocol.Parameters {
		f, err := instance.Exports.GetFunction(fmt.Sprintf("call%d", parameters))
		if err != nil {
			return nil, err
		}
		functions = append(functions, f)
	}
	return &protocol.Callee{Close: free, Loops: protocol.Untyped(functions, number)}, nil
}

func hostCalls(wasm []byte) (*protocol.Caller, error) {
	instance, free, err := open(wasm, func(store *wasmer.Store) *wasmer.ImportObject {
		functions := map[string]wasmer.IntoExtern{}
		for _, parameters := range protocol.Parameters {
			kinds := make([]wasmer.ValueKind, parameters)
			for i := range kinds {
				kinds[i] = wasmer.I32
			}
			var results []wasmer.ValueKind
			if parameters > 0 {
				results = append(results, wasmer.I32)
			}
			functions[fmt.Sprintf("host%d", parameters)] = wasmer.NewFunction(store,
				wasmer.NewFunctionType(wasmer.NewValueTypes(kinds...), wasmer.NewValueTypes(results...)),
				func(args []wasmer.Value) ([]wasmer.Value, error) {
					if len(args) == 0 {
						return nil, nil
					}
					sum := int32(0)
					for _, arg := range args {
						sum += arg.I32()
					}
					return []wasmer.Value{wasmer.NewI32(sum)}, nil
				})
		}
		imports := wasmer.NewImportObject()
		imports.Register("env", functions)
		return imports
	})
	if err != nil {
		return nil, err
	}
	return &protocol.Caller{Close: free, Call: func(export string, n int32) (int32, error) {
		f, err := instance.Exports.GetFunction(export)
		if err != nil {
			return 0, err
		}
		result, err := f(n)
		return number(result), err
	}}, nil
}

func compile(wasm []byte) (func(), error) {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, err
	}
	return func() {
		module.Close()
		store.Close()
	}, nil
}

// instantiator compiles a module and provides functions for its imports that do nothing.
func instantiator(wasm []byte) (*protocol.Instantiator, error) {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, err
	}
	namespaces := map[string]map[string]wasmer.IntoExtern{}
	for _, i := range module.Imports() {
		if namespaces[i.Module()] == nil {
			namespaces[i.Module()] = map[string]wasmer.IntoExtern{}
		}
		namespaces[i.Module()][i.Name()] = wasmer.NewFunction(store, i.Type().IntoFunctionType(), func([]wasmer.Value) ([]wasmer.Value, error) {
			return []wasmer.Value{wasmer.NewI32(0)}, nil
		})
	}
	imports := wasmer.NewImportObject()
	for name, namespace := range namespaces {
		imports.Register(name, namespace)
	}
	return &protocol.Instantiator{
		Close: func() {
			module.Close()
			store.Close()
		},
		Instantiate: func(offsets []uint32) (func(), error) {
			instance, err := wasmer.NewInstance(module, imports)
			if err != nil {
				return nil, err
			}
			if len(offsets) > 0 {
				memory, err := instance.Exports.GetMemory("memory")
				if err != nil {
					return nil, err
				}
				for _, offset := range offsets {
					memory.Data()[offset] = 0
				}
			}
			return instance.Close, nil
		},
	}, nil
}

func parallel(wasm []byte) (func() (*protocol.Worker, error), func(), error) {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		return nil, nil, err
	}
	return func() (*protocol.Worker, error) {
			instance, err := wasmer.NewInstance(module, wasmer.NewImportObject())
			if err != nil {
				return nil, err
			}
			f, err := instance.Exports.GetFunction("app_main")
			if err != nil {
				return nil, err
			}
			return &protocol.Worker{Run: func() error { _, err := f(); return err }, Close: instance.Close}, nil
		}, func() {
			module.Close()
			store.Close()
		}, nil
}
