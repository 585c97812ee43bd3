package wasmer

import (
	"errors"
	"sync/atomic"
	"weak"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// lastFailure is what GetLastError tells: a text, or who makes it when somebody asks. It keeps
// nothing alive that does not belong to this package: an error of a host function may refer to
// anything.
type lastFailure struct {
	text string
	tell func() string // or nil
}

var lastError atomic.Pointer[lastFailure]

// remember keeps the text of a failure for GetLastError.
func remember(text string) { lastError.Store(&lastFailure{text: text}) }

// rememberCause keeps the cause of an error for GetLastError. What users have made is kept only as
// long as somebody has the error.
func rememberCause[E any](err *E, cause error) {
	switch cause.(type) {
	case *Trap, *engine.Error, *compileFailure:
		lastError.Store(&lastFailure{tell: func() string { return causeText(cause) }})
	case *HostError, *core.Cancelled, *core.Terminated:
		kept := weak.Make(err)
		lastError.Store(&lastFailure{tell: func() string {
			if err := kept.Value(); err != nil {
				return boundedCopy(causeText(errors.Unwrap(any(err).(error))))
			}
			return "a call has failed with an error that nobody has any more"
		}})
	default:
		remember(boundedCopy(causeText(cause)))
	}
}

// GetLastError returns the text of the last error of this package, in any goroutine, or an empty
// string if none has failed. The error is always nil. What a host function has returned is told as
// long as the error that the call has returned is in use.
//
// It is here for programs that were written when errors were not returned in full: the error that a
// function returns, and those that it wraps have the same text, and certainly belong to that call.
func GetLastError() (string, error) {
	last := lastError.Load()
	switch {
	case last == nil:
		return "", nil
	case last.tell != nil:
		return last.tell(), nil
	default:
		return last.text, nil
	}
}
