package core

import (
	"errors"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file is about the values of globals and tables, and about exceptions, which have such values
// and can be one.

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

// Tag is what exceptions are caught by, and what their values are. It may be used by many
// goroutines at once.
type Tag struct {
	object
	params   []engine.ValType
	identity uint64
}

// newTag takes over a handle.
func newTag(handle engine.Extern, params []engine.ValType, home *store, instance *Instance) *Tag {
	tag := &Tag{params: params, identity: handle.TagIdentity()}
	tag.init("tag", handle, home, instance)
	return tag
}

// Exception is an exception outside of guests: a tag and values of its types.
type Exception struct {
	Tag    *Tag
	Values []Value
}

// Error says that nothing has caught it.
func (e *Exception) Error() string { return fmt.Sprintf("exception of a tag %v", e.Tag.params) }

// ErrForeignTag is the error of an exception whose tag the instance that is to get it has nothing
// to do with.
var ErrForeignTag = errors.New("the exception's tag belongs to no instance that is linked with this one")

// ErrForeignFunction is the same for a function among the values of an exception.
var ErrForeignFunction = errors.New("a function in the exception is of an instance that is not linked with this one")

// exception makes a reference in a store, to be unpinned.
func (s *store) exception(e *Exception) (engine.Exception, error) {
	if !e.Tag.enter() {
		return 0, ClosedError("tag")
	}
	defer e.Tag.leave()
	if !e.Tag.store.cell.Same(&s.cell) {
		return 0, ErrForeignTag
	}
	slots := make([]uint64, 0, len(e.Values))
	for i, t := range e.Tag.params {
		value := &e.Values[i]
		switch t {
		case engine.FuncRef:
			slot := uint64(0)
			if f := value.Function; f != nil {
				if f = f.Canonical(); !f.instance.store.cell.Same(&s.cell) {
					return 0, ErrForeignFunction
				}
				slot = f.asValue().slot.Load()
			}
			slots = append(slots, slot)
		case engine.ExternRef:
			// The exception holds it from when it is made on.
			reference := s.useSpace().Pinned(value.Host)
			defer s.useSpace().Unpin(reference)
			slots = append(slots, reference)
		case engine.ExnRef:
			inner := engine.Exception(0)
			if value.Exception != nil {
				var err error
				if inner, err = s.exception(value.Exception); err != nil {
					return 0, err
				}
				defer inner.Unpin()
			}
			slots = append(slots, uint64(inner))
		default:
			slots = append(slots, value.Slots[:t.Slots()]...)
		}
	}
	return e.Tag.handle.NewException(slots)
}

// exceptionAt returns what a reference refers to; see Instance.ExceptionAt.
func (s *store) exceptionAt(slot uint64) (*Exception, error) {
	if slot == 0 {
		return nil, nil
	}
	anchor, err := s.anchor()
	if err != nil {
		return nil, err
	}
	defer anchor.life.leave(anchor)
	handle, slots, err := anchor.owned.handle.Exception(engine.Exception(slot))
	if err != nil {
		return nil, ErrStale
	}
	params, err := handle.TagType()
	if err != nil {
		handle.Free()
		return nil, err
	}
	e := &Exception{Tag: newTag(handle, params, s, nil), Values: make([]Value, len(params))}
	for i, t := range params {
		value := &e.Values[i]
		switch t {
		case engine.FuncRef:
			value.Function, err = anchor.FunctionAt(slots[0])
		case engine.ExternRef:
			value.Host, err = anchor.Referent(slots[0])
		case engine.ExnRef:
			value.Exception, err = s.exceptionAt(slots[0])
		default:
			copy(value.Slots[:], slots[:t.Slots()])
		}
		if err != nil {
			return nil, err
		}
		slots = slots[t.Slots():]
	}
	return e, nil
}
