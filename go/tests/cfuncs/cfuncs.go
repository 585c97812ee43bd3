package cfuncs

// This file has the C functions, which need cgo.

/*
#cgo LDFLAGS: -lpthread
#include "cfuncs.h"
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// Available reports whether there are C functions.
const Available = true

// Add is `int32_t (void *context, int32_t a, int32_t b)`: a + b, in C alone.
func Add() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_add_pointer()) }

// Mix takes ten numbers of all types, more than fit in registers, and returns their sum as an f64.
func Mix() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_mix_pointer()) }

// Registers takes four integers and three floats, which all travel in registers, and returns their
// sum as an f32.
func Registers() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_registers_pointer()) }

// Go is `int32_t (void *context, int32_t n)`: calls what OnGo has set.
func Go() unsafe.Pointer { return unsafe.Pointer(C.cfuncs_go_pointer()) }

var onGo func(context unsafe.Pointer, n int32) int32

// OnGo sets what Go calls. Call it once, before any guest runs.
func OnGo(f func(context unsafe.Pointer, n int32) int32) { onGo = f }

//export cfuncs_call_go
func cfuncs_call_go(context unsafe.Pointer, n int32) int32 { return onGo(context, n) }

// OnThread runs f on a thread that C creates, and waits for its end. The thread has a small stack:
// stackBytes.
func OnThread(stackBytes int, f func()) bool {
	handle := cgo.NewHandle(f)
	defer handle.Delete()
	return C.cfuncs_on_thread(C.size_t(stackBytes), C.uintptr_t(handle)) == 0
}

//export cfuncs_thread_main
func cfuncs_thread_main(handle C.uintptr_t) { cgo.Handle(handle).Value().(func())() }
