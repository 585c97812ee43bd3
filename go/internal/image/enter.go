//go:build linux && (amd64 || arm64)

package image

import "unsafe"

// enter calls the function that a context is prepared for, on the stack of the context, until it is
// done (false) or leaves for something that its status tells (true).
//
//go:noescape
func enter(block unsafe.Pointer) bool

// resume continues a function that has left, likewise.
//
//go:noescape
func resume(block unsafe.Pointer) bool
