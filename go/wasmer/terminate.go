package wasmer

import "github.com/gowasmer/wasmer/go/internal/core"

// ErrTerminated is in every error of a call that was ended or refused by [Instance.Terminate].
var ErrTerminated = errTerminated

// errTerminated is that of package core, which the documentation need not show.
var errTerminated = core.ErrTerminated

// Terminate ends all calls of the instance's functions that are running, in whatever goroutines,
// with an error that matches err and [ErrTerminated] by [errors.Is]; err may be nil. Calls that
// begin later fail in the same way, until the instance is closed. Memories, globals and tables stay
// as they are and can be read; calling Close is still up to the owner. Only the first call of
// Terminate counts. It does not wait.
//
// A guest that computes ends some milliseconds later. A host function is not interrupted: the call
// that it is a part of ends when it returns. What a function that this instance imports from
// another one does ends when control comes back, or at the next pause, and so does a call of the
// other instance's functions as soon as it calls a host function of this one.
//
// To end one call only, use [Function.Call] with a context.
func (instance *Instance) Terminate(err error) {
	if s := instance.made(); s != nil {
		s.Terminate(err)
	}
}
