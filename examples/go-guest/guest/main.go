//go:build wasip1

// The guest of examples/go-guest: a library in Go, built by
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o guest.wasm
package main

import (
	"strings"
	"unsafe"
)

// main is not called in a library.
func main() {}

// kept are the blocks that the host has asked for: as long as they are here, they are not
// collected.
var kept = make(map[unsafe.Pointer][]byte)

// allocate returns room for the host to write to.
//
//go:wasmexport allocate
func allocate(size uint32) unsafe.Pointer {
	block := make([]byte, max(size, 1))
	pointer := unsafe.Pointer(&block[0])
	kept[pointer] = block
	return pointer
}

// free gives it back.
//
//go:wasmexport free
func free(pointer unsafe.Pointer) { delete(kept, pointer) }

// counts is the state of the library, which it keeps between calls.
var counts = make(map[string]int32)

// count counts the words of a text, and returns how many different ones it has seen in all its
// calls.
//
//go:wasmexport count
func count(text string) int32 {
	for _, word := range strings.Fields(text) {
		counts[word]++
		if counts[word] == 3 {
			report(word)
		}
	}
	return int32(len(counts))
}

// report is a function of the host. It gets a pointer and a length.
//
//go:wasmimport env report
func report(word string)
