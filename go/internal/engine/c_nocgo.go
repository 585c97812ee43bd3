//go:build !(linux && (amd64 || arm64) && cgo)

package engine

import "unsafe"

// CanCallC reports whether guests can call C functions. Without cgo there are none: package wasmer
// refuses imports of them.
const CanCallC = false

// Enter panics: without cgo no guest needs C.
func Enter(unsafe.Pointer) uint64 { panic("engine: a guest is entered by C in a program without cgo") }

// Resume panics, as Enter.
func Resume(unsafe.Pointer) uint64 { panic("engine: a guest is entered by C in a program without cgo") }

// CCall panics, as Enter.
func CCall(unsafe.Pointer) { panic("engine: a guest calls C in a program without cgo") }
