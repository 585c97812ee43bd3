package core

import (
	"runtime"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
)

// object is what globals, tables and tags have in common.
type object struct {
	life     lifetime
	what     string // "global", "table" or "tag"
	handle   engine.Extern
	store    *store
	instance *Instance        // that it is borrowed from, which it keeps alive; nil if it is owned
	space    *externref.Space // that its store was added to, or nil
	cleanup  runtime.Cleanup

	// Faces are what faces show of it.
	Faces Faces
}

// init takes over a handle.
func (o *object) init(what string, handle engine.Extern, home *store, instance *Instance) {
	o.what, o.handle, o.store, o.instance = what, handle, home, instance
	o.cleanup = runtime.AddCleanup(o, engine.Extern.Free, handle)
}

// release implements releaser.
func (o *object) release() {
	o.cleanup.Stop()
	o.handle.Free()
	o.handle = engine.Extern{}
	if o.space != nil {
		o.space.Closed()
	}
}

// addTo makes collections look at the object. If it fails, the object is closed.
func (o *object) addTo(space *externref.Space) error {
	err := space.AddObject(o.handle)
	if err == nil {
		o.space = space
	} else {
		o.life.close(o)
	}
	return err
}

// enter begins a use, unless the object is closed.
func (o *object) enter() bool { return o.life.enter(o) }

func (o *object) leave() { o.life.leave(o) }

// IsClosed reports whether the object was closed.
func (o *object) IsClosed() bool { return o.life.isClosed() }

// Close frees an object that belongs to no instance; instances that import it keep it.
func (o *object) Close() {
	if o.instance == nil {
		o.life.close(o)
	}
}

func (o *object) closeBorrowed() { o.life.close(o) }

// Value is a value of a global or an element of a table: the slots of a number or a vector, or what
// a reference refers to.
type Value struct {
	// Slots are those of a number or a vector, the low half first.
	Slots engine.Slots
	// Function is what a funcref refers to, nil for null.
	Function *Function
	// Host is what an externref refers to, nil for null.
	Host any
	// Exception is what an exnref refers to, nil for null.
	Exception *Exception
}

// put calls do with the slots of a value of a type, or with a handle of a function.
func (o *object) put(t engine.ValType, value Value, do func(slots engine.Slots, function engine.Extern) error) error {
	switch t {
	case engine.FuncRef:
		if value.Function != nil {
			return value.Function.handTo(o.store, func(handle engine.Extern) error { return do(engine.Slots{}, handle) })
		}
		return do(engine.Slots{}, engine.Extern{})
	case engine.ExternRef:
		var err error
		o.store.useSpace().Put(value.Host, func(handle uint64) { err = do(engine.Slots{handle}, engine.Extern{}) })
		return err
	case engine.ExnRef:
		if value.Exception == nil {
			return do(engine.Slots{}, engine.Extern{})
		}
		exception, err := o.store.exception(value.Exception)
		if err != nil {
			return err
		}
		defer exception.Unpin()
		return do(engine.Slots{uint64(exception)}, engine.Extern{})
	default:
		return do(value.Slots, engine.Extern{})
	}
}

// take reads a value of a type, whose slots can change and be read again.
func (o *object) take(t engine.ValType, read func() (engine.Slots, error)) (Value, error) {
	slots, err := read()
	for err == nil {
		switch t {
		case engine.FuncRef:
			f, err := o.store.function(slots[0], o.handle.FunctionAt)
			return Value{Function: f}, err
		case engine.ExternRef:
			if value, ok := o.store.referent(slots[0]); ok {
				return Value{Host: value}, nil
			}
			// A guest may have replaced it, and the value was collected, since it was read.
			before := slots
			if slots, err = read(); err == nil && slots == before {
				return Value{}, ErrStale
			}
		case engine.ExnRef:
			e, err := o.store.exceptionAt(slots[0])
			if err != ErrStale {
				return Value{Exception: e}, err
			}
			before := slots
			if slots, err = read(); err == nil && slots == before {
				return Value{}, ErrStale
			}
		default:
			return Value{Slots: slots}, nil
		}
	}
	return Value{}, err
}
