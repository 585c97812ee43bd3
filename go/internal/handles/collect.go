package handles

import (
	"maps"

	"github.com/gowasmer/wasmer/go/internal/union"
)

// This file is how values are dropped: a collection begins, marks the handles that it is shown, and
// drops the values of all others that were made before it began. Whoever starts it shows it all
// places where handles can be, at a time when guests are stopped; a place too many, or a word that
// only looks like a handle, keeps a value longer than needed and does no other harm.

const (
	// firstLimit is how many handles may be made before the first collection, and at least before
	// each one.
	firstLimit = 1024
	// sweepStep is for how many pages at a time the table is locked while values are dropped.
	sweepStep = 128
)

// Hold is a time in which handles are made and put where collections find them, or read from such
// places and looked up. No collection begins during it, and none drops values: handles that are
// made under a hold are safe if they are in such a place before it ends, and what is read there can
// be looked up before it ends, even if the place is overwritten meanwhile. It must be short, must
// not block, and must not begin another hold, merge or collect.
type Hold struct{ cell *union.Cell[contents] }

// Hold begins one, to be ended by Release. The table is not merged into another before that.
func (t *Table) Hold() Hold { return Hold{t.cell.RLockOuter()} }

// New makes a handle, as Table.New does.
func (h Hold) New(v any) uint64 {
	if v == nil {
		return 0
	}
	c := h.cell.Lock()
	defer c.Unlock()
	return c.Contents.add(v)
}

// Get looks up a handle, as Table.Get does.
func (h Hold) Get(handle uint64) (v any, ok bool) {
	if handle == 0 {
		return nil, true
	}
	c := h.cell.RLock()
	defer c.RUnlock()
	return c.Contents.get(handle)
}

// Pin keeps the value of a handle until Unpin was called as often. It is for handles in places
// where no collection looks.
func (h Hold) Pin(handle uint64) {
	cell := h.cell.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	if _, ok := c.get(handle); !ok {
		return
	}
	if c.pins == nil {
		c.pins = make(map[uint64]int)
	}
	c.pins[handle]++
}

// Unpin takes back one Pin, if there is any.
func (h Hold) Unpin(handle uint64) {
	cell := h.cell.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	if n := c.pins[handle]; n > 1 {
		c.pins[handle] = n - 1
	} else {
		delete(c.pins, handle)
	}
}

// Release ends the hold.
func (h Hold) Release() { h.cell.RUnlockOuter() }

// Due reports whether so many handles were made since the last collection that another one is worth
// while: more than 1024, and more than twice as many as were left then; when there is no call, a
// quarter of that.
func (t *Table) Due(idle bool) bool {
	c := &t.cell.Find().Contents
	return c.due.Load() || idle && c.dueIdle.Load()
}

// setDue works that out; the contents are locked.
func (c *contents) setDue() {
	limit := max(firstLimit, c.limit)
	c.due.Store(c.made > limit && !c.marking)
	c.dueIdle.Store(c.made > max(firstLimit, limit/4) && !c.marking)
}

// Postpone tells that a collection that is due cannot be made now. It is due again when half as
// many handles were made as before.
func (t *Table) Postpone() {
	cell := t.cell.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	c.made = min(c.made, max(firstLimit, c.limit)/2)
	c.setDue()
}

// Collect drops the values whose handles are not among the words that roots marks. It returns how
// many, and whether it was done: there is one collection of a table at a time, and one is given up
// if roots returns false, or if the table is merged into another meanwhile.
//
// Values whose handles are made after the beginning are kept. The words need not be handles of this
// table, nor handles at all.
func (t *Table) Collect(roots func(mark func(words []uint64)) bool) (dropped int, done bool) {
	cell := t.beginMarking()
	if cell == nil {
		return 0, false
	}
	finished := false
	defer func() { // also if roots panics
		if !finished {
			endMarking(cell)
		}
	}()
	if !roots(func(words []uint64) { mark(cell, words) }) {
		return 0, false
	}
	dropped, done = sweep(cell)
	finished = true
	return dropped, done
}

// beginMarking decides that from now on what is made is kept. It returns nil if a collection runs.
func (t *Table) beginMarking() *union.Cell[contents] {
	outer := t.cell.LockOuter() // waits for those who have made handles that are nowhere yet
	defer outer.UnlockOuter()
	cell := outer.Lock()
	defer cell.Unlock()
	c := &cell.Contents
	if c.marking {
		return nil
	}
	c.marking = true
	c.setDue()
	for _, p := range c.pages {
		p.marked = 0
	}
	for handle := range c.pins {
		c.markOne(handle)
	}
	return cell
}

// endMarking ends a collection that was given up. If the cell was taken in by another there is none
// any more.
func endMarking(cell *union.Cell[contents]) {
	now := cell.Lock()
	defer now.Unlock()
	if now == cell {
		now.Contents.marking = false
		now.Contents.setDue()
	}
}

// mark marks the handles among words, unless the cell was taken in by another: then the collection
// will drop nothing.
func mark(cell *union.Cell[contents], words []uint64) {
	now := cell.Lock()
	defer now.Unlock()
	for _, word := range words {
		if now == cell && IsHandle(word) {
			now.Contents.markOne(word)
		}
	}
}

func (c *contents) markOne(handle uint64) {
	if p, at := c.find(handle); p != nil {
		p.marked |= 1 << at
	}
}

// sweep drops what is not marked, and ends the collection.
func sweep(cell *union.Cell[contents]) (dropped int, done bool) {
	// Waits for those who have read handles from places that were overwritten before the collection
	// came there. Later ones find marked handles only.
	cell.LockOuter().UnlockOuter()
	now := cell.Lock()
	defer func() { now.Unlock() }()
	if now != cell {
		return 0, false
	}
	c := &cell.Contents
	most, step := len(c.pages), 0
	for number, p := range c.pages {
		dropped += c.drop(p, p.live&^p.marked)
		if p.live == 0 && p != c.current {
			delete(c.pages, number)
		}
		if step++; step%sweepStep == 0 {
			now.Unlock() // for those who wait
			if now = cell.Lock(); now != cell {
				return dropped, false
			}
		}
	}
	c.marking = false
	if len(c.pages) < most/4 { // a map that was large stays large
		pages := make(map[uint64]*page, len(c.pages))
		maps.Copy(pages, c.pages)
		c.pages = pages
	}
	c.made, c.limit = 0, max(firstLimit, 2*c.live)
	c.setDue()
	return dropped, true
}

// drop forgets the values of a page by their bits.
func (c *contents) drop(p *page, bits uint64) int {
	p.live &^= bits
	n := 0
	for at := range p.values {
		if bits>>at&1 != 0 {
			p.values[at] = nil
			n++
		}
	}
	c.live -= n
	return n
}
