//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_fiber_new
#cgo nocallback gw_fiber_new
#cgo noescape gw_fiber_release
#cgo nocallback gw_fiber_release
#cgo noescape gw_runtime_call
#cgo nocallback gw_runtime_call
#cgo noescape gw_interrupt
#cgo nocallback gw_interrupt
#cgo noescape gw_request_pause
#cgo nocallback gw_request_pause
#cgo noescape gw_trap_frames
#cgo nocallback gw_trap_frames
#cgo noescape gw_enter
#cgo noescape gw_resume
#cgo noescape gw_c_call
#include "wasmer.h"
*/
import "C"

import (
	"unsafe"

	"github.com/gowasmer/wasmer/internal/wire"
)

// The functions below are the C side of package fiber; a context is a *Context of the header. Enter, Resume and CCall may run
// C functions of the embedder, which may call Go.

func fiberContext(context unsafe.Pointer) *C.gw_context { return (*C.gw_context)(context) }

// NewFiber takes a fiber from the pool.
func NewFiber() (unsafe.Pointer, error) {
	var context *C.gw_context
	err := takeError(C.gw_fiber_new(&context))
	return unsafe.Pointer(context), err
}

// ReleaseFiber gives a fiber back, whatever is on its stack.
func ReleaseFiber(context unsafe.Pointer) { C.gw_fiber_release(fiberContext(context)) }

// Enter runs the function that the context names, by cgo, and returns the status.
func Enter(context unsafe.Pointer) uint64 { return uint64(C.gw_enter(fiberContext(context))) }

// Resume continues a suspended guest, by cgo, and returns the status.
func Resume(context unsafe.Pointer) uint64 { return uint64(C.gw_resume(fiberContext(context))) }

// RuntimeCall runs the runtime function that the guest wants.
func RuntimeCall(context unsafe.Pointer) { C.gw_runtime_call(fiberContext(context)) }

// CCall calls the C function pointer that the guest wants.
func CCall(context unsafe.Pointer) { C.gw_c_call(fiberContext(context)) }

// Interrupt asks a guest that was entered by cgo to pause.
func Interrupt(context unsafe.Pointer) { C.gw_interrupt(fiberContext(context)) }

// RequestPause asks for a pause of the guest that the calling thread is about to resume, after a short slice of time, if as many guests ask at the
// same time as there are processors. It may come to nothing, and may hit another guest.
func RequestPause(processors int) { C.gw_request_pause(C.uint32_t(processors)) }

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
	var c C.gw_bytes
	if err := takeError(C.gw_trap_frames(fiberContext(context), &c)); err != nil {
		return nil, 0
	}
	return parseFrames(takeBytes(c))
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

// HostFunction is the record of a host function, in memory of the engine, as rust/engine/src/abi/vmctx.rs lays it out.
type HostFunction struct {
	_ [4]uintptr // the header
	// InstanceID is the serial number of the instance that imports the function.
	InstanceID uint64
	// FunctionIndex is the index of its implementation there.
	FunctionIndex uint64
	_             [3]uintptr // the C function, its context and its adapter
	// Params and Results are the numbers of parameters and results.
	Params, Results uint32
	_               uintptr // memory 0 of the instance
	_               int64   // the datum of its intrinsic
}

// Both sides agree about the size.
var _ [unsafe.Sizeof(HostFunction{})]byte = [C.sizeof_gw_host_function]byte{}
