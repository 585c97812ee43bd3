//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_instance_new
#cgo nocallback gw_instance_new
#cgo noescape gw_instance_start
#cgo nocallback gw_instance_start
#cgo noescape gw_instance_function
#cgo nocallback gw_instance_function
#cgo noescape gw_instance_memory0
#cgo nocallback gw_instance_memory0
#cgo noescape gw_instance_token
#cgo nocallback gw_instance_token
#cgo noescape gw_instance_store
#cgo nocallback gw_instance_store
#cgo noescape gw_instance_free
#cgo nocallback gw_instance_free
#include "wasmer.h"
*/
import "C"

import "unsafe"

// ProvidedKind says what is given for an import.
type ProvidedKind uint32

// What can be given for an import.
const (
	// ProvidedHostFunction is a function of Go, or a C function pointer.
	ProvidedHostFunction ProvidedKind = C.GW_IMPORT_HOST_FUNCTION
	// ProvidedExtern is a function of an instance, a table, a memory or a global.
	ProvidedExtern ProvidedKind = C.GW_IMPORT_EXTERN
)

// Provided is what is given for an import of a module.
type Provided struct {
	// Kind says what it is.
	Kind ProvidedKind
	// FunctionIndex is the number by which the host function is asked for.
	FunctionIndex uint64
	// CFunction is the C function to call instead, or nil.
	CFunction unsafe.Pointer
	// Params and Results are the types of the host function.
	Params, Results []ValType
	// Intrinsic is what the engine does by itself of the host function.
	Intrinsic Intrinsic
	// Extern is the function, table, memory or global.
	Extern Extern
}

// Intrinsic is what the engine does by itself of a host function, without leaving the guest; it calls the host function for the rest. The zero value
// is nothing.
type Intrinsic struct {
	number uint32
	data   int64
}

// ClockRead is the intrinsic clock_read: a function [i32 i64 i32] -> [i32] that is given the number of a clock of the system (0 for that of the day, 1 for the
// one that never goes back), something that is not looked at, and an address. It stores the nanoseconds there and returns 0. The origin is the time of
// ClockMonotonic that is 0 for the guest. The host function is called for other clocks and for addresses out of bounds.
func ClockRead(origin int64) Intrinsic { return Intrinsic{C.GW_INTRINSIC_CLOCK_READ, origin} }

// InstanceOptions limit an instance.
type InstanceOptions struct {
	// ID is the number by which host calls name the instance.
	ID uint64
	// MaxMemoryPages is a ceiling for its memories, 0 for none.
	MaxMemoryPages uint64
	// MaxTableElements is a ceiling for its tables, 0 for none.
	MaxTableElements uint64
	// TrapUnknownImports says that functions stand in for imports that are missing; package wasmer makes them.
	TrapUnknownImports bool
}

// Instance is a handle of an instance. The zero value is no instance.
type Instance struct{ handle *C.gw_instance }

// Func is a function that can be entered. Its pointers hold as long as the instance does that it was got from.
type Func struct {
	// Code is the compiled code, Vmctx its first argument, Entry the trampoline for its type.
	Code, Vmctx, Entry unsafe.Pointer
}

// NewInstance links a module with what is given for its imports, in their order, and initialises memories and tables. It does not run
// the start function.
func NewInstance(module Module, provided []Provided, options InstanceOptions) (Instance, error) {
	c := C.gw_instance_options{
		instance_id:        C.uint64_t(options.ID),
		max_memory_pages:   C.uint64_t(options.MaxMemoryPages),
		max_table_elements: C.uint64_t(options.MaxTableElements),
	}
	imports, types := importsToC(provided)
	var handle *C.gw_instance
	err := takeError(C.gw_instance_new(module.handle, unsafe.SliceData(imports), C.size_t(len(imports)),
		unsafe.SliceData(types), C.size_t(len(types)), &c, &handle))
	return Instance{handle}, err
}

// importsToC writes the list as the C ABI wants it, and the types that it refers to. Pointers in it are of C memory.
func importsToC(provided []Provided) ([]C.gw_import, []C.uint8_t) {
	count := 0
	for i := range provided {
		count += len(provided[i].Params) + len(provided[i].Results)
	}
	imports, types := make([]C.gw_import, len(provided)), make([]C.uint8_t, 0, count)
	for i := range provided {
		p := &provided[i]
		imports[i] = C.gw_import{
			kind:           C.uint32_t(p.Kind),
			types:          C.uint32_t(len(types)),
			params_len:     C.uint32_t(len(p.Params)),
			results_len:    C.uint32_t(len(p.Results)),
			function_index: C.uint64_t(p.FunctionIndex),
			c_function:     p.CFunction,
			intrinsic:      C.uint32_t(p.Intrinsic.number),
			intrinsic_data: C.int64_t(p.Intrinsic.data),
			item:           p.Extern.handle,
		}
		for _, t := range p.Params {
			types = append(types, C.uint8_t(t))
		}
		for _, t := range p.Results {
			types = append(types, C.uint8_t(t))
		}
	}
	return imports, types
}

// Start returns the start function, if there is one.
func (i Instance) Start() (Func, bool) {
	var c C.gw_func
	ok := C.gw_instance_start(i.handle, &c)
	return funcFromC(c), bool(ok)
}

// Function returns an exported function by its position among the exports.
func (i Instance) Function(export uint32) (Func, error) {
	var c C.gw_func
	err := takeError(C.gw_instance_function(i.handle, C.uint32_t(export), &c))
	return funcFromC(c), err
}

func funcFromC(c C.gw_func) Func { return Func{Code: c.code, Vmctx: c.vmctx, Entry: c.entry} }

// Memory0 returns a handle of memory 0, imported or own; none if there is none.
func (i Instance) Memory0() Extern { return Extern{C.gw_instance_memory0(i.handle)} }

// Token returns what C functions get as their context: unique while the instance lives.
func (i Instance) Token() unsafe.Pointer { return unsafe.Pointer(C.gw_instance_token(i.handle)) }

// Store returns what identifies the store to fibers.
func (i Instance) Store() unsafe.Pointer { return unsafe.Pointer(C.gw_instance_store(i.handle)) }

// Free gives the handle back. Nothing of the instance may be running.
func (i Instance) Free() { C.gw_instance_free(i.handle) }
