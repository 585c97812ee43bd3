package main

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// call runs an exported function of a module and prints its results.
func call(o *settings, arguments []string, s streams) error {
	if len(arguments) < 2 {
		return usagef("call takes FILE, FUNCTION and the function's arguments, given %d arguments", len(arguments))
	}
	path, name, texts := arguments[0], arguments[1], arguments[2:]
	ctx := context.Background()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	module, err := openModule(ctx, path, o, s)
	if err != nil {
		return err
	}
	defer module.Close()
	function, err := findFunction(&module, name)
	if err != nil {
		return err
	}
	values, err := parseArguments(name, *function, texts)
	if err != nil {
		return err
	}
	instance, err := module.InstantiateContext(ctx, nil, o.forInstance(s)...)
	switch {
	case isGivenUp(err):
		return guestEnded(path, err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	}
	defer instance.Close()
	exported, err := instance.Function(name)
	if err != nil {
		return err
	}
	if err := callAndPrint(ctx, exported, values, s); isGivenUp(err) {
		return guestEnded(path, err)
	} else {
		return err
	}
}

// callAndPrint calls a function and prints its results, one a line.
func callAndPrint(ctx context.Context, function *wasmer.Function, values []any, s streams) error {
	results, err := function.Call(ctx, values...)
	if err != nil {
		return err
	}
	for _, result := range results {
		if _, err := fmt.Fprintln(s.out, formatValue(result)); err != nil {
			return err
		}
	}
	return nil
}

// findFunction returns the type of an exported function; the error lists those that there are.
func findFunction(module *wasmer.Module, name string) (*wasmer.FunctionType, error) {
	var names []string
	types := module.ExportTypes()
	for i, export := range module.Exports {
		if types[i].Function == nil {
			if export.Name == name {
				return nil, usagef("export %q is a %s, not a function", name, export.Kind)
			}
			continue
		}
		if export.Name == name {
			return types[i].Function, nil
		}
		names = append(names, export.Name)
	}
	if len(names) == 0 {
		return nil, usagef("no exported function %q; the module exports no functions", name)
	}
	return nil, usagef("no exported function %q; the module exports %s", name, strings.Join(names, ", "))
}

// parseArguments reads the arguments by the types of the parameters.
func parseArguments(name string, function wasmer.FunctionType, texts []string) ([]any, error) {
	if len(texts) != len(function.Params) {
		return nil, usagef("function %s has the type %s: expected %d arguments, given %d", name, function,
			len(function.Params), len(texts))
	}
	values := make([]any, len(texts))
	for i, text := range texts {
		value, err := parseArgument(function.Params[i], text)
		if err != nil {
			return nil, usagef("argument %d of function %s: %v", i+1, name, err)
		}
		values[i] = value
	}
	return values, nil
}

// parseArgument reads one value. Integers may be given signed or unsigned; a v128 is one number of
// 128 bits, whose lowest bits are lane 0; of references only null has a form on a command line.
func parseArgument(t wasmer.ValueType, text string) (wasmer.Value, error) {
	switch t {
	case wasmer.TypeI32:
		bits, err := parseInteger(text, 32)
		if err != nil {
			return wasmer.Value{}, fmt.Errorf("expected an i32 (%d to %d), given %q", math.MinInt32, uint32(math.MaxUint32), text)
		}
		return wasmer.I32(int32(bits)), nil
	case wasmer.TypeI64:
		bits, err := parseInteger(text, 64)
		if err != nil {
			return wasmer.Value{}, fmt.Errorf("expected an i64 (%d to %d), given %q", int64(math.MinInt64), uint64(math.MaxUint64), text)
		}
		return wasmer.I64(int64(bits)), nil
	case wasmer.TypeF32:
		value, err := strconv.ParseFloat(text, 32)
		if err != nil {
			return wasmer.Value{}, fmt.Errorf("expected an f32, given %q", text)
		}
		return wasmer.F32(float32(value)), nil
	case wasmer.TypeV128:
		value, ok := new(big.Int).SetString(text, 0)
		if !ok || value.Sign() < 0 || value.BitLen() > 128 {
			return wasmer.Value{}, fmt.Errorf("expected a v128 (a number of 128 bits, such as 0x1f), given %q", text)
		}
		high := new(big.Int).Rsh(value, 64)
		low := new(big.Int).Xor(value, new(big.Int).Lsh(high, 64))
		return wasmer.V128(low.Uint64(), high.Uint64()), nil
	case wasmer.TypeFuncRef, wasmer.TypeExternRef:
		if text != "null" {
			return wasmer.Value{}, fmt.Errorf("expected null, the only %s that has a form on a command line, given %q", t, text)
		}
		if t == wasmer.TypeFuncRef {
			return wasmer.FuncRef(nil), nil
		}
		return wasmer.ExternRef(nil), nil
	default:
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return wasmer.Value{}, fmt.Errorf("expected an f64, given %q", text)
		}
		return wasmer.F64(value), nil
	}
}

// parseInteger reads an integer that fits so many bits, signed or unsigned, and returns the bits.
func parseInteger(text string, size int) (uint64, error) {
	if signed, err := strconv.ParseInt(text, 0, size); err == nil {
		return uint64(signed), nil
	}
	return strconv.ParseUint(text, 0, size)
}

// formatValue writes a number or a vector so that reading it again returns the same one; integers
// are signed. References are described.
func formatValue(value wasmer.Value) string {
	switch value.GetType() {
	case wasmer.TypeI32:
		return strconv.FormatInt(int64(value.ToI32()), 10)
	case wasmer.TypeI64:
		return strconv.FormatInt(value.ToI64(), 10)
	case wasmer.TypeF32:
		return strconv.FormatFloat(float64(value.ToF32()), 'g', -1, 32)
	case wasmer.TypeF64:
		return strconv.FormatFloat(value.ToF64(), 'g', -1, 64)
	case wasmer.TypeV128:
		low, high := value.ToV128()
		return fmt.Sprintf("0x%016x%016x", high, low)
	default:
		return value.String()
	}
}
