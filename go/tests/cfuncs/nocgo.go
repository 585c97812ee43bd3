//go:build !cgo

package cfuncs

import "unsafe"

// This file stands for the C functions where there is no cgo.

// Available reports whether there are C functions.
const Available = false

// Add is nil.
func Add() unsafe.Pointer { return nil }

// Mix is nil.
func Mix() unsafe.Pointer { return nil }

// Registers is nil.
func Registers() unsafe.Pointer { return nil }

// Go is nil.
func Go() unsafe.Pointer { return nil }

// OnGo does nothing.
func OnGo(func(context unsafe.Pointer, n int32) int32) {}

// OnThread panics: there are no threads of C.
func OnThread(int, func()) bool { panic("cfuncs: needs cgo") }
