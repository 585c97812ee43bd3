//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_error_kind
#cgo nocallback gw_error_kind
#cgo noescape gw_error_trap
#cgo nocallback gw_error_trap
#cgo noescape gw_error_position
#cgo nocallback gw_error_position
#cgo noescape gw_error_message
#cgo nocallback gw_error_message
#cgo noescape gw_error_free
#cgo nocallback gw_error_free
#cgo noescape gw_bytes_free
#cgo nocallback gw_bytes_free
#include "wasmer.h"
*/
import "C"

import "unsafe"

// ErrorKind says what sort of operation failed; the numbers are those of rust/engine/src/error.rs.
type ErrorKind uint32

// The kinds of errors.
const (
	// KindValidation: the bytes are not a valid module, or use a proposal that the engine refuses.
	KindValidation ErrorKind = 1
	// KindCompile: the code generator failed, or a limit of the implementation was met.
	KindCompile ErrorKind = 2
	// KindLink: an import is missing or has another type than the module declares.
	KindLink ErrorKind = 3
	// KindInstantiate: creating an instance failed for another reason than its imports.
	KindInstantiate ErrorKind = 4
	// KindDeserialize: a serialised module cannot be used.
	KindDeserialize ErrorKind = 5
	// KindResource: the system, or a limit set by the embedder, refuses memory, address space, code space or mappings.
	KindResource ErrorKind = 6
	// KindArgument: an argument of the C ABI is wrong.
	KindArgument ErrorKind = 7
	// KindInternal: a bug of the engine.
	KindInternal ErrorKind = 8
	// KindText: a text is not a module, or not a script, in the text format.
	KindText ErrorKind = 9
)

// Error is an error of the engine.
type Error struct {
	// Kind says what sort of operation failed.
	Kind ErrorKind
	// Trap is the number of the trap code, where the failure is a trap of instantiation (an active segment out of bounds), else 0.
	Trap uint8
	// Line and Column are where in the text that was given the error is, counted from 1, columns by characters; 0 if it is about no text.
	Line, Column int
	// Message says what was given and what was expected.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// takeError turns an owned error of the C ABI into a Go error and frees it; null is nil.
func takeError(c *C.gw_error) error {
	if c == nil {
		return nil
	}
	at := C.gw_error_position(c)
	e := &Error{
		Kind:    ErrorKind(C.gw_error_kind(c)),
		Trap:    uint8(C.gw_error_trap(c)),
		Line:    int(at.line),
		Column:  int(at.column),
		Message: string(borrow(C.gw_error_message(c))),
	}
	C.gw_error_free(c)
	return e
}

// borrow views a slice of C memory.
func borrow(s C.gw_slice) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(s.data)), int(s.len))
}

// takeBytes copies owned bytes of the C ABI into Go memory and frees them.
func takeBytes(b C.gw_bytes) []byte {
	if b.data == nil {
		return nil
	}
	bytes := make([]byte, int(b.len))
	copy(bytes, unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(b.len)))
	C.gw_bytes_free(b)
	return bytes
}

// firstByte returns a pointer to the bytes that may cross to C; empty slices give a pointer that is not null.
func firstByte(bytes []byte) *C.uint8_t {
	if len(bytes) == 0 {
		return (*C.uint8_t)(unsafe.Pointer(&emptyBytes))
	}
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(bytes)))
}

var emptyBytes [1]byte
