package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// progressAfter is how long compiling takes before its progress is shown, unless that is asked
// for.
const progressAfter = time.Second

// progressLine shows how far compiling is, on a line that is rewritten in place.
type progressLine struct {
	to    io.Writer
	name  string
	from  time.Time // when to begin
	shown string
}

// newProgressLine returns a line for a file, or nil if none is wanted.
func newProgressLine(o *settings, path string, to io.Writer) *progressLine {
	from := time.Now()
	switch {
	case o.progress == nil && isTerminal(to):
		from = from.Add(progressAfter)
	case o.progress == nil || !*o.progress:
		return nil
	}
	name := printable(filepath.Base(path))
	if letters := []rune(name); len(letters) > 40 {
		name = string(letters[:37]) + "..."
	}
	return &progressLine{to: to, name: name, from: from}
}

// isTerminal reports whether what is written there is shown to somebody.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show shows that done pieces of total are compiled.
func (p *progressLine) show(done, total int) {
	if total == 0 || time.Now().Before(p.from) {
		return
	}
	p.rewrite(fmt.Sprintf("compiling %s: %d%%", p.name, int64(done)*100/int64(total)))
}

// rewrite puts a text in place of the one before.
func (p *progressLine) rewrite(text string) {
	if text == p.shown {
		return
	}
	blank := strings.Repeat(" ", max(0, len(p.shown)-len(text)))
	fmt.Fprintf(p.to, "\r%s%s", text, blank)
	if text == "" {
		io.WriteString(p.to, "\r")
	}
	p.shown = text
}

// clear removes the line. It may be nil.
func (p *progressLine) clear() {
	if p != nil {
		p.rewrite("")
	}
}
