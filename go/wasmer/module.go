package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Module is compiled code. It can be instantiated any number of times, by many goroutines at once.
// Copies of a Module are the same module; the zero Module is closed.
type Module struct {
	// Exports is what the module exports, in its order.
	Exports []ExportDescriptor

	// Imports is what the module imports, in its order; empty but not nil if nothing.
	Imports []ImportDescriptor

	inner *core.Module
}

// Validate reports whether the bytes are a valid module that this package supports (specification,
// section 3.4). [ValidateContext] returns the reason if they are not.
func Validate(bytes []byte) bool {
	err := core.Validate(context.Background(), bytes)
	if err != nil {
		failure(err) // for GetLastError
	}
	return err == nil
}

// ValidateContext returns nil if the bytes are a valid module that this package supports
// (specification, section 3.4), and otherwise a [*ModuleError] with the reason and the offset.
// Nothing is compiled. When the context is done, validating is given up, and the error wraps the
// context's error and its cause.
func ValidateContext(ctx context.Context, bytes []byte) error {
	if err := core.Validate(ctx, bytes); err != nil {
		return inspectionError("validate", bytes, err)
	}
	return nil
}

// inspectionError is the error of what looks at the bytes of a module.
func inspectionError(what string, bytes []byte, cause error) error {
	failure(cause) // for GetLastError
	return &ModuleError{"failed to " + what + " the module", onOneLine, compileError(bytes, cause)}
}

// Compile validates a module in the binary format and compiles it to machine code, functions in
// parallel. For the text format, see [Wat2Wasm]. The error is a [*ModuleError] with the reason and
// the offset. If the bytes are not a module, it suggests what to do.
//
// The same bytes with the same options are compiled once as long as a module or an instance of them
// is open: further modules share the code, and each has to be closed by itself. If several
// goroutines compile them at the same time, one of them does. [WithCache] keeps the code for other
// processes, too.
func Compile(bytes []byte, options ...CompileOption) (Module, error) {
	return CompileContext(context.Background(), bytes, options...)
}

// CompileContext is [Compile], given up when the context is done, also in the midst of a large
// function: some milliseconds later it returns. The error wraps the context's error then, and its
// cause. Another goroutine that waits for the same code then compiles it itself.
func CompileContext(ctx context.Context, bytes []byte, options ...CompileOption) (Module, error) {
	module, err := compile(ctx, bytes, options)
	if err != nil {
		failed := &ModuleError{compilationFailed, afterCompiling, compileError(bytes, err)}
		rememberCause(failed, failed.cause)
		return Module{}, failed
	}
	return newModule(module), nil
}

// compile compiles a module as the options say.
func compile(ctx context.Context, bytes []byte, options []CompileOption) (*core.Module, error) {
	chosen, err := compileOptions(options)
	if err != nil {
		return nil, err
	}
	return core.Compile(ctx, bytes, chosen)
}

// DeserializeModule makes a module of what [Module.Serialize] wrote, without compiling. The error
// is a [*ModuleError]: there are no bytes, they were altered or cut, or they were made by another
// version of this package or for a CPU with other features; the error that it wraps says which.
//
// The bytes contain machine code, which is run as it is: use only bytes from a source that may run
// code in your process. The checks protect against accidents, not against malice.
func DeserializeModule(serializedModuleBytes []byte) (Module, error) {
	if len(serializedModuleBytes) == 0 {
		err := &ModuleError{message: "Serialized module bytes are empty."}
		remember(err.message)
		return Module{}, err
	}
	module, err := core.Deserialize(serializedModuleBytes)
	if err != nil {
		failure(err) // for GetLastError
		return Module{}, &ModuleError{message: "Failed to deserialize the module.", cause: err}
	}
	return newModule(module), nil
}

// newModule makes the value that users get.
func newModule(module *core.Module) Module {
	about := module.About().Description
	return Module{Exports: exportDescriptors(about), Imports: importDescriptors(about), inner: module}
}

// ExportTypes returns the types of what the module exports, aligned with Exports. It is nil if the
// module was never made.
func (module *Module) ExportTypes() []ExternType {
	if module == nil || module.inner == nil {
		return nil
	}
	types := make([]ExternType, len(module.inner.About().Exports))
	for i := range types {
		types[i] = externTypeFromEngine(&module.inner.About().Exports[i].Type)
	}
	return types
}

// ImportTypes returns the types that the module's imports must have, aligned with Imports. It is
// nil if the module was never made.
func (module *Module) ImportTypes() []ExternType {
	if module == nil || module.inner == nil {
		return nil
	}
	types := make([]ExternType, len(module.inner.About().Imports))
	for i := range types {
		types[i] = externTypeFromEngine(&module.inner.About().Imports[i].Type)
	}
	return types
}

// Complete compiles those functions of a module compiled with [WithLazy] or [WithBackground] that
// are not compiled yet, in parallel, and returns when all are: from then on the module is as if it
// had been compiled without these options. It waits for goroutines in the background, which do the
// same. Functions can be called meanwhile. A module that is complete stays as it is. The error is a
// [*ModuleError]: a function cannot be compiled, or the context is done; what was compiled stays.
func (module *Module) Complete(ctx context.Context) error {
	if err := module.made().Complete(ctx); err != nil {
		return &ModuleError{"Failed to compile the rest of the module:\n    " + failure(err), "", err}
	}
	return nil
}

// IsComplete reports whether all functions of the module are compiled: always, unless it was
// compiled with [WithLazy] or [WithBackground]. A closed module is not.
func (module *Module) IsComplete() bool { return module.made().IsComplete() }

// Serialize writes the module with its machine code; what is not compiled yet is compiled first.
// [DeserializeModule] reads it in the same version of this package on the same kind of CPU. The
// error is a [*ModuleError].
func (module *Module) Serialize() ([]byte, error) {
	bytes, err := module.made().Serialize()
	if err != nil {
		return nil, &ModuleError{message: "Failed to serialize the module:\n    " + failure(err), cause: err}
	}
	return bytes, nil
}

// made returns the module of package core, nil if it was never made.
func (module *Module) made() *core.Module {
	if module == nil {
		return nil
	}
	return module.inner
}

// exportsFunction reports whether the module exports a function of a name.
func (module *Module) exportsFunction(name string) bool {
	for _, export := range module.Exports {
		if export.Name == name && export.Kind == ImportExportKindFunction {
			return true
		}
	}
	return false
}

// Close frees the module. Its instances stay open; what is being done with the module at the moment
// ends first. Further calls do nothing.
func (module *Module) Close() { module.made().Close() }
