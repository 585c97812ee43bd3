package wasmer

import (
	"context"
	"errors"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// Function is a function that an instance exports. It keeps the instance alive, and may be called by many goroutines at once and
// from within host functions.
type Function struct {
	inner *exportedFunction
}

// Function returns an exported function by its name. The error is an [*InstanceError]: the instance exports no function of this name, or is
// closed.
func (instance *Instance) Function(name string) (*Function, error) {
	if instance == nil || instance.inner == nil || instance.inner.life.isClosed() {
		return nil, instanceError("Cannot find the function `"+name+"`", closedError("instance"))
	}
	f := instance.inner.function(name)
	if f == nil {
		return nil, instanceError("Cannot find the function `"+name+"`", errors.New("the instance exports no function of this name"))
	}
	return &Function{f}, nil
}

func instanceError(message string, cause error) error {
	return &InstanceError{message + ":\n    " + failure(cause), cause}
}

// Name returns the name by which the function is exported.
func (function *Function) Name() string { return function.inner.name }

// String returns name and type, such as "sum(i32, i32) -> (i32)".
func (function *Function) String() string {
	return function.inner.name + signature(function.inner.typ.FuncType)
}

// Call calls the function and returns all its results, none for a function without. The arguments may have the types that those of the
// functions in [Instance.Exports] may have.
//
// When the context is done before the guest has come to its end, the guest is given up and the error matches that of the context, and its cause,
// by [errors.Is]. A context that can never be done costs nothing, one that can costs nothing while the guest runs. The error is an
// [*ExportedFunctionError]; it wraps the [*Trap], the error of a host function, or that of the context.
func (function *Function) Call(ctx context.Context, arguments ...interface{}) ([]Value, error) {
	return function.inner.callAll(ctx, arguments)
}

// checkContext refuses a context that is nil or done already.
func checkContext(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil, expected one such as context.Background()")
	}
	if err := ctx.Err(); err != nil {
		return &fiber.Cancelled{Err: err, Cause: context.Cause(ctx)}
	}
	return nil
}
