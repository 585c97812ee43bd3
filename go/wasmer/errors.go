package wasmer

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// ErrClosed is in every error that is returned because a module, an instance, a function, memory, global or table, a set of imports or a pool was
// closed, or was never made.
var ErrClosed = errors.New("closed")

// InstanceError is an error about a WebAssembly instance. Functions that create instances from bytes, and methods of [Instance],
// return it.
type InstanceError struct {
	message string
	cause   error
}

// NewInstanceError makes an InstanceError with a message.
func NewInstanceError(message string) *InstanceError { return &InstanceError{message: message} }

// Error returns the message.
func (e *InstanceError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *InstanceError) Unwrap() error { return e.cause }

// ModuleError is an error about a WebAssembly module. Functions that make modules, and methods of [Module], return it.
type ModuleError struct {
	message string
	cause   error
}

// NewModuleError makes a ModuleError with a message.
func NewModuleError(message string) *ModuleError { return &ModuleError{message: message} }

// Error returns the message. The words of the validator or the compiler are in the error that it wraps.
func (e *ModuleError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *ModuleError) Unwrap() error { return e.cause }

// MemoryError is an error about a WebAssembly memory. Functions that make memories, and methods of [Memory], return it.
type MemoryError struct {
	message string
	cause   error
}

// NewMemoryError makes a MemoryError with a message.
func NewMemoryError(message string) *MemoryError { return &MemoryError{message: message} }

// Error returns the message.
func (e *MemoryError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *MemoryError) Unwrap() error { return e.cause }

// ExportedFunctionError is an error about a function that an instance exports. Calls of exported functions return it.
type ExportedFunctionError struct {
	functionName string
	message      string
	cause        error
}

// NewExportedFunctionError makes an ExportedFunctionError. Each %s in the message stands for the name of the function.
func NewExportedFunctionError(functionName string, message string) *ExportedFunctionError {
	return &ExportedFunctionError{functionName: functionName, message: message}
}

// Error returns the message, and after a newline that of the cause: the trap with its backtrace, or the error of a host function.
func (e *ExportedFunctionError) Error() string { return withCause(e.message, e.functionName, e.cause) }

// Unwrap returns the cause: a [*Trap], the error of a host function, an error that wraps that of a context that is done,
// or nil.
func (e *ExportedFunctionError) Unwrap() error { return e.cause }

// ImportedFunctionError is an error about something that is to be imported by instances. Methods of [Imports] return it.
type ImportedFunctionError struct {
	functionName string
	message      string
	cause        error
}

// NewImportedFunctionError makes an ImportedFunctionError. Each %s in the message stands for the name of the function.
func NewImportedFunctionError(functionName string, message string) *ImportedFunctionError {
	return &ImportedFunctionError{functionName: functionName, message: message}
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

// NewImportObjectError makes an ImportObjectError with a message.
func NewImportObjectError(message string) *ImportObjectError {
	return &ImportObjectError{message: message}
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

// closedError says what was closed; it wraps ErrClosed.
func closedError(what string) error { return fmt.Errorf("the %s is %w", what, ErrClosed) }

// lastFailure is what GetLastError tells: a text, or a trap whose text is made when somebody asks. It refers to nothing else, so that it keeps
// nothing alive.
type lastFailure struct {
	text string
	trap *Trap
}

var lastError atomic.Pointer[lastFailure]

// remember keeps the text of a failure for GetLastError.
func remember(text string) { lastError.Store(&lastFailure{text: text}) }

// GetLastError returns what the last operation of this package that failed, in any goroutine, has to say, or an empty string if none has failed.
// The error is always nil.
//
// It is here for programs that were written when errors were not returned in full: the error that a function returns, and those that it wraps,
// say the same, and belong to that call for sure.
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

// failure gives the text of a cause as the messages of failed operations contain it, and keeps it for GetLastError.
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
