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

// TrapInfo is what the engine knows of a trap beside its code.
type TrapInfo struct {
	// Frames is the guest's stack, innermost function first.
	Frames []Frame
	// LeftOut is how many frames farther out are missing.
	LeftOut int
	// Fault is the access to memory that failed, nil if it was none or its address is not known.
	Fault *Fault
	// Refused is what the instance that was called asked for before and did not get.
	Refused []Refusal
}

// Frame is one function of a guest's stack.
type Frame struct {
	// Code is the serial number of the module's code; see [Description].
	Code uint64
	// Module is the module's name, or empty.
	Module string
	// Function is the index of the function in its module.
	Function uint32
	// Name is the function's name, or empty.
	Name string
	// Type is the function's type.
	Type FuncType
	// Offset is the position of the instruction in the bytes of the module.
	Offset uint32
	// CodeOffset is where the contents of the code section begin there.
	CodeOffset uint32
}

// Fault is an access to memory that failed.
type Fault struct {
	// Address is the first byte that could not be accessed.
	Address uint64
	// Size is the size of the memory in bytes.
	Size uint64
}

// Limiter is who set a limit.
type Limiter uint8

// Those who set limits.
const (
	LimitedByModule         Limiter = iota // a maximum that the module declares
	LimitedByEmbedder                      // a ceiling
	LimitedByImplementation                // this engine, or the specification
	LimitedBySystem                        // no limit: the system refused
)

// Refusal is a memory.grow or table.grow that failed.
type Refusal struct {
	// Table reports whether it was a table.
	Table bool
	// PageSize is the size of a memory's pages in bytes.
	PageSize uint64
	// Asked is the size that the memory would have had in pages, or the table in elements.
	Asked uint64
	// Limit is the largest size that it can have.
	Limit uint64
	// Limiter is who set the limit.
	Limiter Limiter
}

// Trap returns what is known of the trap of a guest, once. An engine that cannot tell returns
// nothing.
func Trap(context unsafe.Pointer) TrapInfo {
	bytes, err := trap(context)
	if err != nil {
		return TrapInfo{}
	}
	return parseTrap(takeBytes(bytes))
}

func parseTrap(bytes []byte) TrapInfo {
	r := &reader{wire.NewReader(bytes)}
	info := TrapInfo{Frames: make([]Frame, r.Count(36))}
	for i := range info.Frames {
		info.Frames[i] = Frame{
			Code: r.U64(), Module: r.Str(), Function: r.U32(), Name: r.Str(),
			Type: FuncType{Params: r.types(), Results: r.types()}, Offset: r.U32(), CodeOffset: r.U32(),
		}
	}
	info.LeftOut = int(r.U32())
	known, fault := r.U8() != 0, Fault{Address: r.U64(), Size: r.U64()}
	if known {
		info.Fault = &fault
	}
	if n := r.Count(26); n != 0 {
		info.Refused = make([]Refusal, n)
	}
	for i := range info.Refused {
		info.Refused[i] = Refusal{
			Table: r.U8() != 0, PageSize: r.U64(), Asked: r.U64(), Limit: r.U64(), Limiter: Limiter(r.U8()),
		}
	}
	if r.end("trap") != nil {
		return TrapInfo{}
	}
	return info
}

// SetProfile has samples written to a ring, whose layout package fiber knows, or with 0 to none.
// The ring stays for the life of the process.
func SetProfile(ring uintptr) { profile(ring) }
