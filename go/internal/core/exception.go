package core

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Tag is what exceptions are caught by, and what their values are. It may be used by many
// goroutines at once.
type Tag struct {
	object
	params   []engine.ValType
	identity uint64
}

// NewTag makes a tag that belongs to no instance.
func NewTag(params []engine.ValType) (*Tag, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	handle, err := engine.NewTag(params)
	if err != nil {
		return nil, err
	}
	return newTag(handle, params, new(store), nil), nil
}

// newTag takes over a handle.
func newTag(handle engine.Extern, params []engine.ValType, home *store, instance *Instance) *Tag {
	tag := &Tag{params: params, identity: handle.TagIdentity()}
	tag.init("tag", handle, home, instance)
	return tag
}

// Params returns the types of the values of its exceptions.
func (t *Tag) Params() []engine.ValType { return slices.Clone(t.params) }

// Is reports whether both are the same tag, which may be exported under several names and by
// several instances.
func (t *Tag) Is(other *Tag) bool {
	return t == other || t != nil && other != nil && t.identity == other.identity
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

// PutException writes a new reference to an exception into a slot, where collections look; 0 for
// nil. The error is ErrForeignTag, or wraps ErrClosed.
func (s *Instance) PutException(slot *uint64, e *Exception) error {
	exception, err := s.PinnedException(e)
	if err == nil {
		*slot = uint64(exception)
		exception.Unpin()
	}
	return err
}

// PinnedException returns a new reference to an exception, 0 for nil, which is kept until Unpin.
func (s *Instance) PinnedException(e *Exception) (engine.Exception, error) {
	if e == nil {
		return 0, nil
	}
	return s.store.exception(e)
}

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

// ExceptionAt returns what a reference refers to, nil for null. The reference is in a place where
// collections look, or pinned. The error is ErrStale, or is about a value that cannot be read.
func (s *Instance) ExceptionAt(slot uint64) (*Exception, error) { return s.store.exceptionAt(slot) }

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

// Exception implements [fiber.Thrower].
func (s *Instance) Exception(err error) engine.Exception {
	var e *Exception
	if !errors.As(err, &e) || s.about.Tags == 0 && s.space.Load() == nil {
		return 0
	}
	exception, err := s.store.exception(e)
	if err != nil {
		return 0 // the error of the host function ends the call
	}
	return exception
}

// Uncaught implements [fiber.Thrower].
func (s *Instance) Uncaught(exception engine.Exception) error {
	e, err := s.ExceptionAt(uint64(exception))
	if err != nil {
		return err
	}
	return e
}

// CollectExceptions implements [fiber.Thrower].
func (s *Instance) CollectExceptions() {
	if space := s.space.Load(); space != nil {
		space.Collect()
	}
}
