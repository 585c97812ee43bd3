//go:build linux && (amd64 || arm64)

// Package standin is a stand-in for the image, for tests of package image: a table with a few
// functions in Go's assembly. It has no signal handler; a pause is what its function Pause says.
package standin

import "unsafe"

// The functions, by their numbers.
const (
	Add      = iota // a, b: a+b, a-b
	Weigh           // a...h: a+2b+3c+...+8h
	Service         // number, five arguments: the service's result
	Panic           // panics with the text that is in the head, of so many bytes
	Overflow        // its stack is exhausted
	Fault           // trap 1 at address 0x123
	Pause           // n: is paused n times; n
	Touch           // n: writes to the stack n bytes below; the address
	Peek            // offset: the word at that offset of the head
	Spin            // n: counts n down
	Entries
)

// ABI is the version that the table says.
const ABI = 77

// Notes are what the functions note.
type Notes struct {
	Parameters [7]uint64 // those of the start function
	Abandoned  uint64    // how many stacks were abandoned; the locks in held are released
	Released   uint64    // how many heaps were released
	Signal     uint64    // the last signal that the handler got
}

// Seen is what was noted.
var Seen Notes

// Table returns the table.
func Table() unsafe.Pointer
