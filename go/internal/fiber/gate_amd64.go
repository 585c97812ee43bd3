//go:build linux

package fiber

import (
	"context"
	"unsafe"
)

// The assembly of owners is in enter_amd64.s, beside what enters guests.

// goroutine returns what identifies the goroutine as long as it lives. One that comes after it may
// be taken for it, which does no harm.
func goroutine() uintptr

// takeOwned lets the owner of a gate go in.
//
//go:noescape
func takeOwned(gate *Gate) Outcome

// callOwned lets it go in, call a function, and go out, unless the call fails.
//
//go:noescape
func callOwned(k *Kept, function unsafe.Pointer, call context.Context, values *uint64, n int) Outcome
