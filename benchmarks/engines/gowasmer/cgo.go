package main

// #include <stdint.h>
// extern void host0(void *);
// extern int32_t host2(void *, int32_t, int32_t);
// extern int32_t host6(void *, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t);
import "C"

import (
	"unsafe"

	"github.com/gowasmer/wasmer/go/wasmer"
)

//export host0
func host0(unsafe.Pointer) {}

//export host2
func host2(_ unsafe.Pointer, a, b int32) int32 { return a + b }

//export host6
func host6(_ unsafe.Pointer, a, b, c, d, e, f int32) int32 { return a + b + c + d + e + f }

func appendC(imports *wasmer.Imports) (*wasmer.Imports, error) {
	return appendAll(imports, host0, host2, host6, C.host0, C.host2, C.host6)
}
