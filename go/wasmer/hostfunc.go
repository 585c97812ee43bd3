package wasmer

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file makes host functions of Go functions, and calls those by reflection that nothing else
// can call.

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
	derive := s.derive
	if cFunction != nil {
		derive = s.deriveForC
	}
	if why := derive(); why != "" {
		return nil, importError(name, why, nil)
	}
	if cFunction == nil {
		return s.numbers().host(s.prepare(implementation)), nil
	}
	if !engine.CanCallC {
		return refuse("imported function `%%s` is given with a C pointer, which needs cgo: build with `CGO_ENABLED=1` and a C compiler, or give a Go function")
	}
	return &core.HostFunc{Params: s.params, Results: s.results, CFunction: cFunction, WantsToken: true}, nil
}

// prepare makes the call of a Go function: without reflection where that is possible, else with it.
// The call finds the bits of Go values in slots, and leaves those of its results there.
func (s *hostSignature) prepare(implementation interface{}) hostCall {
	if call := directCall(implementation); call != nil {
		return call
	}
	if call := s.registerCall(implementation); call != nil {
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
