package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Global is a global variable (specification, section 4.2.10): a value of a type, which may be mutable. It comes from [NewGlobal], and is owned then, or from
// [Instance.Global], and belongs to the instance, which closes it.
//
// All methods may be called by many goroutines at once, and also while guests run. A value of up to 64 bits is read and written as a whole; of a v128 that is
// written at the same moment, one half may be the old and the other the new one.
type Global struct {
	inner   *object
	value   engine.ValType
	mutable bool
}

// GlobalError is an error about a global. Functions that make globals, and methods of [Global], return it.
type GlobalError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *GlobalError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *GlobalError) Unwrap() error { return e.cause }

func globalError(what string, cause error) error {
	return &GlobalError{"Failed to " + what + " the global:\n    " + failure(cause), cause}
}

// NewGlobal makes a global to be imported by instances, by [Imports.AppendGlobal]. The error is a [*GlobalError]: the value is not of the type, the type is not
// one of WebAssembly, or the value is a function whose instance is closed.
func NewGlobal(valueType ValueType, mutable bool, value Value) (*Global, error) {
	if err := checkValue(value, valueType); err != nil {
		return nil, globalError("make", err)
	}
	if err := engine.Init(); err != nil {
		return nil, globalError("make", err)
	}
	t, home := engineTypes[valueType], newStore()
	var handle engine.Extern
	err := (&object{store: home}).put(value, func(slots engine.Slots, function engine.Extern) (err error) {
		handle, err = engine.NewGlobal(t, mutable, slots, function)
		return err
	})
	if err != nil {
		return nil, globalError("make", err)
	}
	inner := newObject("global", handle, home, nil)
	if t == engine.ExternRef {
		err = inner.addTo(home.useSpace())
	}
	if err != nil {
		inner.life.close(inner)
		return nil, globalError("make", err)
	}
	return &Global{inner, t, mutable}, nil
}

// checkValue refuses values of other types.
func checkValue(value Value, expected ValueType) error {
	if !expected.isValue() {
		return fmt.Errorf("the type is `%s`, expected a type of WebAssembly", expected)
	}
	if value.valueType != expected {
		return fmt.Errorf("the value is of type `%s`, expected `%s`", value.valueType, expected)
	}
	return nil
}

// Global returns an exported global by its name. It is closed with the instance, and keeps the instance alive. The same global is the same pointer each time. The error
// is an [*InstanceError]: the instance exports no global of this name, or is closed.
func (instance *Instance) Global(name string) (*Global, error) {
	s, position, err := instance.export(name, "global", engine.ExternGlobal)
	if err != nil {
		return nil, err
	}
	defer s.life.leave(s)
	return borrow(s, &s.borrowed.globals, position, func() (*Global, error) {
		handle, err := s.owned.handle.Export(uint32(position))
		if err != nil {
			return nil, instanceError("Cannot find the global `"+name+"`", err)
		}
		t := &s.about.Exports[position].Type
		return &Global{newObject("global", handle, s.store, s), t.Value, t.Mutable}, nil
	})
}

// Type returns the type of the value; [TypeVoid] if the global was never made.
func (global *Global) Type() ValueType {
	if global == nil || global.inner == nil {
		return TypeVoid
	}
	return typeFromEngine(global.value)
}

// Mutable says whether the value can be set.
func (global *Global) Mutable() bool { return global != nil && global.mutable }

// String returns the type, such as "mut i32".
func (global *Global) String() string {
	return GlobalType{Value: global.Type(), Mutable: global.Mutable()}.String()
}

// Get returns the value. The error is a [*GlobalError]: the global is closed.
func (global *Global) Get() (Value, error) {
	if global == nil || !global.inner.enter() {
		return Value{}, globalError("read", closedError("global"))
	}
	defer global.inner.leave()
	value, err := global.inner.take(global.value, global.inner.handle.GlobalGet)
	if err != nil {
		return Value{}, globalError("read", err)
	}
	return value, nil
}

// Set sets the value. A function links its instance with the global, and all that uses it; see [Function]. The error is a [*GlobalError]: the value is
// not of the global's type, the global is immutable or closed, or the instance of the function is closed.
func (global *Global) Set(value Value) error {
	if global == nil || !global.inner.enter() {
		return globalError("set", closedError("global"))
	}
	defer global.inner.leave()
	if !global.mutable {
		return globalError("set", fmt.Errorf("it is immutable"))
	}
	if err := checkValue(value, global.Type()); err != nil {
		return globalError("set", err)
	}
	if err := global.inner.put(value, global.inner.handle.GlobalSet); err != nil {
		return globalError("set", err)
	}
	return nil
}

// Close frees a global that is owned; instances that import it keep it. Further calls do nothing, and so does Close of a global that belongs to an
// instance.
func (global *Global) Close() {
	if global != nil && global.inner != nil && global.inner.instance == nil {
		global.inner.life.close(global.inner)
	}
}
