package fiber

import "unsafe"

// enter calls the context's function on the guest's stack and returns the status with which the guest came back.
//
//go:noescape
func enter(ctx unsafe.Pointer) uint64

// resume continues a suspended or paused guest and returns the next status.
//
//go:noescape
func resume(ctx unsafe.Pointer) uint64
