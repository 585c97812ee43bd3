package handles

import (
	"sync"
	"testing"
)

// collect collects with some roots and says how many values are left.
func collect(t *testing.T, table *Table, roots ...uint64) int {
	t.Helper()
	if _, done := table.Collect(func(mark func([]uint64)) bool { mark(roots); return true }); !done {
		t.Fatal("not collected")
	}
	return table.Len()
}

func TestWhatIsMarkedIsKept(t *testing.T) {
	table := new(Table)
	var made []uint64
	for i := range 1000 {
		made = append(made, table.New(i))
	}
	other := new(Table).New("other")
	roots := append([]uint64{0, 1, tag, ^uint64(0), other, made[999] + 5000}, made[100:400]...)
	if left := collect(t, table, roots...); left != 300 {
		t.Errorf("%d values left, expected 300", left)
	}
	for i, h := range made {
		if v, ok := table.Get(h); ok != (i >= 100 && i < 400) || ok && v != i {
			t.Errorf("handle %d gives %v, %v", i, v, ok)
		}
	}
	if left := collect(t, table); left != 0 {
		t.Errorf("%d values left, expected none", left)
	}
}

func TestPinsKeepValues(t *testing.T) {
	table := new(Table)
	hold := table.Hold()
	h := hold.New("value")
	hold.Pin(h)
	hold.Pin(h)
	hold.Pin(7)   // no handle
	hold.Unpin(7) // nor pinned
	hold.Release()
	for pins := 2; pins >= 0; pins-- {
		if left := collect(t, table); left != min(pins, 1) {
			t.Errorf("%d values left with %d pins", left, pins)
		}
		hold := table.Hold()
		hold.Unpin(h)
		hold.Release()
	}
}

// What is made or merged during a collection is kept, a second collection is none, and one that is
// given up drops nothing.
func TestDuringACollection(t *testing.T) {
	older := new(Table)
	older.Merge(new(Table)) // from now on it takes in others
	table, other := new(Table), new(Table)
	before, theirs := table.New("before"), other.New("theirs")
	var during uint64
	_, done := table.Collect(func(func([]uint64)) bool {
		during = table.New("during")
		table.Merge(other)
		if _, again := table.Collect(func(func([]uint64)) bool { return true }); again {
			t.Error("two collections at a time")
		}
		return true
	})
	_, first := table.Get(before)
	_, second := table.Get(during)
	_, third := table.Get(theirs)
	if !done || first || !second || !third {
		t.Errorf("collected: %v, kept: %v, %v, %v", done, first, second, third)
	}
	if _, done := table.Collect(func(func([]uint64)) bool { return false }); done || table.Len() != 2 {
		t.Errorf("a collection that was given up: %v, %d values left", done, table.Len())
	}
	if _, done := table.Collect(func(func([]uint64)) bool { older.Merge(table); return true }); done || older.Len() != 2 {
		t.Errorf("a collection of a table that was merged: %v, %d values left", done, older.Len())
	}
}

// A handle that is stored under a hold is found by each collection, and one that was read under a
// hold can be looked up.
func TestHolds(t *testing.T) {
	table := new(Table)
	var place sync.Mutex
	var slot uint64
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range 3000 {
				hold := table.Hold()
				place.Lock()
				if v, ok := hold.Get(slot); !ok {
					t.Errorf("handle %#x is gone, %v", slot, v)
				}
				slot = hold.New(i)
				place.Unlock()
				hold.Release()
			}
		})
	}
	wait.Go(func() {
		for range 500 {
			table.Collect(func(mark func([]uint64)) bool {
				place.Lock()
				defer place.Unlock()
				mark([]uint64{slot})
				return true
			})
		}
	})
	wait.Wait()
	if left := collect(t, table, slot); left != 1 {
		t.Errorf("%d values left, expected 1", left)
	}
}

func TestDue(t *testing.T) {
	table := new(Table)
	make := func(n int) (made []uint64) {
		for range n {
			made = append(made, table.New(n))
		}
		return made
	}
	kept := make(1024)
	if table.Due(false) || table.Due(true) {
		t.Error("due after 1024")
	}
	kept = append(kept, make(4000)...)
	if !table.Due(false) || !table.Due(true) {
		t.Error("not due after 5024")
	}
	table.Postpone()
	if table.Due(false) {
		t.Error("due after it was postponed")
	}
	collect(t, table, kept...)
	make(2600) // a quarter of 2 * 5024
	if table.Due(false) || !table.Due(true) {
		t.Errorf("due: %v, when idle: %v; expected the latter only", table.Due(false), table.Due(true))
	}
	make(7600)
	if !table.Due(false) {
		t.Error("not due after twice as many as were left")
	}
}
