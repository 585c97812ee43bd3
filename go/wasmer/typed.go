package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Number is a Go type that stands for a type of WebAssembly in typed calls: int32 and uint32 for i32, int64 and uint64 for i64, float32 for f32, float64
// for f64.
type Number interface {
	int32 | uint32 | int64 | uint64 | float32 | float64
}

// types are those of the parameters or results of a typed function.
type types = []engine.ValType

// typeOf returns the type that a Go type stands for.
func typeOf[T Number]() engine.ValType {
	var zero T
	switch any(zero).(type) {
	case int32, uint32:
		return engine.I32
	case int64, uint64:
		return engine.I64
	case float32:
		return engine.F32
	default:
		return engine.F64
	}
}

// typedFunction finds an exported function and compares its type with that of a typed function.
func typedFunction(instance *Instance, name, maker string, params, results types) (*exportedFunction, error) {
	f, err := instance.Function(name)
	if err != nil {
		return nil, err
	}
	want := engine.FuncType{Params: params, Results: results}
	if actual, given := signature(f.inner.typ.FuncType), signature(&want); actual != given {
		return nil, instanceError("Cannot make a typed function of `"+name+"`",
			fmt.Errorf("%s is for the type %s, but the function is of type %s", maker, given, actual))
	}
	return f.inner, nil
}
