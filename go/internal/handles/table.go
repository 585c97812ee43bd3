// Package handles gives numbers to Go values, so that guests can hold references to them.
package handles

import "sync"

// Table maps handles to values. Handles are unique in the process. It may be used by many goroutines at once.
type Table struct {
	mutex  sync.RWMutex
	values map[uint64]any
	merged *Table // the table that took this one in
}

var newest struct {
	sync.Mutex
	handle uint64
}

// NewTable makes an empty table.
func NewTable() *Table { return &Table{values: make(map[uint64]any)} }

// end returns the table that took this one in, or itself.
func (t *Table) end() *Table {
	for {
		t.mutex.RLock()
		next := t.merged
		t.mutex.RUnlock()
		if next == nil {
			return t
		}
		t = next
	}
}

// New returns a new handle of a value, 0 for nil.
func (t *Table) New(v any) uint64 {
	if v == nil {
		return 0
	}
	newest.Lock()
	newest.handle++
	handle := newest.handle
	newest.Unlock()
	for {
		t = t.end()
		t.mutex.Lock()
		if t.merged == nil {
			t.values[handle] = v
			t.mutex.Unlock()
			return handle
		}
		t.mutex.Unlock()
	}
}

// Get returns the value of a handle, nil for 0, and whether there is such a handle.
func (t *Table) Get(h uint64) (v any, ok bool) {
	if h == 0 {
		return nil, true
	}
	t = t.end()
	t.mutex.RLock()
	defer t.mutex.RUnlock()
	v, ok = t.values[h]
	return v, ok
}

// Merge takes in another table; handles of both stay valid in both.
func (t *Table) Merge(other *Table) {
	from, to := other.end(), t.end()
	if from == to {
		return
	}
	from.mutex.Lock()
	values := from.values
	from.values, from.merged = nil, to
	from.mutex.Unlock()
	to.mutex.Lock()
	defer to.mutex.Unlock()
	for handle, value := range values {
		to.values[handle] = value
	}
}
