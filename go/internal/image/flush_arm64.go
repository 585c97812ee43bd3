//go:build linux

package image

import "unsafe"

// flushCode makes code that was written executable for all processors. The kernel does so too when
// it makes pages executable for the first time; this does not rely on it.
//
//go:noescape
func flushCode(at unsafe.Pointer, size uintptr)
