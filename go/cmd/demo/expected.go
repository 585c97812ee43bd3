package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// expectations are the results of native runs: "type:bits" by program, export and argument.
type expectations map[[3]string]string

// readExpected reads lines of the form "program export argument type:bits", with - for no argument.
func readExpected(path string) (expectations, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	expected := expectations{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s: expected four fields, given %q", path, line)
		}
		expected[[3]string{fields[0], fields[1], fields[2]}] = fields[3]
	}
	return expected, nil
}

// program gives a step's run: it calls an export and compares the result with that of the native
// run.
func (e expectations) program(program, export string, argument ...int) func(wasmer.Instance) (string, error) {
	return func(instance wasmer.Instance) (string, error) {
		key := [3]string{program, export, "-"}
		var arguments []interface{}
		if len(argument) > 0 {
			key[2] = strconv.Itoa(argument[0])
			arguments = append(arguments, argument[0])
		}
		native, ok := e[key]
		if !ok {
			return "", fmt.Errorf("no native result is known for %v", key)
		}
		result, err := instance.Exports[export](arguments...)
		if err != nil {
			return "", err
		}
		if got := bits(result); got != native {
			return "", fmt.Errorf("%s gave %s, the native program gives %s", export, got, native)
		}
		call := export + "()"
		if len(argument) > 0 {
			call = fmt.Sprintf("%s(%d)", export, argument[0])
		}
		return fmt.Sprintf("%s = %s, as the native program", call, text(result)), nil
	}
}

func bits(value wasmer.Value) string {
	switch value.GetType() {
	case wasmer.TypeI32:
		return fmt.Sprintf("i32:%08x", uint32(value.ToI32()))
	case wasmer.TypeI64:
		return fmt.Sprintf("i64:%016x", uint64(value.ToI64()))
	case wasmer.TypeF32:
		return fmt.Sprintf("f32:%08x", math.Float32bits(value.ToF32()))
	case wasmer.TypeF64:
		return fmt.Sprintf("f64:%016x", math.Float64bits(value.ToF64()))
	default:
		return "void"
	}
}

func text(value wasmer.Value) string {
	if value.GetType() == wasmer.TypeF64 {
		return strconv.FormatFloat(value.ToF64(), 'g', -1, 64)
	}
	return value.String()
}
