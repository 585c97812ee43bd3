//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_wat2wasm
#cgo nocallback gw_wat2wasm
#include "wasmer.h"
*/
import "C"

// Wat2Wasm translates a module from the text format to the binary format, without validating it. An error has a position.
func Wat2Wasm(text []byte) ([]byte, error) {
	var c C.gw_bytes
	if err := takeError(C.gw_wat2wasm(firstByte(text), C.size_t(len(text)), &c)); err != nil {
		return nil, err
	}
	return takeBytes(c), nil
}
