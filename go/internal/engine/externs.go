//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_instance_export
#cgo nocallback gw_instance_export
#cgo noescape gw_global_new
#cgo nocallback gw_global_new
#cgo noescape gw_global_get
#cgo nocallback gw_global_get
#cgo noescape gw_global_set
#cgo nocallback gw_global_set
#cgo noescape gw_table_new
#cgo nocallback gw_table_new
#cgo noescape gw_table_size
#cgo nocallback gw_table_size
#cgo noescape gw_table_get
#cgo nocallback gw_table_get
#cgo noescape gw_table_set
#cgo nocallback gw_table_set
#cgo noescape gw_table_grow
#cgo nocallback gw_table_grow
#cgo noescape gw_instance_function_at
#cgo nocallback gw_instance_function_at
#cgo noescape gw_extern_function_at
#cgo nocallback gw_extern_function_at
#cgo noescape gw_instance_accept
#cgo nocallback gw_instance_accept
#cgo noescape gw_function_info
#cgo nocallback gw_function_info
#cgo noescape gw_function_type
#cgo nocallback gw_function_type
#cgo noescape gw_extern_free
#cgo nocallback gw_extern_free
#include "wasmer.h"
*/
import "C"

import "github.com/gowasmer/wasmer/internal/wire"

// Extern is a handle of a function, table, memory or global, which keeps its store alive. The zero value is none.
type Extern struct{ handle *C.gw_extern }

// Slots is a value: one slot, or two of a v128, the low half first.
type Slots [2]uint64

func (s Slots) toC() C.gw_value {
	var c C.gw_value
	c.slots[0], c.slots[1] = C.uint64_t(s[0]), C.uint64_t(s[1])
	return c
}

// IsNil says whether this is none.
func (x Extern) IsNil() bool { return x.handle == nil }

// Free gives the handle back.
func (x Extern) Free() { C.gw_extern_free(x.handle) }

// Export returns a handle of an export by its position among the exports.
func (i Instance) Export(export uint32) (Extern, error) {
	var handle *C.gw_extern
	err := takeError(C.gw_instance_export(i.handle, C.uint32_t(export), &handle))
	return Extern{handle}, err
}

// NewGlobal makes a global. It refers to the function, unless that is none, or has the value.
func NewGlobal(t ValType, mutable bool, value Slots, function Extern) (Extern, error) {
	var handle *C.gw_extern
	err := takeError(C.gw_global_new(C.uint8_t(t), C.bool(mutable), value.toC(), function.handle, &handle))
	return Extern{handle}, err
}

// GlobalGet returns the value of a global.
func (x Extern) GlobalGet() (Slots, error) {
	var c C.gw_value
	err := takeError(C.gw_global_get(x.handle, &c))
	return Slots{uint64(c.slots[0]), uint64(c.slots[1])}, err
}

// GlobalSet sets a mutable global to the function, unless that is none, or to the value. Their stores become one.
func (x Extern) GlobalSet(value Slots, function Extern) error {
	return takeError(C.gw_global_set(x.handle, value.toC(), function.handle))
}

// NewTable makes a table, all null.
func NewTable(element ValType, limits Limits) (Extern, error) {
	var handle *C.gw_extern
	err := takeError(C.gw_table_new(C.uint8_t(element), C.uint64_t(limits.Min), C.bool(limits.HasMax), C.uint64_t(limits.Max), &handle))
	return Extern{handle}, err
}

// TableSize is the number of elements of a table.
func (x Extern) TableSize() uint64 { return uint64(C.gw_table_size(x.handle)) }

// TableGet returns an element, if it exists.
func (x Extern) TableGet(index uint64) (uint64, bool) {
	var c C.uint64_t
	ok := C.gw_table_get(x.handle, C.uint64_t(index), &c)
	return uint64(c), bool(ok)
}

// TableSet sets an element to the function, unless that is none, or to the slot. Their stores become one.
func (x Extern) TableSet(index, slot uint64, function Extern) error {
	return takeError(C.gw_table_set(x.handle, C.uint64_t(index), C.uint64_t(slot), function.handle))
}

// TableGrow adds elements that are the function, unless that is none, or the slot, and returns the old size; false if it cannot.
func (x Extern) TableGrow(count, slot uint64, function Extern) (uint64, bool, error) {
	var old C.uint64_t
	err := takeError(C.gw_table_grow(x.handle, C.uint64_t(count), C.uint64_t(slot), function.handle, &old))
	return uint64(old), old != ^C.uint64_t(0), err
}

// FunctionAt returns a handle of the function that a slot refers to; none if it refers to none in the store of the instance.
func (i Instance) FunctionAt(slot uint64) Extern {
	return Extern{C.gw_instance_function_at(i.handle, C.uint64_t(slot))}
}

// FunctionAt returns a handle of the function that a slot refers to; none if it refers to none in the store of the object.
func (x Extern) FunctionAt(slot uint64) Extern {
	return Extern{C.gw_extern_function_at(x.handle, C.uint64_t(slot))}
}

// Accept makes the stores of the instance and of a function one.
func (i Instance) Accept(function Extern) error {
	return takeError(C.gw_instance_accept(i.handle, function.handle))
}

// FuncInfo tells which function it is, and how to enter it. It holds as long as the store.
type FuncInfo struct {
	// Func is how to enter it.
	Func Func
	// Slot is a reference to it.
	Slot uint64
	// InstanceID is the number of the instance that defines it; of a host function, of the one that imports it.
	InstanceID uint64
	// Index is its index there.
	Index uint32
}

// FuncInfo tells which function this is.
func (x Extern) FuncInfo() (FuncInfo, error) {
	var c C.gw_func_info
	err := takeError(C.gw_function_info(x.handle, &c))
	return FuncInfo{funcFromC(c.entry), uint64(c.slot), uint64(c.instance_id), uint32(c.function_index)}, err
}

// FuncType returns the type of a function.
func (x Extern) FuncType() (*FuncType, error) {
	var c C.gw_bytes
	if err := takeError(C.gw_function_type(x.handle, &c)); err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeBytes(c))}
	t := &FuncType{Params: r.types(), Results: r.types()}
	return t, r.end("type of a function")
}
