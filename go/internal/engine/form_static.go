//go:build linux && (amd64 || arm64) && gowasmer_static

package engine

// This file is the form of the engine that cgo links as a static library, for those who debug or
// instrument it.

/*
#cgo LDFLAGS: ${SRCDIR}/../../../build/libgowasmer.a -lm -ldl -lpthread
#cgo noescape invoke
#cgo nocallback invoke
#cgo noescape gw_abi
#cgo nocallback gw_abi
#include "wasmer.h"

typedef struct {
	uintptr_t first, second;
} result;

typedef result function(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

// Calls a function by its number. One type does for all of them: their arguments are words, of
// which each looks at those that it has, and a result of one or two words is in the registers of
// this one (System V ABI for x86-64, AAPCS64).
static void invoke(uintptr_t number, uintptr_t *words) {
	function *f = (function *)gw_entries()[number];
	result r = f(words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7]);
	words[0] = r.first;
	words[1] = r.second;
}
*/
import "C"

import (
	"context"
	"fmt"
	"os"
	"sync"
	"unsafe"
)

// load compares the library with this code.
var load = sync.OnceValue(func() error {
	if abi := uint64(C.gw_abi()); abi != abiNumber {
		return fmt.Errorf("gowasmer: the static library has ABI %#x, expected %#x; run make library", abi, abiNumber)
	}
	return nil
})

// area is one call.
type area struct{ *memory }

var memories = sync.Pool{New: func() any { return new(memory) }}

// takeArea returns an area for one call.
func takeArea() area { return area{memories.Get().(*memory)} }

// release gives it back.
func (a area) release() { memories.Put(a.memory) }

// call calls a function by its number.
func (a area) call(number int) {
	if load() != nil {
		*a.memory = memory{}
		return
	}
	C.invoke(C.uintptr_t(number), (*C.uintptr_t)(unsafe.Pointer(&a.words)))
}

// takeError turns the owned error that the call gave, if it gave one, into a Go error and frees it.
func (a area) takeError() error {
	if err := load(); err != nil {
		return err
	}
	if a.words[0] == 0 {
		return nil
	}
	owned := a.result()
	err := a.readError(owned)
	a.errorFree(owned)
	return err
}

// workHeap is where what work makes stays: here on the heap of C, as all else.
type workHeap struct{}

func newWorkHeap() *workHeap { return nil }

func releaseWorkHeap(*workHeap) {}

func workHeapRoot(*workHeap) uintptr { return 0 }

func forgetWorkHeap(*workHeap) {}

// work calls a function that may run long. It ends early only by itself.
func (a area) work(ctx context.Context, _ *workHeap, number int) error {
	if err := ctx.Err(); err != nil {
		*a.memory = memory{}
		return err
	}
	a.call(number)
	return nil
}

// workError turns what came of work into a Go error.
func (a area) workError(err error) error {
	if err != nil {
		return err
	}
	return a.takeError()
}

// takeWorkBytes copies and frees bytes that work has made.
func takeWorkBytes(bytes gwBytes) []byte { return takeBytes(bytes) }

func freeCompilation(compilation unsafe.Pointer) { compilationFree(compilation) }

func freeBatch(batch unsafe.Pointer) { batchFree(batch) }

func freeBench(bench unsafe.Pointer) { benchFree(bench) }

// functionsForC returns the functions by which C enters a guest, resumes one, and calls a C
// function for one.
func functionsForC() (enter, resume, call uintptr) {
	return uintptr(C.gw_enter), uintptr(C.gw_resume), uintptr(C.gw_c_call)
}

// build tells builds of the engine apart, by the program that it is linked to.
func build() string {
	path, err := os.Executable()
	if err != nil {
		return "static library"
	}
	info, err := os.Stat(path)
	if err != nil {
		return "static library"
	}
	return fmt.Sprintf("static library of %s, %d bytes, %s", path, info.Size(), info.ModTime())
}

// findPauses has nothing to do: nothing of the library but guests can be paused, and where the
// settings of the program do not tell whether they are, they hold no processor of Go.
func findPauses() {}
