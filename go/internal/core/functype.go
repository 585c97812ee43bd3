package core

import (
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// FuncType is what a call needs to know about the type of a function.
type FuncType struct {
	*engine.FuncType
	Slots                   int // the larger number of both
	ParamSlots, ResultSlots int
	Plain                   bool // all are numbers: each takes one slot
	checked                 bool // slots of parameters must be looked at: they are of type funcref
}

func newFuncType(t *engine.FuncType) FuncType {
	to := FuncType{FuncType: t, ParamSlots: t.ParamSlots(), ResultSlots: t.ResultSlots(), Plain: true}
	to.Slots = max(to.ParamSlots, to.ResultSlots)
	for _, param := range t.Params {
		to.Plain = to.Plain && param <= engine.F64
		to.checked = to.checked || param == engine.FuncRef
	}
	for _, result := range t.Results {
		to.Plain = to.Plain && result <= engine.F64
	}
	return to
}

// SlotAt returns the address of a slot.
func SlotAt(slots unsafe.Pointer, i int) *uint64 { return (*uint64)(unsafe.Add(slots, 8*i)) }
