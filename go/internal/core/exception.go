package core

import (
	"errors"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

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

// Params returns the types of the values of its exceptions.
func (t *Tag) Params() []engine.ValType { return slices.Clone(t.params) }

// Is reports whether both are the same tag, which may be exported under several names and by
// several instances.
func (t *Tag) Is(other *Tag) bool {
	return t == other || t != nil && other != nil && t.identity == other.identity
}

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

// ExceptionAt returns what a reference refers to, nil for null. The reference is in a place where
// collections look, or pinned. The error is ErrStale, or is about a value that cannot be read.
func (s *Instance) ExceptionAt(slot uint64) (*Exception, error) { return s.store.exceptionAt(slot) }

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
