package wasmer

import "unsafe"

// This file has the shapes of go-ext-wasm 0.3.1 for imports.

// Import is something that instances can import: an [ImportFunction] or an [ImportMemory].
type Import interface{}

// ImportFunction is a function that instances can import: one of the host, made by
// [Imports.Append], or of an instance, by [Imports.AppendExportedFunction].
type ImportFunction struct{ _ struct{} }

// ImportMemory is a memory that instances can import. It is made by [Imports.AppendMemory].
type ImportMemory struct{ _ struct{} }

// AppendFunction is the same as [Imports.Append].
func (imports *Imports) AppendFunction(
	importName string, implementation interface{}, cgoPointer ...unsafe.Pointer,
) (*Imports, error) {
	return imports.Append(importName, implementation, cgoPointer...)
}
