package wasmer

import (
	"context"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Call calls the function and returns all its results, none for a function without. An argument is
// a [Value] of the type of the parameter, or a Go value that can stand for it:
//
//	i32        an integer of any type within -2^31 .. 2^32-1, or a bool
//	i64        an integer of any type
//	f32        a float32
//	f64        a float64 or a float32
//	v128       a [16]byte or a [2]uint64, lowest byte and half first
//	funcref    a *Function, or nil
//	externref  any Go value
//
// Numbers may be of types that are defined as one of these, such as [time.Duration]. Unsigned
// integers are taken bit for bit. An argument that does not fit is an error that tells its type,
// its value and what would fit; nothing is cut.
//
// When the context is done before the guest has come to its end, the guest is given up and the
// error matches that of the context, and its cause, by [errors.Is]. A context that can never be
// done costs nothing, one that can costs nothing while the guest runs. The error is an
// [*ExportedFunctionError]; it wraps the [*Trap], the error of a host function, or that of the
// context.
func (function *Function) Call(ctx context.Context, arguments ...interface{}) ([]Value, error) {
	if function.neverMade() {
		return nil, neverMadeError()
	}
	return callAll(function.inner, ctx, arguments, &rulesOfCall)
}

// CallSlots calls the function on raw slots: it takes the arguments from the first of them, and
// leaves the results in the first of them; there must be as many as the larger number of both, and
// further ones are not touched. Each slot is 64 bits. A value of 32 bits is in the low half of its
// slot: the upper half of an argument is ignored, that of a result is zero. A float is its bits
// (see [math.Float32bits]). A v128 takes two slots, the low half first. References are numbers that
// [Instance.ValueToSlots] and [Instance.ValueFromSlots] convert; a number for a funcref that is
// none gives an error. When there is an error, the slots are as they were.
//
// It allocates nothing. All else is as with [Function.Call].
func (function *Function) CallSlots(ctx context.Context, slots []uint64) error {
	if function.neverMade() {
		return neverMadeError()
	}
	if err := function.inner.CallSlots(ctx, slots); err != nil {
		return slotsFailed(function.inner, len(slots), err)
	}
	return nil
}

// background is the context of calls without one.
var background = context.Background()

// rulesOfCall are those of Function.Call.
var rulesOfCall = rules{
	encode: encodeAnyNumber,
	refuse: func(f *core.Function, i int, argument interface{}) error {
		return failed(f, fmt.Errorf("argument #%d is %w", i+1, unfit(f.Type().Params[i], argument)))
	},
}

// callAll calls the function with arguments of all types, and returns all its results.
func callAll(f *core.Function, ctx context.Context, arguments []interface{}, r *rules) ([]Value, error) {
	t := f.Type()
	if len(arguments) != len(t.Params) {
		return nil, mismatch(f, len(arguments), false)
	}
	fb, slots, err := f.Begin(ctx)
	if err != nil {
		return nil, failed(f, err)
	}
	if err := encode(f, slots, arguments, r); err != nil {
		f.End(fb)
		return nil, err
	}
	if err := f.Run(ctx, fb); err != nil {
		return nil, failed(f, err)
	}
	results, err := decode(f.Instance(), slots, t.Results)
	f.End(fb)
	if err != nil {
		return nil, failed(f, err)
	}
	return results, nil
}
