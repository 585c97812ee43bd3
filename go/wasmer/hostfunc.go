package wasmer

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

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
	fallible        bool // the last result is an error
}

// newHostFunction derives the type of a Go function and prepares its calls.
func newHostFunction(name string, implementation interface{}, cFunction unsafe.Pointer) (*core.HostFunc, error) {
	refuse := func(format string, arguments ...interface{}) (*core.HostFunc, error) {
		return nil, importError(name, fmt.Sprintf(format, arguments...), nil)
	}
	if typed, ok := implementation.(HostFunction); ok {
		switch {
		case cFunction != nil:
			return refuse("imported function `%%s` must be a Go function where a C pointer is given, given `%T`", typed)
		case typed.why != "":
			return refuse("imported function `%%s` %s", typed.why)
		case typed.host == nil:
			return refuse("imported function `%%s` must be a function, given an empty `%T`", typed)
		}
		return typed.host, nil
	}
	t := reflect.TypeOf(implementation)
	switch {
	case t == nil:
		return refuse("Imported function `%%s` must be a function; given `nil`.")
	case t.Kind() != reflect.Func:
		return refuse("Imported function `%%s` must be a function; given `%s`.", t.Kind())
	case cFunction != nil && t.NumIn() == 0:
		return refuse("Imported function `%%s` must at least have one argument for the instance context.")
	case reflect.ValueOf(implementation).IsNil():
		return refuse("imported function `%%s` must be a function, given a nil `%s`", t)
	case t.IsVariadic():
		return refuse("imported function `%%s` must have a fixed number of parameters, given `%s`", t)
	}
	s := hostSignature{function: t}
	if why := s.derive(cFunction != nil); why != "" {
		return nil, importError(name, why, nil)
	}
	if cFunction != nil && !engine.CanCallC {
		return refuse("imported function `%%s` is given with a C pointer, which needs cgo: build with `CGO_ENABLED=1` and a C compiler, or give a Go function")
	}
	host := &core.HostFunc{
		Params:     s.params,
		Results:    s.results,
		CFunction:  cFunction,
		WantsToken: s.leading == leadingPointer,
	}
	if cFunction == nil {
		host.Call = s.prepare(implementation).forCore()
	}
	return host, nil
}

// derive finds the WebAssembly types, or returns why there are none; %s stands for the name.
func (s *hostSignature) derive(forC bool) (why string) {
	t := s.function
	first := 0
	if t.NumIn() > 0 {
		s.leading = leadingOf(t.In(0))
		if s.leading != leadingNothing {
			first = 1
		}
	}
	if forC && s.leading != leadingPointer {
		return fmt.Sprintf("The instance context of the `%%s` imported function must be of kind `unsafe.Pointer`; given `%s`; is it missing?", t.In(0).Kind())
	}
	for i := first; i < t.NumIn(); i++ {
		param, ok := valueTypeOf(t.In(i), forC)
		if !ok && forC {
			return fmt.Sprintf("Invalid input type for the `%%s` imported function; given `%s`; %s", t.In(i).Kind(), onlyNumbers)
		}
		if !ok {
			return fmt.Sprintf("imported function `%%s` must have values as parameters, parameter #%d is `%s`, expected %s%s",
				i+1, t.In(i), accepted, expectedFirst(i))
		}
		s.params = append(s.params, param)
	}
	results := t.NumOut()
	if results > 0 && t.Out(results-1) == errorType {
		if forC { // C code has no way to return it
			return fmt.Sprintf("Invalid output type for the `%%s` imported function; given `%s`; %s", t.Out(results-1).Kind(), onlyNumbers)
		}
		s.fallible = true
		results--
	}
	if forC && results > 1 {
		return "The `%s` imported function must have at most one output value."
	}
	for i := range results {
		result, ok := valueTypeOf(t.Out(i), forC)
		if !ok && forC {
			return fmt.Sprintf("Invalid output type for the `%%s` imported function; given `%s`; %s", t.Out(i).Kind(), onlyNumbers)
		}
		if !ok {
			return fmt.Sprintf("imported function `%%s` must have values as results, result #%d is `%s`, expected %s%s",
				i+1, t.Out(i), accepted, expectedLast(i, results))
		}
		s.results = append(s.results, result)
	}
	return ""
}

