package wasmer

import (
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Exception is an exception of WebAssembly (specification 3.0, section 4.2.9), outside of guests.
//
// It is the error of a call that a guest has left by an exception that it did not catch: find it by
// [errors.As]. A host function that returns one as its error, or an error that wraps one, throws
// it: the guest that has called the function can catch it. What was caught in one guest can be
// thrown in another that way, as far as they are linked with each other, so that both know the tag.
// An exception of another tag ends the call, as any error does.
type Exception struct {
	// Tag is what it is caught by.
	Tag *Tag

	// Values are as many and of the types as the tag says.
	Values []Value

	// Backtrace is the functions of the guest that has thrown it, innermost first; empty for one
	// that Go has made.
	Backtrace []Frame

	// Omitted is the number of frames farther out that the backtrace leaves out.
	Omitted int

	inner *core.Exception
}

// NewException makes an exception, to be thrown by a host function, or passed as [ExnRef]. The
// error is a [*TagError]: the tag was never made, or the values are not of its types.
func NewException(tag *Tag, values ...Value) (*Exception, error) {
	if tag.made() == nil {
		return nil, tagError("exception", fmt.Errorf("its tag is nil, expected one of NewTag or an instance"))
	}
	params := tag.Type().Params
	if len(values) != len(params) {
		return nil, tagError("exception", fmt.Errorf("%d values are given, expected %d, for the tag %s", len(values), len(params), tag))
	}
	inner := &core.Exception{Tag: tag.inner, Values: make([]core.Value, len(values))}
	for i, value := range values {
		if err := checkValue(value, params[i]); err != nil {
			return nil, tagError("exception", fmt.Errorf("value #%d: %w", i+1, err))
		}
		inner.Values[i] = toCore(value)
	}
	return &Exception{Tag: tag, Values: values, inner: inner}, nil
}

// exceptionOf returns what users get of an exception, nil for nil.
func exceptionOf(e *core.Exception) *Exception {
	if e == nil {
		return nil
	}
	params := e.Tag.Params()
	values := make([]Value, len(params))
	for i, t := range params {
		values[i] = valueFromCore(e.Values[i], t)
	}
	return &Exception{Tag: tagOf(e.Tag), Values: values, inner: e}
}

// made returns the exception of package core, nil for nil and for one that was made without
// NewException.
func (e *Exception) made() *core.Exception {
	if e == nil {
		return nil
	}
	return e.inner
}

// Error returns the tag's type and the values, and the backtrace on lines of its own.
func (e *Exception) Error() string {
	var text boundedText
	text.write("uncaught exception " + e.Tag.String())
	if len(e.Values) > 0 {
		values := make([]string, len(e.Values))
		for i := range e.Values {
			values[i] = e.Values[i].String()
		}
		text.write(" with " + strings.Join(values, ", "))
	}
	writeFrames(&text, e.Backtrace, e.Omitted)
	return text.String()
}

// Unwrap returns what the instances that get the exception know it by.
func (e *Exception) Unwrap() error {
	if e.made() == nil {
		return nil
	}
	return e.inner
}

// ExnRef makes a value of type exnref: a reference to an exception, or null for nil (specification
// 3.0, section 2.3.3). A guest gets an exception of its own, with the same tag and values.
func ExnRef(exception *Exception) Value {
	if exception.made() == nil {
		return Value{valueType: TypeExnRef}
	}
	return Value{ref: exception.inner, valueType: TypeExnRef}
}

// ToException returns the exception that an exnref refers to, nil for null and for values of other
// types.
func (value Value) ToException() *Exception {
	e, _ := value.ref.(*core.Exception)
	if value.valueType != TypeExnRef {
		return nil
	}
	return exceptionOf(e)
}
