//go:build linux

package image

import "unsafe"

// alignment is what the base of an image is a multiple of where its pages allow any: that of what
// instructions take for aligned.
const alignment = 16

// flushCode makes code that was written executable for all processors; here they see to it
// themselves.
func flushCode(unsafe.Pointer, uintptr) {}
