//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"os"
	"syscall"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image"
)

// page is memory that the test and its child share. The child writes a message and stops at a
// breakpoint; the test answers before it lets the child go on.
type page struct {
	message uint64
	places  image.Places
	guest   uint64 // which one is compiled, by its number; where it is to be given up the test says so
	more    uint64 // the test's answer: there is one more
	cancel  uint64 // the test's, at a pause: the compilation shall be given up now
	gone    uint64 // the child's: it was given up
	grown   uint64 // the child's, at the end: bytes of address space that are left behind
}

// Messages of the child.
const (
	sayHello     = 1 + iota // places are there
	sayRound                // a compilation begins, to be paused
	sayRoundOver            // it is over
	sayOne                  // where is the next one to be given up?
	sayOneOver              // gone reports whether it was
	sayStep                 // is one to be followed step by step?
	sayStepOver
)

const pageSize = 4096

// openPage maps the shared memory of a file.
func openPage(file *os.File) (*page, error) {
	if err := file.Truncate(pageSize); err != nil {
		return nil, err
	}
	memory, err := syscall.Mmap(int(file.Fd()), 0, pageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*page)(unsafe.Pointer(&memory[0])), nil
}
