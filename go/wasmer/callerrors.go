package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// This file has the errors of calls of exported functions.

func neverMadeError() error {
	err := closedError("function")
	remember(err.Error())
	return &ExportedFunctionError{"", "Failed to call the `%s` exported function.", err}
}

// mismatch returns why a call with a number of arguments cannot be made.
func mismatch(f *core.Function, given int, one bool) error {
	switch {
	case f.Instance().IsClosed():
		return failed(f, closedError("instance"))
	case one && len(f.Type().Results) > 1:
		return refused(f, fmt.Sprintf("it has %d results, use Instance.Function and Function.Call to get them all", len(f.Type().Results)))
	default:
		return wrongCount(f, given)
	}
}

// slotsFailed is the error of a call with a number of slots that has failed.
func slotsFailed(f *core.Function, given int, err error) error {
	if err == core.ErrShortSlots {
		return refused(f, fmt.Sprintf("%d slots are given, expected %d, for %d parameters and %d results", given, f.Type().Slots,
			len(f.Type().Params), len(f.Type().Results)))
	}
	return failed(f, err)
}

// failed is the error of a call that did not come to its end.
func failed(f *core.Function, cause error) error {
	cause = fromCore(cause)
	err := &ExportedFunctionError{f.Name(), "Failed to call the `%s` exported function.", cause}
	rememberCause(err, cause)
	return err
}

// refused is the error of a call that cannot be made at all.
func refused(f *core.Function, why string) error {
	return invalid(f, "cannot call the exported function `%s`: "+why)
}

func invalid(f *core.Function, message string) error {
	err := &ExportedFunctionError{functionName: f.Name(), message: message}
	remember(err.Error())
	return err
}

func wrongCount(f *core.Function, given int) error {
	expected := len(f.Type().Params)
	if given < expected {
		return invalid(f, fmt.Sprintf("Missing %d argument(s) when calling the `%%s` exported function; Expect %d argument(s), given %d.",
			expected-given, expected, given))
	}
	return invalid(f, fmt.Sprintf("Given %d extra argument(s) when calling the `%%s` exported function; Expect %d argument(s), given %d.",
		given-expected, expected, given))
}

func badArgument(f *core.Function, i int, argument interface{}) error {
	param := f.Type().Params[i]
	if outOfRange(param, argument) {
		return invalid(f, fmt.Sprintf("Argument #%d of the `%%s` exported function must be of type `%s`, the given value %d is out of its range.",
			i+1, param, argument))
	}
	return invalid(f, fmt.Sprintf("Argument #%d of the `%%s` exported function must be of type `%s`, cannot cast given value to this type.",
		i+1, param))
}

// fromCore returns a *Trap, an *Exception or a *HostError for one of package core, and other
// errors as they are.
func fromCore(err error) error {
	switch e := err.(type) {
	case *core.Trap:
		if uncaught, ok := e.Reason.(*core.Exception); ok {
			exception := exceptionOf(uncaught)
			exception.Backtrace, exception.Omitted = backtrace(e.Frames), e.LeftOut
			return exception
		}
		trap := &Trap{Code: TrapCode(e.Code), Reason: e.Reason, Backtrace: backtrace(e.Frames), Omitted: e.LeftOut}
		if e.Fault != nil {
			trap.Fault = &MemoryFault{e.Fault.Address, e.Fault.Size}
		}
		for _, r := range e.Refused {
			refused := RefusedGrowth{r.Table, uint32(r.PageSize), r.Asked, r.Limit, GrowthLimiter(r.Limiter)}
			trap.RefusedGrowths = append(trap.RefusedGrowths, refused)
		}
		return trap
	case *core.HostError:
		if exit, ok := e.Err.(*ExitError); ok {
			return exit // it is no failure that anybody has to find
		}
		return &HostError{Err: e.Err, Backtrace: backtrace(e.Frames), Omitted: e.LeftOut}
	}
	return err
}
