// Package perfmap tells the Linux profiler perf the names of guests' functions, if that is asked
// for: with GOWASMER_PERF=1 in the environment, the file /tmp/perf-PID.map has a line for each
// function that was loaded.
package perfmap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// variable is the environment variable that asks for a map.
const variable = "GOWASMER_PERF"

// maxName is how many bytes of a name are told.
const maxName = 512

// Enabled reports whether a map was asked for when the program began.
var Enabled = sync.OnceValue(func() bool { return os.Getenv(variable) == "1" })

// Add writes the functions of a module to the map, if one was asked for. The first error is told on
// the standard error output, and nothing is written from then on.
func Add(module string, bodies []engine.Body) {
	if Enabled() {
		process.add(module, bodies)
	}
}

var process = file{path: fmt.Sprintf("/tmp/perf-%d.map", os.Getpid()), complain: os.Stderr}

// file is a map that is being written.
type file struct {
	path     string
	complain io.Writer

	mutex  sync.Mutex
	opened bool
	to     *os.File
}

func (f *file) add(module string, bodies []engine.Body) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if !f.opened {
		f.opened = true
		// The folder is everybody's. A file or link that is there already, perhaps of somebody who
		// wants to see other files overwritten, is an error.
		to, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			err = fmt.Errorf("%w; remove it if it is of an earlier process", err)
		}
		if f.fail(err) {
			return
		}
		f.to = to
	}
	if f.to == nil {
		return
	}
	if _, err := f.to.Write(lines(module, bodies)); f.fail(err) {
		f.to.Close()
		f.to = nil
	}
}

// fail tells of an error, if it is one.
func (f *file) fail(err error) bool {
	if err != nil {
		fmt.Fprintf(f.complain, "gowasmer: %s=1: no map for perf: %v\n", variable, err)
	}
	return err != nil
}

// lines returns the lines of a module: start and size in hexadecimal, and the name.
func lines(module string, bodies []engine.Body) []byte {
	var text []byte
	for i := range bodies {
		b := &bodies[i]
		if b.End <= b.Start {
			continue
		}
		text = strconv.AppendUint(text, uint64(b.Start), 16)
		text = append(text, ' ')
		text = strconv.AppendUint(text, uint64(b.End-b.Start), 16)
		text = append(text, " wasm::"...)
		text = append(text, clean(Name(module, b))...)
		text = append(text, '\n')
	}
	return text
}

// Name returns the name of a function with its module's, if that has one, as backtraces show it.
func Name(module string, b *engine.Body) string {
	name := b.Name
	switch {
	case b.Function == engine.NoFunction:
		name = "trampoline"
	case name == "":
		name = fmt.Sprintf("function %d", b.Function)
	}
	if module != "" {
		name = module + "!" + name
	}
	return name
}

// clean returns a name without what would end its line or confuse a terminal: names are the
// guest's.
func clean(name string) string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}
