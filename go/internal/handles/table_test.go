package handles

import (
	"fmt"
	"sync"
	"testing"
)

func TestHandlesStandForValues(t *testing.T) {
	table := new(Table)
	seen := map[uint64]int{}
	for i := range 1000 {
		h := table.New(i)
		if _, again := seen[h]; again || !IsHandle(h) {
			t.Fatalf("handle %#x of value %d: given out before, or without tag", h, i)
		}
		seen[h] = i
	}
	for h, want := range seen {
		if v, ok := table.Get(h); !ok || v != want {
			t.Errorf("handle %#x gives %v, %v; expected %d", h, v, ok, want)
		}
	}
	if n := table.Len(); n != 1000 {
		t.Errorf("%d handles, expected 1000", n)
	}
}

func TestNullIsNil(t *testing.T) {
	table := new(Table)
	if h := table.New(nil); h != 0 {
		t.Errorf("nil has the handle %#x", h)
	}
	if v, ok := table.Get(0); v != nil || !ok {
		t.Errorf("the null handle gives %v, %v", v, ok)
	}
	// A nil pointer in an interface is a value.
	h := table.New((*int)(nil))
	if v, ok := table.Get(h); h == 0 || !ok || v != (*int)(nil) {
		t.Errorf("a nil pointer has the handle %#x, which gives %v, %v", h, v, ok)
	}
}

// A number that is no handle of this table is never a value: made up, of another table, dropped, or
// not yet given out.
func TestUnknownHandles(t *testing.T) {
	table, other := new(Table), new(Table)
	mine, foreign := table.New("mine"), other.New("foreign")
	for _, h := range []uint64{1, 2, 64, 1 << 52, ^uint64(0), mine &^ tag, mine + 1, mine - 1, mine + pageSize, foreign, tag, tag | 1} {
		if v, ok := table.Get(h); ok || v != nil {
			t.Errorf("%#x gives %v, %v", h, v, ok)
		}
	}
	if dropped, done := table.Collect(func(func([]uint64)) bool { return true }); dropped != 1 || !done {
		t.Fatalf("collected %d, %v", dropped, done)
	}
	if v, ok := table.Get(mine); ok || v != nil {
		t.Errorf("a dropped handle gives %v, %v", v, ok)
	}
	if h := table.New("new"); h == mine {
		t.Errorf("the dropped handle %#x was given out again", h)
	}
}

func TestMergedTablesKnowTheHandlesOfBoth(t *testing.T) {
	tables := make([]*Table, 10)
	of := map[uint64]string{}
	fill := func(round string) {
		for i, table := range tables {
			text := fmt.Sprint(round, i)
			of[table.New(text)] = text
		}
	}
	for i := range tables {
		tables[i] = new(Table)
	}
	fill("before")
	for i := range tables {
		tables[i].Merge(tables[(i+3)%len(tables)])
		tables[i].Merge(tables[i])
	}
	fill("after")
	for _, table := range tables {
		for h, want := range of {
			if v, ok := table.Get(h); !ok || v != want {
				t.Errorf("handle %#x gives %v, %v; expected %q", h, v, ok, want)
			}
		}
		if n := table.Len(); n != 20 {
			t.Errorf("%d handles, expected 20", n)
		}
	}
}

func TestTablesMergeWhileTheyAreUsed(t *testing.T) {
	tables := make([]*Table, 16)
	for i := range tables {
		tables[i] = new(Table)
	}
	var wait sync.WaitGroup
	for i, table := range tables {
		wait.Go(func() {
			made := map[uint64]int{}
			for n := range 500 {
				hold := table.Hold()
				made[hold.New(n)] = n
				hold.Release()
				if n == 100*(i%4) {
					table.Merge(tables[(i*7+3)%len(tables)])
					tables[(i*5+1)%len(tables)].Merge(table)
				}
			}
			for h, want := range made {
				if v, ok := table.Get(h); !ok || v != want {
					t.Errorf("handle %#x gives %v, %v; expected %d", h, v, ok, want)
				}
			}
		})
	}
	wait.Wait()
	for i := range tables {
		tables[0].Merge(tables[i])
	}
	if n := tables[5].Len(); n != 16*500 {
		t.Errorf("%d handles, expected %d", n, 16*500)
	}
}
