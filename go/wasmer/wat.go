package wasmer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// TextError is an error in a text: what is wrong, and where. [Wat2Wasm] returns it.
type TextError struct {
	// Line is the line where the error was noticed, counted from 1. It is 0 if the error is about
	// the text as a whole.
	Line int

	// Column is the column in characters, counted from 1.
	Column int

	// Message is what is wrong.
	Message string

	// Source is the line of the text, without its end.
	Source string
}

// Error returns message and place, and the line with a mark below the column; of a long line the
// part around it.
func (e *TextError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	text := fmt.Sprintf("%s at line %d, column %d", e.Message, e.Line, e.Column)
	source, column := excerpt(e.Source, e.Column)
	if strings.TrimSpace(source) == "" {
		return text
	}
	return fmt.Sprintf("%s:\n    %s\n    %s^", text, source, strings.Repeat(" ", column-1))
}

// excerpt returns the part of a line around a column, with characters that cannot be seen as
// spaces, and the column in it.
func excerpt(line string, column int) (string, int) {
	const before, after = 80, 40
	characters := []rune(line)
	for i, c := range characters {
		if c < ' ' || c == utf8.RuneError || c == 0x7f || c >= 0x80 && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			characters[i] = ' '
		}
	}
	column = min(max(column, 1), len(characters)+1)
	start, end := 0, len(characters)
	if column > before {
		start = column - before
	}
	if end > column+after {
		end = column + after
	}
	return string(characters[start:end]), column - start
}

// Wat2Wasm translates a module from the text format (specification, chapter 6) to the binary
// format, which [Compile] takes. The text is UTF-8. It is not validated: Compile does that. The
// error is a [*TextError]: the text is not well-formed, it refers to a name that it does not
// define, it is a module in the binary format already, or it is larger than 1 GiB.
func Wat2Wasm[Text ~string | ~[]byte](text Text) ([]byte, error) {
	return Wat2WasmContext(context.Background(), text)
}

// Wat2WasmContext is [Wat2Wasm], given up when the context is done: some milliseconds later it
// returns. The error wraps the context's error then, and its cause.
func Wat2WasmContext[Text ~string | ~[]byte](ctx context.Context, text Text) ([]byte, error) {
	if err := core.CheckContext(ctx); err != nil {
		failure(err) // for GetLastError
		return nil, err
	}
	source := []byte(text)
	module, err := engine.Wat2Wasm(ctx, source)
	if err != nil {
		failure(err) // for GetLastError
		return nil, core.GivenUp(ctx, "translating the text", textError(source, err))
	}
	return module, nil
}

// textError returns an error of the engine about a text as one of this package.
func textError(source []byte, err error) error {
	var e *engine.Error
	if !errors.As(err, &e) || e.Kind != engine.KindText {
		return err
	}
	return &TextError{Line: e.Line, Column: e.Column, Message: e.Message, Source: sourceLine(source, e.Line)}
}

// sourceLine returns a line of a text, counted from 1, without its end.
func sourceLine(source []byte, line int) string {
	for ; line > 1; line-- {
		_, source, _ = bytes.Cut(source, []byte("\n"))
	}
	source, _, _ = bytes.Cut(source, []byte("\n"))
	return string(bytes.TrimSuffix(source, []byte("\r")))
}
