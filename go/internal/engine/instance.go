//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_instance_new
#cgo nocallback gw_instance_new
#cgo noescape gw_instance_start
#cgo nocallback gw_instance_start
#cgo noescape gw_instance_function
#cgo nocallback gw_instance_function
#cgo noescape gw_instance_memory
#cgo nocallback gw_instance_memory
#cgo noescape gw_instance_memory0
#cgo nocallback gw_instance_memory0
#cgo noescape gw_instance_token
#cgo nocallback gw_instance_token
#cgo noescape gw_instance_store
#cgo nocallback gw_instance_store
#cgo noescape gw_instance_free
#cgo nocallback gw_instance_free
#include <stdlib.h>
#include "wasmer.h"
*/
import "C"

import "unsafe"

// ProvidedKind says what is given for an import.
type ProvidedKind uint32

// What can be given for an import.
const (
	// ProvidedHostFunction is a function of Go, or a C function pointer.
	ProvidedHostFunction ProvidedKind = 0
	// ProvidedMemory is a memory.
	ProvidedMemory ProvidedKind = 2
	// ProvidedExtern is a function of an instance, a table, or a global.
	ProvidedExtern ProvidedKind = 4
	// ProvidedMissing is nothing: the engine reports it.
	ProvidedMissing ProvidedKind = 255
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
	// ReadsClock says of a host function that it is WASI's clock_time_get on the clocks of the system: the engine reads them by itself, and calls the host
	// function for what is an error. ClockOrigin is the time of ClockMonotonic that is 0 for the guest.
	ReadsClock  bool
	ClockOrigin int64
	// Memory is the memory.
	Memory Memory
	// Extern is the function, table or global.
	Extern Extern
}

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
	imports := importsToC(provided)
	defer C.free(unsafe.Pointer(imports))
	var handle *C.gw_instance
	err := takeError(C.gw_instance_new(module.handle, imports, C.size_t(len(provided)), &c, &handle))
	return Instance{handle}, err
}

// importsToC copies the list into one block of C memory, the types behind it; the caller frees it.
func importsToC(provided []Provided) *C.gw_import {
	if len(provided) == 0 {
		return nil
	}
	types := 0
	for i := range provided {
		types += len(provided[i].Params) + len(provided[i].Results)
	}
	size := len(provided) * C.sizeof_gw_import
	block := C.malloc(C.size_t(size + types)) // never null: cgo's malloc aborts instead
	list := unsafe.Slice((*C.gw_import)(block), len(provided))
	room := unsafe.Slice((*byte)(unsafe.Add(block, size)), types)
	put := func(types []ValType) (*C.uint8_t, C.size_t) {
		start := (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(room)))
		for i, t := range types {
			room[i] = byte(t)
		}
		room = room[len(types):]
		return start, C.size_t(len(types))
	}
	for i := range provided {
		p := &provided[i]
		item := C.gw_import{
			kind:           C.uint32_t(p.Kind),
			function_index: C.uint64_t(p.FunctionIndex),
			c_function:     p.CFunction,
			memory:         p.Memory.handle,
			item:           p.Extern.handle,
			reads_clock:    C.bool(p.ReadsClock),
			clock_origin:   C.int64_t(p.ClockOrigin),
		}
		item.params, item.params_len = put(p.Params)
		item.results, item.results_len = put(p.Results)
		list[i] = item
	}
	return &list[0]
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

// Memory returns a handle of an exported memory by its position among the exports.
func (i Instance) Memory(export uint32) (Memory, error) {
	var handle *C.gw_memory
	err := takeError(C.gw_instance_memory(i.handle, C.uint32_t(export), &handle))
	return Memory{handle}, err
}

// Memory0 returns a handle of memory 0, imported or own; no memory if there is none.
func (i Instance) Memory0() (Memory, error) {
	var handle *C.gw_memory
	err := takeError(C.gw_instance_memory0(i.handle, &handle))
	return Memory{handle}, err
}

// Token returns what C functions get as their context: unique while the instance lives.
func (i Instance) Token() unsafe.Pointer { return unsafe.Pointer(C.gw_instance_token(i.handle)) }

// Store returns what identifies the store to fibers.
func (i Instance) Store() unsafe.Pointer { return unsafe.Pointer(C.gw_instance_store(i.handle)) }

// Free gives the handle back. Nothing of the instance may be running.
func (i Instance) Free() { C.gw_instance_free(i.handle) }
