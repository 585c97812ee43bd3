package wasmer

import (
	"context"
	"errors"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// Function is a function of an instance: one that it exports, or one that was got as a value (a funcref) from a call, a table or a global, or one of [NewFunction].
// It keeps the instance alive, and may be called by many goroutines at once and from within host functions:
// that never harms the host. Calls that do not overlap with others of the same instance are the fastest. What concurrent calls do to
// the memory that they share is up to the guest, which has no locks: most guests want one call at a time.
//
// As a value, a function can go anywhere: as an argument or result of any call, into tables and globals, and as an import of further instances. It links its
// instance with the one that it goes to: from then on both are kept as long as one of them is. When the instance is closed, guests that have
// the function can still call it, but calls from Go, and passing it on to what is not linked, give an error that matches [ErrClosed].
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
	return f.function(), nil
}

func instanceError(message string, cause error) error {
	return &InstanceError{message + ":\n    " + failure(cause), cause}
}

// neverMade says whether this is nil or the zero Function.
func (function *Function) neverMade() bool { return function == nil || function.inner == nil }

func neverMadeError() error {
	err := closedError("function")
	remember(err.Error())
	return &ExportedFunctionError{"", "Failed to call the `%s` exported function.", err}
}

// Name returns the name by which the function is exported; one that is not, and was got as a value, has one such as "function[3]", by its index. It is
// empty if the function was never made.
func (function *Function) Name() string {
	if function.neverMade() {
		return ""
	}
	return function.inner.name
}

// String returns name and type, such as "sum(i32, i32) -> (i32)".
func (function *Function) String() string {
	if function.neverMade() {
		return ""
	}
	return function.inner.name + signature(function.inner.typ.FuncType)
}

// Call calls the function and returns all its results, none for a function without. The arguments may have the types that those of the
// functions in [Instance.Exports] may have.
//
// When the context is done before the guest has come to its end, the guest is given up and the error matches that of the context, and its cause,
// by [errors.Is]. A context that can never be done costs nothing, one that can costs nothing while the guest runs. The error is an
// [*ExportedFunctionError]; it wraps the [*Trap], the error of a host function, or that of the context.
func (function *Function) Call(ctx context.Context, arguments ...interface{}) ([]Value, error) {
	if function.neverMade() {
		return nil, neverMadeError()
	}
	return function.inner.callAll(ctx, arguments)
}

// CallSlots calls the function on raw slots: it takes the arguments from the first of them, and leaves the results in the first of them; there must be as many as the
// larger number of both, and further ones are not touched. Each slot is 64 bits. A value of 32 bits is in the low half of its slot: the upper half of an
// argument is ignored, that of a result is zero. A float is its bits (see [math.Float32bits]). A v128 takes two slots, the low half first. References are numbers
// that [Instance.ValueToSlots] and [Instance.ValueFromSlots] convert; a number for a funcref that is none gives an error. When there is an error, the slots are as they were.
//
// It allocates nothing. All else is as with [Function.Call].
func (function *Function) CallSlots(ctx context.Context, slots []uint64) error {
	if function.neverMade() {
		return neverMadeError()
	}
	return function.inner.callSlots(ctx, slots)
}

// FunctionType is the type of a function (specification, section 2.3.6).
type FunctionType struct {
	// Params are the types of the parameters.
	Params []ValueType

	// Results are the types of the results.
	Results []ValueType
}

// String formats the type as the text format names its types: "(i32, i32) -> (i64)".
func (t FunctionType) String() string {
	list := func(types []ValueType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(t.Params) + " -> " + list(t.Results)
}

// Type returns the type of the function. The slices are the caller's.
func (function *Function) Type() FunctionType {
	if function.neverMade() {
		return FunctionType{}
	}
	t := function.inner.typ
	return FunctionType{Params: typesFromEngine(t.Params), Results: typesFromEngine(t.Results)}
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
