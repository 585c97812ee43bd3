//go:build linux

package image

import "unsafe"

// flushCode makes code that was written executable for all processors; here they see to it
// themselves.
func flushCode(unsafe.Pointer, uintptr) {}
