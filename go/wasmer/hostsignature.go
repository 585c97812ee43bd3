package wasmer

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file derives the type of a host function from that of a Go function.

// leading is what a host function takes before its numbers.
type leading int

const (
	leadingNothing leading = iota
	leadingContext
	leadingInstance
	leadingPointer
)

var (
	contextType  = reflect.TypeFor[context.Context]()
	instanceType = reflect.TypeFor[*InstanceContext]()
	errorType    = reflect.TypeFor[error]()
	functionType = reflect.TypeFor[*Function]()
	anyType      = reflect.TypeFor[any]()
	bytesType    = reflect.TypeFor[[16]byte]()
	halvesType   = reflect.TypeFor[[2]uint64]()
)

// hostSignature is the type of a host function, as found by reflection.
type hostSignature struct {
	function        reflect.Type
	leading         leading
	params, results []engine.ValType
	in, out         []reflect.Type // what they are in Go
	fallible        bool           // the last result is an error
}

// derive finds the WebAssembly types, or returns why there are none, with %s for the function's
// name.
func (s *hostSignature) derive() (why string) {
	t := s.function
	first := 0
	if t.NumIn() > 0 {
		s.leading = leadingOf(t.In(0))
		if s.leading != leadingNothing {
			first = 1
		}
	}
	for i := first; i < t.NumIn(); i++ {
		param, ok := valueTypeOf(t.In(i))
		if !ok {
			expected := acceptedTypes
			if i == 0 {
				expected += ", or `context.Context`, `*wasmer.InstanceContext` or `unsafe.Pointer` as the first"
			}
			return fmt.Sprintf("imported function `%%s` must have values as parameters, parameter #%d is `%s`, expected %s", i+1, t.In(i), expected)
		}
		s.params, s.in = append(s.params, param), append(s.in, t.In(i))
	}
	results := t.NumOut()
	if results > 0 && t.Out(results-1) == errorType {
		s.fallible = true
		results--
	}
	for i := range results {
		result, ok := valueTypeOf(t.Out(i))
		if !ok {
			expected := acceptedTypes
			if i == results-1 {
				expected += ", or `error` as the last"
			}
			return fmt.Sprintf("imported function `%%s` must have values as results, result #%d is `%s`, expected %s", i+1, t.Out(i), expected)
		}
		s.results, s.out = append(s.results, result), append(s.out, t.Out(i))
	}
	return ""
}

// acceptedTypes are what parameters and results of host functions may be.
const acceptedTypes = "any integer type but `uintptr`, `bool`, `float32`, `float64`, `[16]byte`, `[2]uint64`, `*wasmer.Function` or `any`"

// deriveForC is derive for a function that tells the type of a C function. Its texts are those of
// go-ext-wasm 0.3.1.
func (s *hostSignature) deriveForC() (why string) {
	t := s.function
	if kind := t.In(0).Kind(); kind != reflect.UnsafePointer {
		return fmt.Sprintf("The instance context of the `%%s` imported function must be of kind `unsafe.Pointer`; given `%s`; is it missing?", kind)
	}
	s.leading = leadingPointer
	const only = "only accept `int32`, `int64`, `float32`, and `float64`."
	for i := 1; i < t.NumIn(); i++ {
		param, ok := numberType(t.In(i))
		if !ok {
			return fmt.Sprintf("Invalid input type for the `%%s` imported function; given `%s`; %s", t.In(i).Kind(), only)
		}
		s.params = append(s.params, param)
	}
	if t.NumOut() > 1 {
		return "The `%s` imported function must have at most one output value."
	}
	for i := range t.NumOut() {
		result, ok := numberType(t.Out(i))
		if !ok {
			return fmt.Sprintf("Invalid output type for the `%%s` imported function; given `%s`; %s", t.Out(i).Kind(), only)
		}
		s.results = append(s.results, result)
	}
	return ""
}

// numbers tells how the function's values become slots.
func (s *hostSignature) numbers() goNumbers {
	return goNumbers{kindsIn(s.in), kindsIn(s.out), s.params, s.results, s.leading == leadingPointer}
}

func leadingOf(t reflect.Type) leading {
	switch {
	case t == contextType:
		return leadingContext
	case t == instanceType:
		return leadingInstance
	case t.Kind() == reflect.UnsafePointer:
		return leadingPointer
	default:
		return leadingNothing
	}
}

// numberType returns the WebAssembly type that a Go type stands for where C functions have it.
func numberType(t reflect.Type) (engine.ValType, bool) {
	switch t.Kind() {
	case reflect.Int32, reflect.Uint32, reflect.Int64, reflect.Uint64, reflect.Float32, reflect.Float64:
		return typeOfKind(t.Kind())
	default:
		return 0, false
	}
}

// valueTypeOf returns the WebAssembly type that a Go type stands for.
func valueTypeOf(t reflect.Type) (engine.ValType, bool) {
	switch {
	case t == functionType:
		return engine.FuncRef, true
	case t == anyType:
		return engine.ExternRef, true
	case t == bytesType || t == halvesType:
		return engine.V128, true
	default:
		return typeOfKind(t.Kind())
	}
}
