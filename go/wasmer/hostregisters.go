//go:build gc && (amd64 || arm64)

package wasmer

import (
	"context"
	"errors"
	"math"
	"reflect"
	"sync"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file calls Go functions of up to eight numbers of any types, in any order, without
// reflection and without allocation.
//
// It relies on how Go passes arguments on these processors (see abi-internal.md of the Go
// compiler): each number takes the next free register, integers and floats have registers of their
// own, a value narrower than its register has the low bits and the others are left undefined, and a
// function does not look at registers beyond those of its parameters. So all functions that take
// the same things first can be called as one that takes eight integers and eight floats. An eighth
// integer after a context lies on the stack of amd64, where a function without it has the place for
// its own use.
//
// That is no promise of the language: registersWork tries it once, before it is used. Where it does
// not hold, functions are called by reflection. See RATIONALE.md, "How are plain Go functions
// called?".

// The functions below are what a Go function is called as: after nothing or something of the call,
// with integers alone or with integers and floats; with results that are a number, or an error, or
// a float and an error, or an integer and an error. What the function does not return is undefined,
// so that the error, which the garbage collector looks at, is there only if it is returned.
type (
	ints    = uint64
	floats  = float64
	plainI  = func(_, _, _, _, _, _, _, _ ints) (ints, floats)
	plainIF = func(_, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (ints, floats)

	errorI  = func(_, _, _, _, _, _, _, _ ints) (error, floats)
	errorIF = func(_, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (error, floats)

	intErrorI  = func(_, _, _, _, _, _, _, _ ints) (ints, error)
	intErrorIF = func(_, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (ints, error)
)

// maxRegisters is how many integers, and how many floats, a function may take.
const maxRegisters = 8

// registers tells where a function's numbers go.
type registers struct {
	ints, floats []uint8 // the slots of the parameters that are such, in their order
	result       resultKind
	mask         uint64 // of the bits of the result; 0 for none
	fallible     bool
}

type resultKind uint8

const (
	noResult resultKind = iota
	intResult
	floatResult
)

// registersOf returns where the numbers of a function go; false if it cannot be called so.
func (s *hostSignature) registersOf() (*registers, bool) {
	r := &registers{fallible: s.fallible}
	if len(s.params) > maxRegisters || len(s.results) > 1 {
		return nil, false
	}
	for i, t := range s.params {
		switch t {
		case engine.I32, engine.I64:
			r.ints = append(r.ints, uint8(i))
		case engine.F32, engine.F64:
			r.floats = append(r.floats, uint8(i))
		default:
			return nil, false
		}
	}
	if len(s.results) == 1 {
		switch s.results[0] {
		case engine.I32, engine.I64:
			r.result = intResult
		case engine.F32, engine.F64:
			r.result = floatResult
		default:
			return nil, false
		}
		r.mask = math.MaxUint64 >> (64 - 8*s.out[0].Size())
	}
	return r, true
}

// registerCall returns a call of a Go function of numbers, nil for others.
func (s *hostSignature) registerCall(implementation interface{}) hostCall {
	r, ok := s.registersOf()
	if !ok || !registersWork() {
		return nil
	}
	return r.call(s.leading, functionValue(implementation))
}

// call returns a call of a function.
func (r *registers) call(kind leading, function unsafe.Pointer) hostCall {
	switch kind {
	case leadingContext:
		return callAfter(r, function, (*InstanceContext).Context)
	case leadingInstance:
		return callAfter(r, function, func(c *InstanceContext) unsafe.Pointer { return unsafe.Pointer(c) })
	case leadingPointer:
		return callAfter(r, function, func(c *InstanceContext) unsafe.Pointer { return c.call.Token() })
	default:
		return r.callPlain(function)
	}
}

// functionValue returns what a variable of a function type holds.
func functionValue(implementation interface{}) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&implementation))[1]
}

// as returns a function as one of another type.
func as[F any](function unsafe.Pointer) F { return *(*F)(unsafe.Pointer(&function)) }

// fill reads integers and floats from slots.
func (r *registers) fill(slots []uint64, i *[maxRegisters]ints, f *[maxRegisters]floats) {
	for n, at := range r.ints {
		i[n&(maxRegisters-1)] = slots[at]
	}
	for n, at := range r.floats {
		f[n&(maxRegisters-1)] = math.Float64frombits(slots[at])
	}
}

// leave writes the result, of which only the one that the function has is defined.
func (r *registers) leave(slots []uint64, i ints, f floats) {
	switch r.result {
	case intResult:
		slots[0] = i & r.mask
	case floatResult:
		slots[0] = math.Float64bits(f) & r.mask
	}
}

func (r *registers) callPlain(function unsafe.Pointer) hostCall {
	switch {
	case !r.fallible && r.floats == nil:
		call := as[plainI](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			for n, at := range r.ints {
				i[n&(maxRegisters-1)] = slots[at]
			}
			x, y := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7])
			r.leave(slots, x, y)
			return nil
		}
	case !r.fallible:
		call := as[plainIF](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			x, y := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			r.leave(slots, x, y)
			return nil
		}
	case r.result != intResult && r.floats == nil:
		call := as[errorI](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			r.fill(slots, &i, nil)
			err, y := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7])
			if err == nil {
				r.leave(slots, 0, y)
			}
			return err
		}
	case r.result != intResult:
		call := as[errorIF](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			err, y := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			if err == nil {
				r.leave(slots, 0, y)
			}
			return err
		}
	case r.floats == nil:
		call := as[intErrorI](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			r.fill(slots, &i, nil)
			x, err := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7])
			if err == nil {
				r.leave(slots, x, 0)
			}
			return err
		}
	default:
		call := as[intErrorIF](function)
		return func(_ *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			x, err := call(i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			if err == nil {
				r.leave(slots, x, 0)
			}
			return err
		}
	}
}

