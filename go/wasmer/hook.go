package wasmer

import (
	"errors"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// HostCall is a call of a host function by a guest, as a hook sees it; see [WithHook].
type HostCall struct {
	// Namespace and Name are the two parts of the import's name.
	Namespace, Name string

	// Type is the type of the function. It is shared by all calls and must not be changed.
	Type FunctionType

	// Arguments are what the guest passes.
	Arguments []Value

	// Results are what the host function has returned. They are nil until it has, and stay nil if
	// it fails.
	Results []Value
}

// Hook is a function that is called in place of each host function of an instance; see [WithHook].
type Hook func(ctx *InstanceContext, call *HostCall, next func() error) error

// WithHook has a hook called in place of each host function that the instance imports, functions
// of WASI and those that stand for missing imports included. A hook can count calls, take their
// time, write them to a log, or refuse them.
//
// The hook calls the host function by next, at most once, and returns the error of next, or
// another one to end the guest with. The guest always ends with an error if the host function
// fails, is not called, or panics. The hook sees the arguments and results as values and cannot
// change them. What they point to in the guest's memory it finds by the [InstanceContext]. The
// context, the call and next must not be used after the hook has returned. A hook is called by
// many goroutines at once if the guest is.
//
// Of several hooks, the first one is called first, and its next calls the second. Functions of
// other instances and C functions are called as they are, without the hook. A call costs some
// allocations more. Instances without a hook pay nothing.
func WithHook(hook Hook) InstanceOption {
	if hook == nil {
		return InstanceOption{}
	}
	return InstanceOption{func(options *core.InstanceOptions) {
		before := options.Hook
		options.Hook = func(imported *engine.Import, call core.HostCall) core.HostCall {
			call = hooked(imported, call, hook)
			if before != nil {
				call = before(imported, call)
			}
			return call
		}
	}}
}

var (
	errHookCallsTwice = errors.New("the hook called the host function twice, expected once at most")
	errHookIsSilent   = errors.New("the hook returned nil without calling the host function, expected an error")
)

// hooked returns a host function that calls the hook.
func hooked(imported *engine.Import, function core.HostCall, hook Hook) core.HostCall {
	t := imported.Type.Func
	about := HostCall{Namespace: imported.Namespace, Name: imported.Name, Type: functionTypeFromEngine(t)}
	return func(c *core.Call, slots []uint64) error {
		call, first := about, unsafe.Pointer(unsafe.SliceData(slots))
		var err error
		if call.Arguments, err = decode(c.Instance(), first, t.Params); err != nil {
			return err
		}
		// What becomes of the guest depends on this, and not on what the hook says: without a
		// result of the function its slots still hold arguments.
		outcome := errHookIsSilent
		called := false
		next := func() error {
			if called {
				return errHookCallsTwice
			}
			called = true
			if outcome = function(c, slots); outcome == nil {
				call.Results, outcome = decode(c.Instance(), first, t.Results)
			}
			return outcome
		}
		if err := hook(contextOf(c), &call, next); err != nil {
			return err
		}
		return outcome
	}
}
