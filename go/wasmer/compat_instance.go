package wasmer

import "context"

// This file has the shapes of go-ext-wasm 0.3.1 for instances.

// NewInstance compiles a module and creates an instance without imports. See [NewInstanceContext].
func NewInstance(bytes []byte) (Instance, error) {
	return NewInstanceContext(context.Background(), bytes, nil)
}

// NewInstanceWithImports compiles a module and creates an instance with imports. See
// [NewInstanceContext].
func NewInstanceWithImports(bytes []byte, imports *Imports) (Instance, error) {
	return NewInstanceContext(context.Background(), bytes, imports)
}

// HasMemory reports whether the instance exports a memory.
func (instance *Instance) HasMemory() bool { return instance != nil && instance.Memory != nil }
