package core

import (
	"errors"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Global is a global variable: a value of a type, which may be mutable. It may be used by many
// goroutines at once, and also while guests run.
type Global struct {
	object
	value   engine.ValType
	mutable bool
}

// NewGlobal makes a global that belongs to no instance. The value is of the type.
func NewGlobal(t engine.ValType, mutable bool, value Value) (*Global, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	home := new(store)
	var handle engine.Extern
	err := (&object{store: home}).put(t, value, func(slots engine.Slots, function engine.Extern) (err error) {
		handle, err = engine.NewGlobal(t, mutable, slots, function)
		return err
	})
	if err != nil {
		return nil, err
	}
	global := newGlobal(handle, t, mutable, home, nil)
	if t == engine.ExternRef {
		if err := global.addTo(home.useSpace()); err != nil {
			return nil, err
		}
	}
	return global, nil
}

// newGlobal takes over a handle.
func newGlobal(handle engine.Extern, t engine.ValType, mutable bool, home *store, instance *Instance) *Global {
	global := &Global{value: t, mutable: mutable}
	global.init("global", handle, home, instance)
	return global
}

// Type returns the type of the value.
func (g *Global) Type() engine.ValType { return g.value }

// Mutable reports whether the value can be set.
func (g *Global) Mutable() bool { return g.mutable }

// Get returns the value. The error wraps ErrClosed, or is ErrStale.
func (g *Global) Get() (Value, error) {
	if !g.enter() {
		return Value{}, ClosedError(g.what)
	}
	defer g.leave()
	return g.take(g.value, g.handle.GlobalGet)
}

// ErrImmutable is the error of setting a global that is immutable.
var ErrImmutable = errors.New("it is immutable")

// Set sets the value, which is of the global's type. The error is ErrImmutable, or wraps ErrClosed.
func (g *Global) Set(value Value) error {
	if !g.enter() {
		return ClosedError(g.what)
	}
	defer g.leave()
	if !g.mutable {
		return ErrImmutable
	}
	return g.put(g.value, value, g.handle.GlobalSet)
}
