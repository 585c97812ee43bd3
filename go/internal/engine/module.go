//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_module_compile
#cgo nocallback gw_module_compile
#cgo noescape gw_module_validate
#cgo nocallback gw_module_validate
#cgo noescape gw_module_serialize
#cgo nocallback gw_module_serialize
#cgo noescape gw_module_deserialize
#cgo nocallback gw_module_deserialize
#cgo noescape gw_module_describe
#cgo nocallback gw_module_describe
#cgo noescape gw_module_free
#cgo nocallback gw_module_free
#include "wasmer.h"
*/
import "C"

// CompileOptions decide about the code that is made.
type CompileOptions struct {
	// ExplicitBounds checks every access to memory in the code instead of reserving address space.
	ExplicitBounds bool
	// CanonicalizeNaNs makes the bits of NaN results the same everywhere.
	CanonicalizeNaNs bool
}

// Module is a handle of compiled code. The zero value is no module.
type Module struct{ handle *C.gw_module }

// Compile validates and compiles the bytes of a module.
func Compile(bytes []byte, options CompileOptions) (Module, error) {
	c := C.gw_compile_options{
		explicit_bounds:   flag(options.ExplicitBounds),
		canonicalize_nans: flag(options.CanonicalizeNaNs),
	}
	var handle *C.gw_module
	err := takeError(C.gw_module_compile(firstByte(bytes), C.size_t(len(bytes)), &c, &handle))
	return Module{handle}, err
}

func flag(on bool) C.uint32_t {
	if on {
		return 1
	}
	return 0
}

// Validate says what is wrong with the bytes of a module, or nil.
func Validate(bytes []byte) error {
	return takeError(C.gw_module_validate(firstByte(bytes), C.size_t(len(bytes))))
}

// Deserialize loads what Serialize wrote.
func Deserialize(bytes []byte) (Module, error) {
	var handle *C.gw_module
	err := takeError(C.gw_module_deserialize(firstByte(bytes), C.size_t(len(bytes)), &handle))
	return Module{handle}, err
}

// Serialize writes the compiled module.
func (m Module) Serialize() ([]byte, error) {
	var c C.gw_bytes
	if err := takeError(C.gw_module_serialize(m.handle, &c)); err != nil {
		return nil, err
	}
	return takeBytes(c), nil
}

// Describe returns types, imports, exports and sizes.
func (m Module) Describe() (*Description, error) {
	var c C.gw_bytes
	if err := takeError(C.gw_module_describe(m.handle, &c)); err != nil {
		return nil, err
	}
	return parseDescription(takeBytes(c))
}

// Free gives the handle back. Instances keep the code alive by themselves.
func (m Module) Free() { C.gw_module_free(m.handle) }
