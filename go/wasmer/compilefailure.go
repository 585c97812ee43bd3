package wasmer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// compileFailure is an error of the engine about the bytes of a module, with a hint at what to do.
type compileFailure struct {
	cause *engine.Error
	hint  string // or empty
}

// Error returns the engine's words on one line, and the hint.
func (e *compileFailure) Error() string { return e.withHint(oneLine(e.cause.Message)) }

// Unwrap returns the engine's error.
func (e *compileFailure) Unwrap() error { return e.cause }

func (e *compileFailure) withHint(text string) string {
	if e.hint == "" {
		return text
	}
	return text + "; " + e.hint
}

// compileError returns the error of compiling a module with a hint, if it is one about its bytes.
func compileError(module []byte, err error) error {
	var e *engine.Error
	if !errors.As(err, &e) || e != err {
		return err
	}
	return &compileFailure{e, hint(module, e)}
}

// hint returns what to do about a module that is refused, or nothing.
func hint(module []byte, err *engine.Error) string {
	if bytes.HasPrefix(module, []byte("\x00asm")) {
		switch {
		case len(module) >= 8 && binary.LittleEndian.Uint16(module[6:]) != 0:
			return "it is a component, and components are not supported: compile the core module " +
				"that it contains, or build one, for a target such as wasm32-wasip1"
		case err.Kind == engine.KindValidation && strings.HasPrefix(err.Message, "the proposal "):
			return "build the module without this proposal"
		}
		return ""
	}
	const (
		text = "it is a module as text: Wat2Wasm translates it"
		page = "it is a page of HTML, not a module: look at what the address or file returns"
	)
	start := strings.TrimPrefix(string(module[:min(len(module), 512)]), "\ufeff")
	start = strings.TrimLeft(start, " \t\r\n")
	for _, c := range []struct{ prefix, hint string }{
		{"(component", "it is the text of a component, and components are not supported"},
		{"(", text},
		{";;", text},
		{"<!doctype", page},
		{"<html", page},
		{"<?xml", "it is XML, not a module: look at what the address or file returns"},
		{"version https://git-lfs", "it is a pointer of Git LFS: fetch the module by `git lfs pull`"},
		{"agfzb", "it is a module in base64: decode it"},
		{"\x1f\x8b", "it is compressed by gzip: decompress it"},
		{"\x28\xb5\x2f\xfd", "it is compressed by zstd: decompress it"},
		{"\x7felf", "it is a native program or library, not a module"},
		{"mz", "it is a native program or library, not a module"},
		{"!<arch>", "it is an archive of object files, not a module: link it"},
	} {
		if n := len(c.prefix); len(start) >= n && lowered(start[:n]) == c.prefix {
			return c.hint
		}
	}
	return ""
}

// lowered returns a text with the letters of ASCII lowered, and all other bytes as they are.
func lowered(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	return string(lower)
}
