// Package cfuncs has the C functions that the tests import into guests by their pointers. Test files cannot use cgo themselves.
package cfuncs

/*
#cgo LDFLAGS: -lpthread
#include "cfuncs.h"
*/
import "C"

import (
	"runtime/cgo"
	"sync"
	"unsafe"
)

// Add is `int32_t (void *context, int32_t a, int32_t b)`: a + b, in C alone.
func Add() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_add_pointer()) }

// Mix takes ten numbers of all types, more than fit in registers, and returns their sum as an f64.
func Mix() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_mix_pointer()) }

// Go is `int32_t (void *context, int32_t n)`: calls what Register has set for the context; without that n + 1.
func Go() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_go_pointer()) }

var registered sync.Map // unsafe.Pointer -> func(int32) int32

// Register sets what Go calls for one instance, named by what its C functions get as their context.
func Register(context unsafe.Pointer, f func(int32) int32) { registered.Store(context, f) }

// Unregister takes it back.
func Unregister(context unsafe.Pointer) { registered.Delete(context) }

//export cfuncs_call_go
func cfuncs_call_go(context unsafe.Pointer, n int32) int32 {
	if f, ok := registered.Load(context); ok {
		return f.(func(int32) int32)(n)
	}
	return n + 1
}

// OnThread runs f on a thread that C creates, and waits for its end. The thread has a small stack: stackBytes.
func OnThread(stackBytes int, f func()) bool {
	handle := cgo.NewHandle(f)
	defer handle.Delete()
	return C.cfuncs_on_thread(C.size_t(stackBytes), C.uintptr_t(handle)) == 0
}

//export cfuncs_thread_main
func cfuncs_thread_main(handle C.uintptr_t) { cgo.Handle(handle).Value().(func())() }

// ThreadID is the number of the calling thread.
func ThreadID() int { return int(C.cfuncs_thread_id()) }

// Handler is the address of the handler that is installed for a signal, and its flags.
func Handler(signal int) (address uintptr, flags int) {
	var c C.int
	address = uintptr(C.cfuncs_handler(C.int(signal), &c))
	return address, int(c)
}

// The flags of a handler.
const (
	OnStack = C.SA_ONSTACK
	SigInfo = C.SA_SIGINFO
	Restart = C.SA_RESTART
)
