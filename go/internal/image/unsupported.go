//go:build !linux || !(amd64 || arm64)

package image

import (
	"context"
	"unsafe"
)

// Stack is a stack that functions of the image run on. Here there is none.
type Stack struct {
	words [headWordsCount]uintptr
	out   [headOutCount]uint64
}

// Heap is the heap of one unit of work.
type Heap struct{}

// Load returns ErrUnsupportedPlatform.
func Load(uint64, int) error { return ErrUnsupportedPlatform }

// Build returns nothing.
func Build() string { return "" }

// Take returns a stack on which every call fails.
func Take() *Stack { return new(Stack) }

// Release does nothing.
func (s *Stack) Release() {}

// Words are the arguments of a call.
func (s *Stack) Words() *[headWordsCount]uintptr { return &s.words }

// Out is one of the words for results.
func (s *Stack) Out(i int) unsafe.Pointer { return unsafe.Pointer(&s.out[i]) }

// Call does nothing; Failed says why.
func (s *Stack) Call(int) { s.words, s.out = [headWordsCount]uintptr{}, [headOutCount]uint64{} }

// CallWork returns ErrUnsupportedPlatform.
func (s *Stack) CallWork(context.Context, int, *Heap) error {
	s.Call(0)
	return ErrUnsupportedPlatform
}

// Failed returns ErrUnsupportedPlatform.
func (s *Stack) Failed() error { return ErrUnsupportedPlatform }

// NewHeap makes a heap that nothing can use.
func NewHeap() *Heap { return new(Heap) }

// Root returns 0: nothing was made there.
func (h *Heap) Root() uintptr { return 0 }

// Forget does nothing.
func (h *Heap) Forget() {}

// Release does nothing.
func (h *Heap) Release() {}

// RequestPause does nothing.
func RequestPause(int) {}

// PausesArrive returns false.
func PausesArrive() bool { return false }

// ForC returns nothing.
func ForC() (enter, resume, call unsafe.Pointer) { return nil, nil, nil }

// WithoutP returns false.
func WithoutP() bool { return false }

// EnterGuest returns 0.
func EnterGuest(unsafe.Pointer) uint64 { return 0 }

// ResumeGuest returns 0.
func ResumeGuest(unsafe.Pointer) uint64 { return 0 }
