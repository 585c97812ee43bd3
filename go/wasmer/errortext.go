package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file makes the texts of errors: when somebody reads them, in one pass, and bounded. An error
// may have passed through any number of nested calls, and a guest chooses the names in it.

// HostError is the error of a host function, with the guest's functions that led to its call. Find
// it in the error of a call by [errors.As]; the error that the host function has returned is found
// in the same way, as HostError wraps it.
type HostError struct {
	// Err is what the host function has returned.
	Err error

	// Backtrace is the functions of the guest, innermost first: the first one called the host
	// function.
	Backtrace []Frame

	// Omitted is the number of frames farther out that the backtrace leaves out.
	Omitted int
}

// Error returns the text of the host function's error, and on lines of their own the backtrace.
func (e *HostError) Error() string { return chainText(e) }

// Unwrap returns the error of the host function.
func (e *HostError) Unwrap() error { return e.Err }

// link is an error that has a text in front of that of its cause.
type link interface {
	// link returns the text, what stands between both, and the cause, nil if it is not told.
	link() (text, between string, cause error)
}

// A chain of links shows this many at either end.
const linksShown = 8

// chainText returns the text of an error and its causes: those of the links, outermost first, that
// of the error which is none, and the backtraces, innermost first. Of a long chain it leaves out
// the middle.
func chainText(err error) string {
	type shown struct {
		text      string
		backtrace []Frame
		omitted   int
	}
	var first, last [linksShown]shown // last is a ring
	n := 0
	at := func(i int) *shown {
		if i < linksShown {
			return &first[i]
		}
		return &last[i%linksShown]
	}
	add := func(next shown) { *at(n) = next; n++ }
	cause := err
walk:
	for cause != nil {
		switch e := cause.(type) {
		case *HostError:
			if n == 0 || at(n-1).backtrace != nil {
				add(shown{})
			}
			at(n-1).backtrace, at(n-1).omitted = e.Backtrace, e.Omitted
			cause = e.Err
		case link:
			text, between, inner := e.link()
			if inner == nil {
				add(shown{text: text})
			} else if _, ok := inner.(*ExitError); !ok { // whose text needs no other
				add(shown{text: text + between})
			}
			cause = inner
		default:
			break walk
		}
	}
	var text boundedText
	middle := max(0, n-2*linksShown)
	each := func(i int) *shown {
		if i < linksShown {
			return &first[i]
		}
		return at(i + middle)
	}
	count := n - middle
	for i := range count {
		if i == linksShown && middle > 0 {
			text.write(fmt.Sprintf("... %d more\n", middle))
		}
		text.write(each(i).text)
	}
	if cause != nil {
		text.write(boundedCopy(causeText(cause)))
	}
	for i := count - 1; i >= 0; i-- {
		if i == linksShown-1 && middle > 0 {
			text.write("\n    ... more")
		}
		writeFrames(&text, each(i).backtrace, each(i).omitted)
	}
	return text.String()
}

// causeText returns the text of an error that is the cause of another, on one line if it is one of
// the engine.
func causeText(cause error) string {
	switch e := cause.(type) {
	case *compileFailure:
		return e.withHint(causeText(e.cause))
	case *engine.Error:
		switch e.Kind {
		case engine.KindValidation:
			return "compile error: Validation error \"" + oneLine(e.Message) + "\""
		case engine.KindCompile:
			return "compile error: " + oneLine(e.Message)
		case engine.KindLink:
			return "link error: " + e.Message
		}
	}
	return cause.Error()
}
