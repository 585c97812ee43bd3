//go:build linux && (amd64 || arm64) && cgo && !gowasmer_static

package engine

import "github.com/gowasmer/wasmer/go/internal/image"

// functionsForC returns the functions by which C enters a guest, resumes one, and calls a C
// function for one.
func functionsForC() (enter, resume, call uintptr) {
	e, r, c := image.ForC()
	return uintptr(e), uintptr(r), uintptr(c)
}
