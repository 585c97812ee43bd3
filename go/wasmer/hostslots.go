package wasmer

import (
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// HostFunction is a host function whose type needs no reflection, to be given to [Imports.Append]
// as the implementation. It is made by [HostFunc], by [Host0] to [Host6], and by [HostProc0] to
// [HostProc6]. It belongs to no instance and can be appended any number of times.
type HostFunction struct {
	host *core.HostFunc
	why  string // why there is none
}

// HostFunc makes a host function on raw slots, the fastest kind. Each slot is 64 bits. The function
// finds the arguments in the first len(params) slots, and leaves the results in the first
// len(results); there are as many slots as the larger number. A value of 32 bits is in the low half
// of its slot, the upper half of an argument is zero; a float is its bits (see [math.Float32bits]).
// The slots must not be used after the function has returned.
//
// It gets memory, data and the context of the call by the [InstanceContext]. An error ends the
// guest, and is found in that of the call by [errors.Is] and [errors.As]. A call uses no reflection
// and allocates nothing.
//
// A v128 takes two slots, the low half first. References are numbers that
// [InstanceContext.ValueFromSlots] and [InstanceContext.ValueToSlots] convert; a number for a
// result of type funcref that is none ends the guest with an error. The numbers len(params) and
// len(results) above count a v128 twice.
//
// If the function is nil, or a type is not one of WebAssembly (TypeVoid is none), [Imports.Append]
// reports it.
func HostFunc(
	params, results []ValueType, function func(ctx *InstanceContext, slots []uint64) error,
) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	host := &core.HostFunc{Call: hostCall(function).forCore()}
	for i, list := range [...][]ValueType{params, results} {
		for at, t := range list {
			if !t.isValue() {
				return HostFunction{why: fmt.Sprintf("must have values as %s, %s #%d is `%s`, expected `i32`, `i64`, `f32`, `f64`, `v128`, `funcref` or `externref`",
					[...]string{"parameters", "results"}[i], [...]string{"parameter", "result"}[i], at+1, t)}
			}
		}
	}
	host.Params, host.Results = typesToEngine(params), typesToEngine(results)
	if slices.Contains(host.Results, engine.FuncRef) {
		host.Call = func(call *core.Call, slots []uint64) error {
			if err := function(contextOf(call), slots); err != nil {
				return err
			}
			return call.Instance().CheckFunctions(host.Results, slots)
		}
	}
	return HostFunction{host: host}
}

// typedHost makes a host function of types that are known to be numbers. The call finds the bits of
// Go values in slots, and leaves those of its result there.
func typedHost(params, results kinds, call hostCall) HostFunction {
	return HostFunction{host: goNumbers{params: params, results: results}.host(call)}
}
