package wasmer

import (
	"strconv"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// ValueType is the type of a [Value] (specification, section 2.3.1).
type ValueType int

const (
	// TypeI32 is the WebAssembly type i32, a 32-bit integer.
	TypeI32 ValueType = iota

	// TypeI64 is the WebAssembly type i64, a 64-bit integer.
	TypeI64

	// TypeF32 is the WebAssembly type f32, a 32-bit float.
	TypeF32

	// TypeF64 is the WebAssembly type f64, a 64-bit float.
	TypeF64

	// TypeVoid is not a type of WebAssembly: it is the type of what a function without results
	// returns.
	TypeVoid

	// TypeV128 is the WebAssembly type v128, a vector of 128 bits.
	TypeV128

	// TypeFuncRef is the WebAssembly type funcref, a reference to a function, or null.
	TypeFuncRef

	// TypeExternRef is the WebAssembly type externref, a reference to any Go value, or null.
	TypeExternRef

	// TypeExnRef is the WebAssembly type exnref, a reference to an exception, or null.
	TypeExnRef
)

// String returns the name of the type in the text format, or "void".
func (t ValueType) String() string {
	switch t {
	case TypeI32:
		return "i32"
	case TypeI64:
		return "i64"
	case TypeF32:
		return "f32"
	case TypeF64:
		return "f64"
	case TypeVoid:
		return "void"
	case TypeV128:
		return "v128"
	case TypeFuncRef:
		return "funcref"
	case TypeExternRef:
		return "externref"
	case TypeExnRef:
		return "exnref"
	default:
		return "ValueType(" + strconv.Itoa(int(t)) + ")"
	}
}

// isValue reports whether it is a type of WebAssembly: one of those above, but for TypeVoid.
func (t ValueType) isValue() bool { return t >= TypeI32 && t <= TypeExnRef && t != TypeVoid }

// isNumber reports whether it is i32, i64, f32 or f64.
func (t ValueType) isNumber() bool { return t >= TypeI32 && t <= TypeF64 }

// engineTypes are the types of the engine by their numbers here, except for TypeVoid, which is
// none.
var engineTypes = [...]engine.ValType{
	TypeI32: engine.I32, TypeI64: engine.I64, TypeF32: engine.F32, TypeF64: engine.F64,
	TypeV128: engine.V128, TypeFuncRef: engine.FuncRef, TypeExternRef: engine.ExternRef, TypeExnRef: engine.ExnRef,
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
