package image

import (
	"errors"
	"runtime"
)

// ErrUnsupportedPlatform is the error of every use on a system that there is no image for.
var ErrUnsupportedPlatform = errors.New("gowasmer: " + runtime.GOOS + "/" + runtime.GOARCH +
	" is not supported; it runs on linux/amd64 and linux/arm64")

// Reason is a way in which a function of the image dies.
type Reason uint8

// The ways to die.
const (
	Panicked   Reason = iota + 1 // it panicked; the text is the panic's message
	Overflowed                   // its stack is exhausted
	Faulted                      // an instruction faulted; the text says which and where
	Starved                      // the system had no memory for it; the text says what was refused
)

// Died is the error of a call of the image that died. It is a bug of the engine, except where there
// was no memory, and that an input may be nested too deeply for its stack. What it worked on is
// lost, the engine continues.
type Died struct {
	Reason Reason
	Text   string
}

// Error says how it died.
func (d *Died) Error() string {
	switch d.Reason {
	case Panicked:
		return "the engine panicked: " + d.Text
	case Overflowed:
		return "the engine's stack is exhausted"
	case Starved:
		return "the engine gets no memory: " + d.Text
	}
	return "the engine failed: " + d.Text
}
