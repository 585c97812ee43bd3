package wasmer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// ErrClosed is in every error that is returned because a module, an instance, a function, memory,
// global or table, a set of imports or a pool was closed, or was never made.
var ErrClosed = errClosed

// errClosed is that of package core, which the documentation need not show.
var errClosed = core.ErrClosed

// InstanceError is an error about a WebAssembly instance. Functions that create instances from
// bytes, and methods of [Instance], return it.
type InstanceError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *InstanceError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *InstanceError) Unwrap() error { return e.cause }

// ModuleError is an error about a WebAssembly module. Functions that make modules, and methods of
// [Module], return it.
type ModuleError struct {
	message string
	cause   error
}

// Error returns the message. The words of the validator or the compiler are in the error that it
// wraps.
func (e *ModuleError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *ModuleError) Unwrap() error { return e.cause }

// MemoryError is an error about a WebAssembly memory. Functions that make memories, and methods of
// [Memory], return it.
type MemoryError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *MemoryError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *MemoryError) Unwrap() error { return e.cause }

// ExportedFunctionError is an error about a function that an instance exports. Calls of exported
// functions return it.
type ExportedFunctionError struct {
	functionName string
	message      string
	cause        error
}

// Error returns the message, and after a newline that of the cause: the trap with its backtrace, or
// the error of a host function.
func (e *ExportedFunctionError) Error() string { return withCause(e.message, e.functionName, e.cause) }

// Unwrap returns the cause: a [*Trap], the error of a host function, an error that wraps that of a
// context that is done, or nil.
func (e *ExportedFunctionError) Unwrap() error { return e.cause }

// ImportedFunctionError is an error about something that is to be imported by instances. Methods of
// [Imports] return it.
type ImportedFunctionError struct {
	functionName string
	message      string
	cause        error
}

// Error returns the message, and after a newline that of the cause, if there is one.
func (e *ImportedFunctionError) Error() string { return withCause(e.message, e.functionName, e.cause) }

// Unwrap returns the cause, or nil.
func (e *ImportedFunctionError) Unwrap() error { return e.cause }

// ImportObjectError is an error about an [ImportObject], returned by its methods.
type ImportObjectError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *ImportObjectError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *ImportObjectError) Unwrap() error { return e.cause }

// withCause puts the name into a message, and the cause behind it.
func withCause(message, name string, cause error) string {
	text := strings.ReplaceAll(message, "%s", name)
	if cause != nil {
		text += "\n" + cause.Error()
	}
	return text
}

// closedError tells what was closed; it wraps ErrClosed.
func closedError(what string) error { return core.ClosedError(what) }

// failure returns the text of a cause as the messages of failed operations contain it, and keeps it
// for GetLastError.
func failure(cause error) string {
	text := cause.Error()
	var e *engine.Error
	if errors.As(cause, &e) {
		switch e.Kind {
		case engine.KindValidation:
			text = fmt.Sprintf("compile error: Validation error \"%s\"", e.Message)
		case engine.KindCompile:
			text = "compile error: " + e.Message
		case engine.KindLink:
			text = "link error: " + e.Message
		}
	}
	remember(text)
	return text
}

func instanceError(message string, cause error) error {
	return &InstanceError{message + ":\n    " + failure(cause), cause}
}

// importError makes an ImportedFunctionError and keeps its text for GetLastError.
func importError(name, message string, cause error) error {
	err := &ImportedFunctionError{name, message, cause}
	remember(err.Error())
	return err
}
