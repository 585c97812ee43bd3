package wasmer

import "github.com/gowasmer/wasmer/go/internal/core"

// This file has the calls by Instance.Exports, in the shape of go-ext-wasm 0.3.1.

// makeExports makes the map of closures over functions.
func makeExports(functions []core.Function) map[string]func(...interface{}) (Value, error) {
	exports := make(map[string]func(...interface{}) (Value, error), len(functions))
	for i := range functions {
		exports[functions[i].Name()] = callerOf(&functions[i])
	}
	return exports
}

// callerOf returns a function that calls f with untyped arguments, and returns its only result. It
// allocates nothing.
//
// It is not inlined because the Go compiler would then inline nothing into the function that it
// returns.
//
//go:noinline
func callerOf(f *core.Function) func(...interface{}) (Value, error) {
	return func(arguments ...interface{}) (Value, error) {
		t := f.Type()
		if len(arguments) != len(t.Params) || len(t.Results) > 1 || !t.Plain {
			return callOneOfAny(f, arguments)
		}
		fb, slots, err := f.Begin(background)
		if err != nil {
			return Value{}, failed(f, err)
		}
		for i, argument := range arguments {
			if !encodeArgument(core.SlotAt(slots, i), t.Params[i], argument) {
				f.End(fb)
				return Value{}, badArgument(f, i, argument)
			}
		}
		if err := f.Run(background, fb); err != nil {
			return Value{}, failed(f, err)
		}
		result := void()
		if len(t.Results) != 0 {
			result = valueFromSlot(*core.SlotAt(slots, 0), t.Results[0])
		}
		f.End(fb)
		return result, nil
	}
}

// rulesOfExports are those of Instance.Exports.
var rulesOfExports = rules{encode: encodeArgument, refuse: badArgument}

// callOneOfAny is the same for functions with vectors and references; others are not called.
func callOneOfAny(f *core.Function, arguments []interface{}) (Value, error) {
	if len(arguments) != len(f.Type().Params) || len(f.Type().Results) > 1 {
		return Value{}, mismatch(f, len(arguments), true)
	}
	results, err := callAll(f, background, arguments, &rulesOfExports)
	switch {
	case err != nil:
		return Value{}, err
	case len(results) == 0:
		return void(), nil
	}
	return results[0], nil
}
