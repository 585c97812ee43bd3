//go:build linux && (amd64 || arm64)

package image

import (
	"context"
	"sync/atomic"
)

// The values of failure.how, which are arguments of the image's fail function.
const (
	FailPanic    = 0 // panics
	FailOverflow = 1 // exhausts its stack
)

type failure struct {
	entry int
	how   uintptr
}

// failing is set by tests alone.
var failing atomic.Pointer[failure]

// FailInstead makes CallWork of an entry die in the given way instead of doing what the entry does,
// until the function that it returns is called. It is for tests of what surrounds the engine.
func FailInstead(entry int, how uintptr) (restore func()) {
	failing.Store(&failure{entry, how})
	return func() { failing.Store(nil) }
}

// fails reports whether an entry is to die, and dies.
func (s *Stack) fails(ctx context.Context, entry int, heap *Heap) (err error, yes bool) {
	f := failing.Load()
	if f == nil || f.entry != entry {
		return nil, false
	}
	s.Words()[0] = f.how
	return s.workFunction(ctx, engine.fail, heap), true
}
