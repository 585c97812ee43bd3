package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// NewInstanceContext compiles a module in the binary format, creates an instance and runs its start
// function. When the context is done, compiling and the start function are given up. nil imports
// are none. To make several instances of a module, use [Compile] and [Module.InstantiateContext].
// The error is an [*InstanceError] and wraps what [Compile] or Module.InstantiateContext would.
func NewInstanceContext(
	ctx context.Context, bytes []byte, imports *Imports, options ...Option,
) (Instance, error) {
	forCompile, forInstance := splitOptions(options)
	module, err := compile(ctx, bytes, forCompile)
	if err != nil {
		return Instance{}, instantiationInstanceError(compileError(bytes, err))
	}
	defer module.Close() // the instance keeps the code
	instance, err := instantiate(ctx, module, imports, instanceOptions(forInstance))
	if err != nil {
		return Instance{}, instantiationInstanceError(err)
	}
	return *instance, nil
}

// InstantiateContext creates an instance (specification, section 4.5.4): it links the imports,
// initialises memories and tables, and runs the start function, which is given up when the context
// is done. nil imports are none. The error is a [*ModuleError]: an import is missing or has another
// type than the module declares, a segment does not fit, the start function trapped (it wraps a
// [*Trap]) or was given up (it wraps the context's error), a host function failed (it wraps its
// error), a limit was met, or the module or the imports are closed.
func (module *Module) InstantiateContext(
	ctx context.Context, imports *Imports, options ...InstanceOption,
) (Instance, error) {
	instance, err := instantiate(ctx, module.made(), imports, instanceOptions(options))
	if err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	return *instance, nil
}

// instantiate creates an instance, and wraps errors in the types and texts of this package.
func instantiate(ctx context.Context, module *core.Module, imports *Imports, options core.InstanceOptions) (*Instance, error) {
	return instantiated(core.Instantiate(ctx, module, imports.registry(), options))
}

// instantiated is what users get of an instance or of why there is none.
func instantiated(instance *core.Instance, err error) (*Instance, error) {
	switch err := err.(type) {
	case nil:
		return instanceOf(instance), nil
	case *core.MissingError:
		return nil, missingError(err.Names)
	default:
		return nil, fromCore(err)
	}
}
