//go:build linux

package image

import "unsafe"

// alignment is what the base of an image is a multiple of where its pages allow any: code finds its
// data by pages of this size.
const alignment = 4096

// flushCode makes code that was written executable for all processors. The kernel does so too when
// it makes pages executable for the first time; this does not rely on it.
//
//go:noescape
func flushCode(at unsafe.Pointer, size uintptr)