// callAfter is callPlain for functions that take something of the call first, which first gets.
func callAfter[L any](r *registers, function unsafe.Pointer, first func(*InstanceContext) L) hostCall {
	switch {
	case !r.fallible:
		call := as[func(_ L, _, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (ints, floats)](function)
		return func(c *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			x, y := call(first(c), i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			r.leave(slots, x, y)
			return nil
		}
	case r.result != intResult:
		call := as[func(_ L, _, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (error, floats)](function)
		return func(c *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			err, y := call(first(c), i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			if err == nil {
				r.leave(slots, 0, y)
			}
			return err
		}
	default:
		call := as[func(_ L, _, _, _, _, _, _, _, _ ints, _, _, _, _, _, _, _, _ floats) (ints, error)](function)
		return func(c *InstanceContext, slots []uint64) error {
			var i [maxRegisters]ints
			var f [maxRegisters]floats
			r.fill(slots, &i, &f)
			x, err := call(first(c), i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7])
			if err == nil {
				r.leave(slots, x, 0)
			}
			return err
		}
	}
}

// registersWork reports whether functions can be called this way. It calls some that can do no harm
// if they cannot.
var registersWork = sync.OnceValue(func() bool {
	slots := func() []uint64 { return []uint64{1, 2, uint64(math.Float32bits(3)), 4, math.Float64bits(5), 6, 7, 8} }
	try := func(function interface{}, expected uint64) bool {
		s := hostSignature{function: reflect.TypeOf(function)}
		if s.derive() != "" {
			return false
		}
		r, ok := s.registersOf()
		if !ok {
			return false
		}
		slots := slots()
		err := r.call(s.leading, functionValue(function))(new(InstanceContext), slots)
		return slots[0] == expected && (err == errTried) == (s.fallible && expected == 1)
	}
	return try(func(a int8, b int64, c float32, d uint16, e float64, f bool, g uint32, h int16) int64 {
		return int64(a) + 10*b + 100*int64(c) + 1000*int64(d) + 10000*int64(e) + 1000000*int64(g) + 10000000*int64(h)
	}, 87054321) &&
		try(func(_ context.Context, a, b, _, d, _, f, g, h int64) int64 {
			return a + 10*b + 100*d + 1000*f + 10000*g + 100000*h
		}, 876421) &&
		try(func(_, _ int32, c float32) float32 { return -c }, uint64(math.Float32bits(-3))) &&
		try(func(_, _ int32, _ float32, _ int32, e float64) (float64, error) { return -e, nil }, math.Float64bits(-5)) &&
		try(func(a, b int32) (int32, error) { return a - 2*b, nil }, math.MaxUint32-2) &&
		try(func(a, b int32) error { return errTried }, 1)
})

// errTried is the error of a function that registersWork calls.
var errTried = errors.New("tried")
