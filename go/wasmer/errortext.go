package wasmer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file makes the texts of errors: when somebody reads them, in one pass, and bounded. An error
// may have passed through any number of nested calls, and a guest chooses the names in it.

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
		text.writeFrames(each(i).backtrace, each(i).omitted)
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

// oneLine returns a text with each run of spaces and ends of lines as one space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// boundedText is a text that is cut in the middle when it becomes too long. The zero value is
// empty.
type boundedText struct {
	head, tail []byte
	lost       int // bytes in between
}

// halfText is how long either part of a text that was cut is.
const halfText = 8 << 10

func (t *boundedText) write(s string) {
	if len(t.tail) == 0 {
		n := min(len(s), halfText-len(t.head))
		t.head = append(t.head, s[:n]...)
		s = s[n:]
	}
	if len(s) > halfText {
		t.lost += len(t.tail) + len(s) - halfText
		t.tail, s = t.tail[:0], s[len(s)-halfText:]
	}
	if drop := len(t.tail) - halfText; drop > 0 && len(t.tail)+len(s) > 2*halfText {
		t.lost += drop
		t.tail = append(t.tail[:0], t.tail[drop:]...)
	}
	t.tail = append(t.tail, s...)
}

// writeFrames writes a backtrace.
func (t *boundedText) writeFrames(backtrace []Frame, omitted int) {
	for i := range backtrace {
		t.write("\n    at ")
		t.write(backtrace[i].String())
	}
	if omitted > 0 {
		t.write(fmt.Sprintf("\n    and %d more", omitted))
	}
}

// String returns the text, and in place of what was cut how much it was.
func (t *boundedText) String() string {
	lost, tail := t.lost, t.tail
	if drop := len(tail) - halfText; drop > 0 {
		lost, tail = lost+drop, tail[drop:]
	}
	if lost == 0 {
		return string(t.head) + string(tail)
	}
	head := t.head
	for range utf8.UTFMax - 1 { // no half characters
		if r, size := utf8.DecodeLastRune(head); r == utf8.RuneError && size == 1 {
			head, lost = head[:len(head)-1], lost+1
		}
		if !utf8.RuneStart(tail[0]) {
			tail, lost = tail[1:], lost+1
		}
	}
	return fmt.Sprintf("%s\n... %d more bytes\n%s", head, lost, tail)
}

// boundedCopy returns a text, or what remains of it where it is too long.
func boundedCopy(s string) string {
	if len(s) <= 2*halfText {
		return s
	}
	var t boundedText
	t.write(s)
	return t.String()
}
