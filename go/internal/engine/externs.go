package engine

import (
	"math"
	"unsafe"

	"github.com/gowasmer/wasmer/internal/wire"
)

// Extern is a handle of a function, table, memory or global, which keeps its store alive. The zero
// value is none.
type Extern struct{ handle unsafe.Pointer }

// Slots is a value: one slot, or two of a v128, the low half first.
type Slots [2]uint64

// IsNil reports whether this is none.
func (x Extern) IsNil() bool { return x.handle == nil }

// Free gives the handle back.
func (x Extern) Free() { externFree(x.handle) }

// Export returns a handle of an export by its position among the exports.
func (i Instance) Export(export uint32) (Extern, error) {
	handle, err := instanceExport(i.handle, export)
	return Extern{handle}, err
}

// NewGlobal makes a global. It refers to the function, unless that is none, or has the value.
func NewGlobal(t ValType, mutable bool, value Slots, function Extern) (Extern, error) {
	handle, err := globalNew(uint8(t), mutable, gwValue{value}, function.handle)
	return Extern{handle}, err
}

// GlobalGet returns the value of a global.
func (x Extern) GlobalGet() (Slots, error) {
	value, err := globalGet(x.handle)
	return value.slots, err
}

// GlobalSet sets a mutable global to the function, unless that is none, or to the value. Their
// stores become one.
func (x Extern) GlobalSet(value Slots, function Extern) error {
	return globalSet(x.handle, gwValue{value}, function.handle)
}

// NewTable makes a table, all null.
func NewTable(element ValType, limits Limits) (Extern, error) {
	handle, err := tableNew(uint8(element), limits.Min, limits.HasMax, limits.Max)
	return Extern{handle}, err
}

// TableSize is the number of elements of a table.
func (x Extern) TableSize() uint64 { return tableSize(x.handle) }

// TableGet returns an element, if it exists.
func (x Extern) TableGet(index uint64) (uint64, bool) { return tableGet(x.handle, index) }

// TableSet sets an element to the function, unless that is none, or to the slot. Their stores
// become one.
func (x Extern) TableSet(index, slot uint64, function Extern) error {
	return tableSet(x.handle, index, slot, function.handle)
}

// TableGrow adds elements that are the function, unless that is none, or the slot, and returns the
// old size; false if it cannot.
func (x Extern) TableGrow(count, slot uint64, function Extern) (uint64, bool, error) {
	old, err := tableGrow(x.handle, count, slot, function.handle)
	return old, old != math.MaxUint64, err
}

// FunctionAt returns a handle of the function that a slot refers to; none if it refers to none in
// the store of the instance.
func (i Instance) FunctionAt(slot uint64) Extern { return Extern{instanceFunctionAt(i.handle, slot)} }

// FunctionAt returns a handle of the function that a slot refers to; none if it refers to none in
// the store of the object.
func (x Extern) FunctionAt(slot uint64) Extern { return Extern{externFunctionAt(x.handle, slot)} }

// Accept makes the stores of the instance and of a function one.
func (i Instance) Accept(function Extern) error { return instanceAccept(i.handle, function.handle) }

// FuncInfo tells which function it is, and how to enter it. It holds as long as the store.
type FuncInfo struct {
	// Func is how to enter it.
	Func Func
	// Slot is a reference to it.
	Slot uint64
	// InstanceID is the number of the instance that defines it; of a host function, of the one that
	// imports it.
	InstanceID uint64
	// Index is its index there.
	Index uint32
}

// FuncInfo tells which function this is.
func (x Extern) FuncInfo() (FuncInfo, error) {
	info, err := functionInfo(x.handle)
	return FuncInfo{info.entry, info.slot, info.instanceId, info.functionIndex}, err
}

// FuncType returns the type of a function.
func (x Extern) FuncType() (*FuncType, error) {
	bytes, err := functionType(x.handle)
	if err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeBytes(bytes))}
	t := &FuncType{Params: r.types(), Results: r.types()}
	return t, r.end("type of a function")
}
