package wasmer

import (
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
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
	between string // what stands before the text of the cause; if empty, it is not told
	cause   error
}

// Error returns the message and the text of the cause.
func (e *InstanceError) Error() string { return chainText(e) }

func (e *InstanceError) link() (text, between string, cause error) {
	return e.message, e.between, told(e.between, e.cause)
}

// Unwrap returns the cause, or nil.
func (e *InstanceError) Unwrap() error { return e.cause }

// ModuleError is an error about a WebAssembly module. Functions that make modules, and methods of
// [Module], return it.
type ModuleError struct {
	message string
	between string // as in InstanceError
	cause   error
}

// Error returns the message and the text of the cause.
func (e *ModuleError) Error() string { return chainText(e) }

func (e *ModuleError) link() (text, between string, cause error) {
	cause = told(e.between, e.cause)
	if failure, ok := cause.(*compileFailure); ok && (e.between == afterCompiling || e.between == onOneLine) {
		cause = plainError{failure}
	}
	return e.message, e.between, cause
}

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
// the error of a host function. The text is made anew each time, and bounded: of an error that has
// passed through many calls it leaves out those in the middle. A guest that has exited is told in
// one line.
func (e *ExportedFunctionError) Error() string { return chainText(e) }

func (e *ExportedFunctionError) link() (text, between string, cause error) {
	return named(e.message, e.functionName), "\n", e.cause
}

// Unwrap returns the cause: a [*Trap], a [*HostError], an [*ExitError], an error that wraps that of
// a context that is done or matches [ErrTerminated], or nil.
func (e *ExportedFunctionError) Unwrap() error { return e.cause }

// ImportedFunctionError is an error about something that is to be imported by instances. Methods of
// [Imports] return it.
type ImportedFunctionError struct {
	functionName string
	message      string
	cause        error
}

// Error returns the message, and that of the cause, if there is one.
func (e *ImportedFunctionError) Error() string { return chainText(e) }

func (e *ImportedFunctionError) link() (text, between string, cause error) {
	return named(e.message, e.functionName), ": ", e.cause
}

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

// told returns the cause if it is told.
func told(between string, cause error) error {
	if between == "" {
		return nil
	}
	return cause
}

// plainError is an error whose text stands as it is.
type plainError struct{ error }

// named puts the name of a function into a message.
func named(message, name string) string { return strings.ReplaceAll(message, "%s", name) }

// closedError is the error about something that was closed. It wraps ErrClosed.
func closedError(what string) error { return core.ClosedError(what) }

// failure returns the text of a cause as the messages of failed operations contain it, and keeps it
// for GetLastError.
func failure(cause error) string {
	text := boundedCopy(causeText(cause))
	remember(text)
	return text
}

// instanceError makes an InstanceError of this package's own, in one line.
func instanceError(message string, cause error) error {
	return &InstanceError{message: message + ": " + failure(cause), cause: cause}
}

// instantiationFailed begins the texts of errors of instantiation, afterInstantiating follows; and
// so on.
const (
	instantiationFailed = "Failed to instantiate the module"
	afterInstantiating  = ":\n    "
	compilationFailed   = "Failed to compile the module."
	afterCompiling      = "\n    "
	onOneLine           = ": "
)

func instantiationInstanceError(cause error) error {
	err := &InstanceError{instantiationFailed, afterInstantiating, cause}
	rememberCause(err, cause)
	return err
}

func instantiationModuleError(cause error) error {
	err := &ModuleError{instantiationFailed, afterInstantiating, cause}
	rememberCause(err, cause)
	return err
}

// importError makes an ImportedFunctionError and keeps its text for GetLastError.
func importError(name, message string, cause error) error {
	err := &ImportedFunctionError{name, message, cause}
	remember(err.Error())
	return err
}
