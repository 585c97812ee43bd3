package wasmer

import (
	"errors"
	"fmt"
	"math"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Table is a table (specification, section 4.2.7): references of one type, by their indices. It comes from [NewTable], and is owned then, or from
// [Instance.Table], and belongs to the instance, which closes it.
//
// All methods may be called by many goroutines at once, and also while guests run. Each element is read and written as a whole.
type Table struct {
	inner *object
	typ   TableType // as it was made or declared
}

// TableError is an error about a table. Functions that make tables, and methods of [Table], return it.
type TableError struct {
	message string
	cause   error
}

// Error returns the message.
func (e *TableError) Error() string { return e.message }

// Unwrap returns the cause, or nil.
func (e *TableError) Unwrap() error { return e.cause }

func tableError(what string, cause error) error {
	return &TableError{"Failed to " + what + " the table:\n    " + failure(cause), cause}
}

// NewTable makes a table to be imported by instances, by [Imports.AppendTable]. It has min elements of type [TypeFuncRef] or [TypeExternRef], all null, and can
// grow up to max elements. The error is a [*TableError]: another type, min is greater than max or than 10,000,000, max is greater than 2^32-1, or there is
// not enough address space.
func NewTable(element ValueType, min, max uint64) (*Table, error) {
	if element != TypeFuncRef && element != TypeExternRef {
		return nil, tableError("make", fmt.Errorf("the elements are of type `%s`, expected `funcref` or `externref`", element))
	}
	if max > math.MaxUint32 {
		return nil, tableError("make", fmt.Errorf("the maximum is %d elements, expected %d at most", max, uint64(math.MaxUint32)))
	}
	if err := engine.Init(); err != nil {
		return nil, tableError("make", err)
	}
	handle, err := engine.NewTable(engineTypes[element], engine.Limits{Min: min, Max: max, HasMax: true})
	if err != nil {
		return nil, tableError("make", err)
	}
	inner := newObject("table", handle, newStore(), nil)
	if element == TypeExternRef {
		err = inner.addTo(inner.store.useSpace())
	}
	if err != nil {
		inner.life.close(inner)
		return nil, tableError("make", err)
	}
	return &Table{inner, TableType{Element: element, Min: min, Max: max, HasMax: true}}, nil
}

// Table returns an exported table by its name. It is closed with the instance, and keeps the instance alive. The same table is the same pointer each time. The error is
// an [*InstanceError]: the instance exports no table of this name, or is closed.
func (instance *Instance) Table(name string) (*Table, error) {
	s, position, err := instance.export(name, "table", engine.ExternTable)
	if err != nil {
		return nil, err
	}
	defer s.life.leave(s)
	return borrow(s, &s.borrowed.tables, position, func() (*Table, error) {
		handle, err := s.owned.handle.Export(uint32(position))
		if err != nil {
			return nil, instanceError("Cannot find the table `"+name+"`", err)
		}
		return &Table{newObject("table", handle, s.store, s), tableTypeFromEngine(&s.about.Exports[position].Type)}, nil
	})
}

// Type returns the type: that of the elements, the limits as they were declared. The elements are of [TypeVoid] if the table was never made.
func (table *Table) Type() TableType {
	if table == nil || table.inner == nil {
		return TableType{Element: TypeVoid}
	}
	return table.typ
}

// Size returns the number of elements, 0 if the table is closed.
func (table *Table) Size() uint64 {
	if table == nil || !table.inner.enter() {
		return 0
	}
	defer table.inner.leave()
	return table.inner.handle.TableSize()
}

// Get returns an element. The error is a [*TableError]: there is no element of this index, or the table is closed.
func (table *Table) Get(index uint64) (Value, error) {
	if table == nil || !table.inner.enter() {
		return Value{}, tableError("read", closedError("table"))
	}
	defer table.inner.leave()
	handle := table.inner.handle
	value, err := table.inner.take(engineTypes[table.typ.Element], func() (engine.Slots, error) {
		slot, ok := handle.TableGet(index)
		if !ok {
			return engine.Slots{}, table.outside(index)
		}
		return engine.Slots{slot}, nil
	})
	if err != nil {
		return Value{}, tableError("read", err)
	}
	return value, nil
}

func (table *Table) outside(index uint64) error {
	return fmt.Errorf("element %d is wanted, expected less than %d, the size", index, table.inner.handle.TableSize())
}

// Set sets an element. A function links its instance with the table, and all that uses it; see [Function]. The error is a [*TableError]: there is no element
// of this index, the value is not of the table's type, the table is closed, or the instance of the function is.
func (table *Table) Set(index uint64, value Value) error {
	if table == nil || !table.inner.enter() {
		return tableError("set an element of", closedError("table"))
	}
	defer table.inner.leave()
	err := checkValue(value, table.typ.Element)
	if err == nil && index >= table.inner.handle.TableSize() {
		err = table.outside(index)
	}
	if err == nil {
		err = table.inner.put(value, func(slots engine.Slots, function engine.Extern) error {
			return table.inner.handle.TableSet(index, slots[0], function)
		})
	}
	if err != nil {
		return tableError("set an element of", err)
	}
	return nil
}

// Grow adds a number of elements, all with an initial value, and returns the number of elements before. The error is a [*TableError], and nothing changes: the
// table would exceed its maximum, or a ceiling set by [WithTableCeiling], the system refuses, the value is not of the table's type, the table is closed, or the instance
// of the function is.
func (table *Table) Grow(count uint64, initial Value) (uint64, error) {
	if table == nil || !table.inner.enter() {
		return 0, tableError("grow", closedError("table"))
	}
	defer table.inner.leave()
	var old uint64
	err := checkValue(initial, table.typ.Element)
	if err == nil {
		err = table.inner.put(initial, func(slots engine.Slots, function engine.Extern) (err error) {
			var grown bool
			old, grown, err = table.inner.handle.TableGrow(count, slots[0], function)
			if err == nil && !grown {
				err = errTableFull
			}
			return err
		})
	}
	if err == nil {
		return old, nil
	}
	if err == errTableFull {
		err = fmt.Errorf("%w: it has %d, %d more are wanted", err, table.inner.handle.TableSize(), count)
	}
	return 0, tableError("grow", err)
}

var errTableFull = errors.New("more elements than its maximum, or than the system allows")

// Close frees a table that is owned; instances that import it keep it. Further calls do nothing, and so does Close of a table that belongs to an instance.
func (table *Table) Close() {
	if table != nil && table.inner != nil && table.inner.instance == nil {
		table.inner.life.close(table.inner)
	}
}
