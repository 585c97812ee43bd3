package engine

import (
	"unsafe"

	"github.com/gowasmer/wasmer/internal/wire"
)

// The functions below are the C side of package fiber; a context is a gw_context of the header.

// NewFiber takes a fiber from the pool.
func NewFiber() (unsafe.Pointer, error) { return fiberNew() }

// ReleaseFiber gives a fiber back, whatever is on its stack.
func ReleaseFiber(context unsafe.Pointer) { fiberRelease(context) }

// RuntimeCall runs the runtime function that the guest wants.
func RuntimeCall(context unsafe.Pointer) { runtimeCall(context) }

// Interrupt asks a guest that was entered by cgo to pause.
func Interrupt(context unsafe.Pointer) { interrupt(context) }

// Frame is one function of a guest's stack.
type Frame struct {
	// Module is the module's name, or empty.
	Module string
	// Function is the index of the function in its module.
	Function uint32
	// Name is the function's name, or empty.
	Name string
	// Offset is the position of the instruction in the bytes of the module.
	Offset uint32
}

// TrapFrames returns the stack of a trapped guest, innermost function first, and how many frames farther out it leaves out. An
// engine that cannot tell gives none.
func TrapFrames(context unsafe.Pointer) (frames []Frame, leftOut int) {
	bytes, err := trapFrames(context)
	if err != nil {
		return nil, 0
	}
	return parseFrames(takeBytes(bytes))
}

func parseFrames(bytes []byte) ([]Frame, int) {
	r := wire.NewReader(bytes)
	frames := make([]Frame, r.Count(16))
	for i := range frames {
		frames[i] = Frame{Module: r.Str(), Function: r.U32(), Name: r.Str(), Offset: r.U32()}
	}
	leftOut := int(r.U32())
	if r.End("backtrace of a trap") != nil {
		return nil, 0
	}
	return frames, leftOut
}
