package core

import (
	"errors"
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Table is a table: references of one type, by their indices. It may be used by many goroutines at
// once, and also while guests run.
type Table struct {
	object
	typ engine.ExternType // as it was made or declared
}

// NewTable makes a table that belongs to no instance, of elements that are null.
func NewTable(element engine.ValType, limits engine.Limits) (*Table, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	handle, err := engine.NewTable(element, limits)
	if err != nil {
		return nil, err
	}
	table := newTable(handle, &engine.ExternType{Kind: engine.ExternTable, Limits: limits, Value: element}, new(store), nil)
	if element == engine.ExternRef {
		if err := table.addTo(table.store.useSpace()); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// newTable takes over a handle.
func newTable(handle engine.Extern, typ *engine.ExternType, home *store, instance *Instance) *Table {
	table := &Table{typ: *typ}
	table.init("table", handle, home, instance)
	return table
}

// Type returns the type as it was made or declared. It must not be changed.
func (t *Table) Type() *engine.ExternType { return &t.typ }

// Size returns the number of elements, 0 if the table is closed.
func (t *Table) Size() uint64 {
	if !t.enter() {
		return 0
	}
	defer t.leave()
	return t.handle.TableSize()
}

// Get returns an element. The error wraps ErrClosed, is ErrStale, or tells that there is no such
// element.
func (t *Table) Get(index uint64) (Value, error) {
	if !t.enter() {
		return Value{}, ClosedError(t.what)
	}
	defer t.leave()
	return t.take(t.typ.Value, func() (engine.Slots, error) {
		slot, ok := t.handle.TableGet(index)
		if !ok {
			return engine.Slots{}, t.outside(index)
		}
		return engine.Slots{slot}, nil
	})
}

func (t *Table) outside(index uint64) error {
	return &IndexError{index, t.handle.TableSize()}
}

// IndexError is the error that a table has no element of an index.
type IndexError struct{ Index, Size uint64 }

// Error tells both.
func (e *IndexError) Error() string {
	return fmt.Sprintf("table index %d out of range (size %d)", e.Index, e.Size)
}

// Set sets an element to a value, which is of the table's type. The error wraps ErrClosed, or is an
// *IndexError.
func (t *Table) Set(index uint64, value Value) error {
	if !t.enter() {
		return ClosedError(t.what)
	}
	defer t.leave()
	if index >= t.handle.TableSize() {
		return t.outside(index)
	}
	return t.put(t.typ.Value, value, func(slots engine.Slots, function engine.Extern) error {
		return t.handle.TableSet(index, slots[0], function)
	})
}

// ErrTableFull is in the error of a growth beyond the maximum of a table, or beyond what the system
// allows.
var ErrTableFull = errors.New("more elements than its maximum, or than the system allows")

// Grow adds elements with a value, which is of the table's type, and returns how many there were
// before. The error wraps ErrClosed or ErrTableFull.
func (t *Table) Grow(count uint64, initial Value) (previous uint64, err error) {
	if !t.enter() {
		return 0, ClosedError(t.what)
	}
	defer t.leave()
	grown := true
	err = t.put(t.typ.Value, initial, func(slots engine.Slots, function engine.Extern) (err error) {
		if previous, grown, err = t.handle.TableGrow(count, slots[0], function); err == nil && !grown {
			err = ErrTableFull // a function is not linked then
		}
		return err
	})
	switch {
	case err == nil:
		return previous, nil
	case !grown:
		return 0, fmt.Errorf("%w: it has %d, %d more are wanted", ErrTableFull, t.handle.TableSize(), count)
	default:
		return 0, err
	}
}
