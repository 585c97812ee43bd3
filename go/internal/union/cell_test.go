package union

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// bag is what the cells of the tests hold: who is in it.
type bag struct {
	members map[int]bool
	size    atomic.Int64
	moved   bool
}

func newCells(n int) []*Cell[bag] {
	cells := make([]*Cell[bag], n)
	for i := range cells {
		cells[i] = &Cell[bag]{Contents: bag{members: map[int]bool{i: true}}}
		cells[i].Contents.size.Store(1)
	}
	return cells
}

func takeIn(to, from *bag) {
	if to.moved || from.moved {
		panic("a cell that was taken in is used")
	}
	for member := range from.members {
		to.members[member] = true
	}
	to.size.Add(from.size.Load())
	from.members, from.moved = nil, true
}

func TestCellsBecomeOne(t *testing.T) {
	cells := newCells(4)
	Unite(cells[1], cells[0], takeIn)
	Unite(cells[2], cells[3], takeIn)
	if cells[0].Same(cells[2]) || !cells[0].Same(cells[1]) || !cells[2].Same(cells[3]) {
		t.Error("the wrong cells are one")
	}
	Unite(cells[3], cells[0], takeIn)
	Unite(cells[1], cells[2], takeIn) // nothing is left to do
	Both(cells[1], cells[2], func(_, _ *bag) { t.Error("Both is called for one cell") })
	root := cells[0].Find()
	for i, cell := range cells {
		if cell.Find() != root || cell.Taken() != (cell != root) {
			t.Errorf("cell %d leads elsewhere", i)
		}
	}
	if len(root.Contents.members) != 4 {
		t.Errorf("%d members, expected 4", len(root.Contents.members))
	}
	if locked := cells[3].TryLockOuter(); locked != root || cells[1].TryLockOuter() != nil {
		t.Error("TryLockOuter takes a lock twice")
	} else {
		locked.UnlockOuter()
	}
}

// TestHammer unites cells in random order, from many goroutines, while others look at them under
// each kind of lock. A lock in the wrong order ends in a deadlock, one that is missing in a race.
func TestHammer(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		const count = 64
		cells := newCells(count)
		check := func(i int, c *Cell[bag]) {
			if c.Contents.moved || !c.Contents.members[i] {
				t.Errorf("cell %d is not where it leads to", i)
			}
		}
		var united sync.WaitGroup
		for range 4 {
			united.Go(func() {
				for _, i := range rand.Perm(count) {
					Unite(cells[i], cells[rand.IntN(count)], takeIn)
					Both(cells[i], cells[rand.IntN(count)], func(a, b *bag) {
						if a == b || a.moved || b.moved {
							t.Error("Both is called with the wrong cells")
						}
					})
				}
				for i := range count {
					Unite(cells[i], cells[(i+1)%count], takeIn)
				}
			})
		}
		var stop atomic.Bool
		var looking sync.WaitGroup
		for kind := range 5 {
			looking.Go(func() {
				for !stop.Load() {
					i := rand.IntN(count)
					switch kind {
					case 0:
						c := cells[i].Lock()
						check(i, c)
						c.Unlock()
					case 1:
						c := cells[i].RLock()
						check(i, c)
						c.RUnlock()
					case 2:
						c := cells[i].LockOuter()
						within := cells[i].Lock() // the outer lock keeps it the same
						if within != c {
							t.Error("a cell was united although its outer lock is held")
						}
						check(i, within)
						within.Unlock()
						c.UnlockOuter()
					case 3:
						c := cells[i].RLockOuter()
						within := cells[i].RLock()
						check(i, within)
						within.RUnlock()
						c.RUnlockOuter()
					default:
						if c := cells[i].TryLockOuter(); c != nil {
							if c.Taken() {
								t.Error("a cell was united although its outer lock is held")
							}
							c.UnlockOuter()
						}
					}
				}
			})
		}
		united.Wait()
		stop.Store(true)
		looking.Wait()
		root := cells[0].Find()
		for i, cell := range cells {
			if cell.Find() != root {
				t.Fatalf("cell %d is not united with the others", i)
			}
		}
		if n := root.Contents.size.Load(); n != count || len(root.Contents.members) != count {
			t.Fatalf("%d members and a size of %d, expected %d", len(root.Contents.members), n, count)
		}
	}
}
