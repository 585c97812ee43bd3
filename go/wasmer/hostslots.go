package wasmer

import (
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// HostFunction is a host function whose type needs no reflection, to be given to [Imports.Append] as the implementation. It is made by [HostFunc], by [Host0] to
// [Host6], and by [HostProc0] to [HostProc6]. It belongs to no instance and can be appended any number of times.
type HostFunction struct {
	host *hostFunction
	why  string // why there is none
}

// HostFunc makes a host function on raw slots, the fastest kind. Each slot is 64 bits. The function finds the arguments in the first len(params) slots, and leaves the
// results in the first len(results); there are as many slots as the larger number. A value of 32 bits is in the low half of its slot, the upper half of
// an argument is zero; a float is its bits (see [math.Float32bits]). The slots must not be used after the function has returned.
//
// It gets memory, data and the context of the call by the [InstanceContext]. An error ends the guest, and is found in that of the call by
// [errors.Is] and [errors.As]. A call uses no reflection and allocates nothing.
//
// A v128 takes two slots, the low half first. References are numbers that [InstanceContext.ValueFromSlots] and [InstanceContext.ValueToSlots] convert; a number for
// a result of type funcref that is none ends the guest with an error. The numbers len(params) and len(results) above count a v128 twice.
//
// If the function is nil, or a type is not one of WebAssembly (TypeVoid is none), [Imports.Append] says so.
func HostFunc(params, results []ValueType, function func(ctx *InstanceContext, slots []uint64) error) HostFunction {
	if function == nil {
		return HostFunction{}
	}
	host := &hostFunction{call: function}
	for i, list := range [...][]ValueType{params, results} {
		for at, t := range list {
			if !t.isValue() {
				return HostFunction{why: fmt.Sprintf("must have values as %s; %s #%d is `%s`, expected `i32`, `i64`, `f32`, `f64`, `v128`, `funcref` or `externref`.",
					[...]string{"parameters", "results"}[i], [...]string{"parameter", "result"}[i], at+1, t)}
			}
		}
	}
	host.params, host.results = typesToEngine(params), typesToEngine(results)
	if slices.Contains(host.results, engine.FuncRef) {
		host.call = func(c *InstanceContext, slots []uint64) error {
			if err := function(c, slots); err != nil {
				return err
			}
			return c.instance.checkFunctions(host.results, slots)
		}
	}
	return HostFunction{host: host}
}

// typedHost makes a host function of types that are known to be numbers.
func typedHost(params, results types, call hostCall) HostFunction {
	return HostFunction{host: &hostFunction{params: params, results: results, call: call}}
}

// engineTypes are the types of the engine by their numbers here, except for TypeVoid, which is none.
var engineTypes = [...]engine.ValType{
	TypeI32: engine.I32, TypeI64: engine.I64, TypeF32: engine.F32, TypeF64: engine.F64,
	TypeV128: engine.V128, TypeFuncRef: engine.FuncRef, TypeExternRef: engine.ExternRef,
}

func typesToEngine(types []ValueType) []engine.ValType {
	to := make([]engine.ValType, len(types))
	for i, t := range types {
		to[i] = engineTypes[t]
	}
	return to
}

func typesFromEngine(types []engine.ValType) []ValueType {
	to := make([]ValueType, len(types))
	for i, t := range types {
		to[i] = typeFromEngine(t)
	}
	return to
}

func typeFromEngine(t engine.ValType) ValueType {
	for number, candidate := range engineTypes {
		if candidate == t && ValueType(number) != TypeVoid {
			return ValueType(number)
		}
	}
	return TypeVoid
}
