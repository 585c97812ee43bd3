package wasmer

import "github.com/gowasmer/wasmer/go/internal/core"

// Function is a function of an instance: one that it exports, or one that was got as a value (a
// funcref) from a call, a table or a global, or one of [NewFunction]. It keeps the instance alive,
// and may be called by many goroutines at once and from within host functions: that never harms the
// host. Calls that do not overlap with others of the same instance are the fastest. What concurrent
// calls do to the memory that they share is up to the guest, which has no locks: most guests want
// one call at a time.
//
// As a value, a function can go anywhere: as an argument or result of any call, into tables and
// globals, and as an import of further instances. It links its instance with the one that it goes
// to: from then on both are kept as long as one of them is. When the instance is closed, guests
// that have the function can still call it, but calls from Go, and passing it on to what is not
// linked, return an error that matches [ErrClosed].
type Function struct {
	inner *core.Function
}

// functionOf returns what users get of a function, the same each time; nil for nil.
func functionOf(f *core.Function) *Function {
	if f == nil {
		return nil
	}
	return core.Face(&f.Faces, func(shown *Function) { shown.inner = f })
}

// neverMade reports whether this is nil or the zero Function.
func (function *Function) neverMade() bool { return function == nil || function.inner == nil }

// Name returns the name by which the function is exported; one that is not, and was got as a value,
// has one such as "function[3]", by its index. It is empty if the function was never made.
func (function *Function) Name() string {
	if function.neverMade() {
		return ""
	}
	return function.inner.Name()
}

// String returns name and type, such as "sum(i32, i32) -> (i32)".
func (function *Function) String() string {
	if function.neverMade() {
		return ""
	}
	return function.inner.Name() + signature(function.inner.Type().FuncType)
}

// Type returns the type; the zero FunctionType if the function was never made. The slices are the
// caller's.
func (function *Function) Type() FunctionType {
	if function.neverMade() {
		return FunctionType{}
	}
	return functionTypeFromEngine(function.inner.Type().FuncType)
}