// What parameters and results may be: with a C pointer in the words of go-ext-wasm 0.3.1, though
// unsigned numbers are taken, too.
const (
	onlyNumbers = "only accept `int32`, `int64`, `float32`, and `float64`."
	accepted    = "`int32`, `uint32`, `int64`, `uint64`, `float32`, `float64`, `[16]byte`, `*wasmer.Function` or `any`"
)

func expectedFirst(i int) string {
	if i > 0 {
		return ""
	}
	return ", or `context.Context`, `*wasmer.InstanceContext` or `unsafe.Pointer` as the first"
}

func expectedLast(i, results int) string {
	if i < results-1 {
		return ""
	}
	return ", or `error` as the last"
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

// numberType returns the WebAssembly type that a Go type stands for.
func numberType(t reflect.Type) (engine.ValType, bool) {
	switch t.Kind() {
	case reflect.Int32, reflect.Uint32:
		return engine.I32, true
	case reflect.Int64, reflect.Uint64:
		return engine.I64, true
	case reflect.Float32:
		return engine.F32, true
	case reflect.Float64:
		return engine.F64, true
	default:
		return 0, false
	}
}

// valueTypeOf returns the WebAssembly type that a Go type stands for; C functions have numbers
// only.
func valueTypeOf(t reflect.Type, forC bool) (engine.ValType, bool) {
	switch {
	case forC:
		return numberType(t)
	case t == functionType:
		return engine.FuncRef, true
	case t == anyType:
		return engine.ExternRef, true
	case t == bytesType || t == halvesType:
		return engine.V128, true
	default:
		return numberType(t)
	}
}

// prepare makes the call of a Go function: without reflection for common types, else with it.
func (s *hostSignature) prepare(implementation interface{}) hostCall {
	if call := directCall(implementation); call != nil {
		return call
	}
	return s.reflectCall(reflect.ValueOf(implementation))
}

// reflectCall calls a function of any accepted type. Numbers and vectors are moved as bits, so that
// NaNs keep theirs.
func (s *hostSignature) reflectCall(implementation reflect.Value) hostCall {
	t, first := s.function, 0
	if s.leading != leadingNothing {
		first = 1
	}
	count, results, kind, fallible := t.NumIn(), len(s.results), s.leading, s.fallible
	paramTypes, resultTypes := s.params, s.results
	return func(c *InstanceContext, slots []uint64) error {
		in := make([]reflect.Value, count)
		switch kind {
		case leadingContext:
			in[0] = reflect.ValueOf(c.Context())
		case leadingInstance:
			in[0] = reflect.ValueOf(c)
		case leadingPointer:
			in[0] = reflect.ValueOf(c.call.Token()).Convert(t.In(0))
		}
		at := 0
		for i := first; i < count; i++ {
			param := paramTypes[i-first]
			if param.IsReference() {
				value, err := referenceArgument(c.instance(), slots[at], param)
				if err != nil {
					return err
				}
				in[i] = value
			} else {
				in[i] = reflect.NewAt(t.In(i), unsafe.Pointer(&slots[at])).Elem()
			}
			at += param.Slots()
		}
		out := implementation.Call(in)
		if fallible {
			if err, _ := out[results].Interface().(error); err != nil {
				return err
			}
		}
		at = 0
		for i, result := range resultTypes {
			slots[at] = 0
			if result.IsReference() {
				value := out[i].Interface()
				ok, err := encodeReference(c.instance(), &slots[at], result, value)
				if err != nil {
					return fmt.Errorf("result #%d of the host function: %w", i+1, err)
				}
				if !ok { // an any that holds something else
					return fmt.Errorf("result #%d of the host function is a value of type `%s`, expected `%s`", i+1, value.(Value).valueType, result)
				}
			} else {
				reflect.NewAt(t.Out(i), unsafe.Pointer(&slots[at])).Elem().Set(out[i])
			}
			at += result.Slots()
		}
		return nil
	}
}

// referenceArgument returns a reference as a Go function gets it: a *Function, or what an externref
// refers to.
func referenceArgument(s *core.Instance, slot uint64, t engine.ValType) (reflect.Value, error) {
	value, err := decodeOne(s, unsafe.Pointer(&slot), 0, t)
	if err != nil {
		return reflect.Value{}, err
	}
	if t == engine.FuncRef {
		return reflect.ValueOf(value.ToFunc()), nil
	}
	if any := value.ToExternRef(); any != nil {
		return reflect.ValueOf(any), nil
	}
	return reflect.Zero(anyType), nil
}
