package wasmer

import "github.com/gowasmer/wasmer/go/internal/core"

// Global is a global variable (specification, section 4.2.10): a value of a type, which may be
// mutable. It comes from [NewGlobal], and is owned then, or from [Instance.Global], and belongs to
// the instance, which closes it.
//
// All methods may be called by many goroutines at once, and also while guests run. A value of up to
// 64 bits is read and written as a whole; of a v128 that is written at the same moment, one half
// may be the old and the other the new one.
type Global struct {
	inner *core.Global
}

// GlobalError is an error about a global. Functions that make globals, and methods of [Global],
// return it.
type GlobalError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *GlobalError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *GlobalError) Unwrap() error { return e.cause }

func globalError(what string, cause error) error {
	return &GlobalError{"cannot " + what + " the global: " + failure(cause), cause}
}

// NewGlobal makes a global to be imported by instances, by [Imports.AppendGlobal]. The error is a
// [*GlobalError]: the value is not of the type, the type is not one of WebAssembly, or the value is
// a function whose instance is closed.
func NewGlobal(valueType ValueType, mutable bool, value Value) (*Global, error) {
	if err := checkValue(value, valueType); err != nil {
		return nil, globalError("make", err)
	}
	global, err := core.NewGlobal(engineTypes[valueType], mutable, toCore(value))
	if err != nil {
		return nil, globalError("make", err)
	}
	return globalOf(global), nil
}

// globalOf returns what users get of a global, the same each time.
func globalOf(global *core.Global) *Global {
	return core.Face(&global.Faces, func(shown *Global) { shown.inner = global })
}

// Type returns the type: that of the value, and whether it can be set. The value is of [TypeVoid]
// if the global was never made.
func (global *Global) Type() GlobalType {
	if global == nil || global.inner == nil {
		return GlobalType{Value: TypeVoid}
	}
	return GlobalType{Value: typeFromEngine(global.inner.Type()), Mutable: global.inner.Mutable()}
}

// String returns the type, such as "mut i32".
func (global *Global) String() string { return global.Type().String() }

// Get returns the value. The error is a [*GlobalError]: the global is closed.
func (global *Global) Get() (Value, error) {
	if global == nil || global.inner == nil {
		return Value{}, globalError("read", closedError("global"))
	}
	value, err := global.inner.Get()
	if err != nil {
		return Value{}, globalError("read", err)
	}
	return valueFromCore(value, global.inner.Type()), nil
}

// Set sets the value. A function links its instance with the global, and all that uses it; see
// [Function]. The error is a [*GlobalError]: the value is not of the global's type, the global is
// immutable or closed, or the instance of the function is closed.
func (global *Global) Set(value Value) error {
	if global == nil || global.inner == nil || global.inner.IsClosed() {
		return globalError("set", closedError("global"))
	}
	if !global.inner.Mutable() {
		return globalError("set", core.ErrImmutable)
	}
	err := checkValue(value, global.Type().Value)
	if err == nil {
		err = global.inner.Set(toCore(value))
	}
	if err != nil {
		return globalError("set", err)
	}
	return nil
}

// Close frees a global that is owned; instances that import it keep it. Further calls do nothing,
// and so does Close of a global that belongs to an instance.
func (global *Global) Close() {
	if global != nil && global.inner != nil {
		global.inner.Close()
	}
}
