// Package refusals runs the engine where the system refuses something: system calls by a filter,
// code in memory, address space, mappings, files, /proc, features of the processor; and with an
// image that is not the one that belongs to the program.
//
// What is expected each time: it works, by a slower way if need be, or an error at first use says
// what is missing. Nothing crashes, hangs or panics, and the same is said when it is tried again.
// Each case runs in a child of the test process, which needs no cgo.
package refusals
