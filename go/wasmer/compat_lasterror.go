package wasmer

import "sync/atomic"

// lastFailure is what GetLastError tells: a text, or a trap whose text is made when somebody asks.
// It refers to nothing else, so that it keeps nothing alive.
type lastFailure struct {
	text string
	trap *Trap
}

var lastError atomic.Pointer[lastFailure]

// remember keeps the text of a failure for GetLastError.
func remember(text string) { lastError.Store(&lastFailure{text: text}) }

// GetLastError returns what the last operation of this package that failed, in any goroutine, has
// to say, or an empty string if none has failed. The error is always nil.
//
// It is here for programs that were written when errors were not returned in full: the error that a
// function returns, and those that it wraps, say the same, and belong to that call for sure.
func GetLastError() (string, error) {
	last := lastError.Load()
	switch {
	case last == nil:
		return "", nil
	case last.trap != nil:
		return last.trap.Error(), nil
	default:
		return last.text, nil
	}
}
