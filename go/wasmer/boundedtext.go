package wasmer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

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

// oneLine returns a text with each run of spaces and ends of lines as one space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
