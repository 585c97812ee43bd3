package wasmer

import (
	"fmt"
	"math"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Table is a table (specification, section 4.2.7): references of one type, by their indices. It
// comes from [NewTable], and is owned then, or from [Instance.Table], and belongs to the instance,
// which closes it.
//
// All methods may be called by many goroutines at once, and also while guests run. Each element is
// read and written as a whole.
type Table struct {
	inner *core.Table
}

// TableError is an error about a table. Functions that make tables, and methods of [Table], return
// it.
type TableError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *TableError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *TableError) Unwrap() error { return e.cause }

func tableError(what string, cause error) error {
	text := failure(cause)
	if _, whole := cause.(*core.IndexError); !whole {
		text = "cannot " + what + " the table: " + text
	}
	return &TableError{text, cause}
}

// NewTable makes a table to be imported by instances, by [Imports.AppendTable]. It has min elements
// of type [TypeFuncRef] or [TypeExternRef], all null, and can grow up to max elements. The error is
// a [*TableError]: another type, min is greater than max or than 10,000,000, max is greater than
// 2^32-1, or there is not enough address space.
func NewTable(element ValueType, min, max uint64) (*Table, error) {
	if element != TypeFuncRef && element != TypeExternRef {
		return nil, tableError("make", fmt.Errorf("the elements are of type `%s`, expected `funcref` or `externref`", element))
	}
	if max > math.MaxUint32 {
		return nil, tableError("make", fmt.Errorf("the maximum is %d elements, expected %d at most", max, uint64(math.MaxUint32)))
	}
	table, err := core.NewTable(engineTypes[element], engine.Limits{Min: min, Max: max, HasMax: true})
	if err != nil {
		return nil, tableError("make", err)
	}
	return tableOf(table), nil
}

// tableOf returns what users get of a table, the same each time.
func tableOf(table *core.Table) *Table {
	return core.Face(&table.Faces, func(shown *Table) { shown.inner = table })
}

// Type returns the type: that of the elements, the limits as they were declared. The elements are
// of [TypeVoid] if the table was never made.
func (table *Table) Type() TableType {
	if table == nil || table.inner == nil {
		return TableType{Element: TypeVoid}
	}
	return tableTypeFromEngine(table.inner.Type())
}

// Size returns the number of elements, 0 if the table is closed.
func (table *Table) Size() uint64 {
	if table == nil || table.inner == nil {
		return 0
	}
	return table.inner.Size()
}

// Get returns an element. The error is a [*TableError]: there is no element of this index, or the
// table is closed.
func (table *Table) Get(index uint64) (Value, error) {
	if table == nil || table.inner == nil {
		return Value{}, tableError("read", closedError("table"))
	}
	value, err := table.inner.Get(index)
	if err != nil {
		return Value{}, tableError("read", err)
	}
	return valueFromCore(value, table.inner.Type().Value), nil
}

// Set sets an element. A function links its instance with the table, and all that uses it; see
// [Function]. The error is a [*TableError]: there is no element of this index, the value is not of
// the table's type, the table is closed, or the instance of the function is.
func (table *Table) Set(index uint64, value Value) error {
	err := table.check(value)
	if err == nil {
		err = table.inner.Set(index, toCore(value))
	}
	if err != nil {
		return tableError("set an element of", err)
	}
	return nil
}

// Grow adds a number of elements, all with an initial value, and returns the number of elements
// before. The error is a [*TableError], and nothing changes: the table would exceed its maximum, or
// a ceiling set by [WithTableCeiling], the system refuses, the value is not of the table's type,
// the table is closed, or the instance of the function is.
func (table *Table) Grow(count uint64, initial Value) (uint64, error) {
	err := table.check(initial)
	if err != nil {
		return 0, tableError("grow", err)
	}
	previous, err := table.inner.Grow(count, toCore(initial))
	if err != nil {
		return 0, tableError("grow", err)
	}
	return previous, nil
}

// check returns an error if the table is closed, or the value is not of its type.
func (table *Table) check(value Value) error {
	if table == nil || table.inner == nil || table.inner.IsClosed() {
		return closedError("table")
	}
	return checkValue(value, typeFromEngine(table.inner.Type().Value))
}

// Close frees a table that is owned; instances that import it keep it. Further calls do nothing,
// and so does Close of a table that belongs to an instance.
func (table *Table) Close() {
	if table != nil && table.inner != nil {
		table.inner.Close()
	}
}
