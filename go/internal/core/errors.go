package core

import (
	"context"
	"errors"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// ErrClosed is in every error that is returned because something was closed, or was never made.
var ErrClosed = errors.New("closed")

// ClosedError tells what is closed; it wraps ErrClosed.
func ClosedError(what string) error { return fmt.Errorf("the %s is %w", what, ErrClosed) }

// ErrShortSlots is the error of a call with fewer slots than its arguments or its results need.
var ErrShortSlots = errors.New("there are fewer slots than the arguments and the results need")

// ErrStale is the error for a slot of type externref that no value belongs to.
var ErrStale = errors.New("the slot is no reference to a value of the host, expected 0 (null) or one that was got from here")

// Trap is the error of a guest that was stopped: why, and where. It has no frames if the trap
// occurred while a memory or a table was initialised.
type Trap = fiber.Trap

// Cancelled is the error of what was given up because its context was done.
type Cancelled = fiber.Cancelled

// HostError is the error of a host function that a guest called, and where.
type HostError = fiber.HostError

// ErrTerminated is in every error of a call of an instance that was terminated.
var ErrTerminated = errors.New("terminated")

// Terminated is the error of the calls of an instance that was terminated.
type Terminated struct {
	Err error // that was given, or nil
}

// Error tells the error that was given.
func (e *Terminated) Error() string {
	if e.Err == nil {
		return "the instance was terminated"
	}
	return "the instance was terminated: " + e.Err.Error()
}

// Unwrap returns ErrTerminated, and the error that was given.
func (e *Terminated) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrTerminated}
	}
	return []error{ErrTerminated, e.Err}
}

// asTrap returns a *Trap for an error of the engine that stands for one, and other errors as they
// are.
func asTrap(err error) error {
	if e, ok := err.(*engine.Error); ok && e.Trap != 0 {
		return &Trap{Code: e.Trap}
	}
	return err
}

// CheckContext returns an error if the context is nil or done.
func CheckContext(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil, expected one such as context.Background()")
	}
	if err := ctx.Err(); err != nil {
		return &Cancelled{Err: err, Cause: context.Cause(ctx)}
	}
	return nil
}

// ErrRunning is the error of resetting an instance, or taking a snapshot of it, while it, one of
// its memories or an instance that is linked with it is in use, and ErrResetting that of calls and
// of uses of memories meanwhile.
var (
	ErrRunning   = errors.New("a call of the instance, or of one that is linked with it, is running, or a memory is being used; expected none")
	ErrResetting = errors.New("the instance is being reset, or a snapshot is being taken of it")
)
