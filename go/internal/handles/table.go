// Package handles keeps the Go values that guests hold as externref.
//
// A guest sees a handle: a number that stands for a value in the table of its store, and nothing
// else. A value is kept at least as long as a guest can reach its handle; which handles those are,
// a collection finds out (Collect). A handle is never given out twice in the life of the process,
// and a table knows only its own, so that a stale or made-up number is an error and never another
// value.
package handles

import (
	"maps"
	"sync/atomic"

	"github.com/gowasmer/wasmer/go/internal/union"
)

// A handle is a tag and a serial number. With the tag it is no canonical address and a rather large
// negative number in each numeric type, so that few words of a stack look like a handle without
// being one.
const (
	tag        uint64 = 0xe7c << serialBits
	serialBits        = 52 // enough for fourteen years of ten million handles a second
)

// IsHandle reports whether a word can be a handle: it has the tag.
func IsHandle(word uint64) bool { return word>>serialBits == tag>>serialBits }

// pageSize is the number of consecutive handles that a table takes at once; there is a bit of a
// word for each.
const pageSize = 64

// page holds the values of consecutive handles.
type page struct {
	used   uint64 // how many were given out
	live   uint64 // bit by bit, which have a value
	marked uint64 // and which of these a collection has found
	values [pageSize]any
}

// pagesTaken counts the pages of all tables: what makes handles unique in the process.
var pagesTaken atomic.Uint64

// Table holds the values of a store. It may be used by any number of goroutines. The zero value is
// an empty table.
//
// The outer lock of its cell is held for reading from making a handle until it is where a
// collection finds it, and for writing by a collection that begins. The inner lock protects the
// contents.
type Table struct {
	cell union.Cell[contents]
}

// contents are shared by tables that were merged.
type contents struct {
	// due and dueIdle report whether so many handles were made that a collection is worth while;
	// see Due.
	due, dueIdle atomic.Bool

	pages   map[uint64]*page
	current *page          // new handles come from here; nil at first
	next    uint64         // the number of the current page
	pins    map[uint64]int // how often handles were pinned
	live    int            // how many handles have values
	made    int            // how many were made since the last collection
	limit   int            // how many may be made before the next one, if more than firstLimit
	marking bool           // a collection runs
}

// New makes a handle for a value; nil is the null handle, 0. A collection may drop the value at any
// time until the handle is where a guest can reach it: see Hold.
func (t *Table) New(v any) uint64 {
	if v == nil {
		return 0
	}
	c := t.cell.Lock()
	defer c.Unlock()
	return c.Contents.add(v)
}

func (c *contents) add(v any) uint64 {
	p := c.current
	if p == nil || p.used == pageSize {
		p = &page{}
		c.next = pagesTaken.Add(1)
		if c.pages == nil {
			c.pages = make(map[uint64]*page)
		}
		c.pages[c.next], c.current = p, p
	}
	at := p.used
	p.used++
	p.values[at] = v
	p.live |= 1 << at
	if c.marking {
		p.marked |= 1 << at // a collection keeps what is made while it runs
	}
	c.live++
	if c.made++; c.made > firstLimit {
		c.setDue()
	}
	return tag | c.next*pageSize | at
}

// Get returns the value of a handle; the null handle is nil. It reports whether the table knows the
// handle.
func (t *Table) Get(h uint64) (v any, ok bool) {
	if h == 0 {
		return nil, true
	}
	c := t.cell.RLock()
	defer c.RUnlock()
	return c.Contents.get(h)
}

func (c *contents) get(h uint64) (v any, ok bool) {
	if !IsHandle(h) {
		return nil, false
	}
	p, at := c.find(h)
	if p == nil || p.live>>at&1 == 0 {
		return nil, false
	}
	return p.values[at], true
}

// find returns the page of a word that has the tag, and the place there.
func (c *contents) find(h uint64) (*page, uint64) {
	serial := h &^ tag
	return c.pages[serial/pageSize], serial % pageSize
}

// Len returns how many handles have values.
func (t *Table) Len() int {
	c := t.cell.RLock()
	defer c.RUnlock()
	return c.Contents.live
}

// Merge makes both tables one: each knows the handles of both from now on. A collection of one of
// them that is running drops nothing of the other.
func (t *Table) Merge(other *Table) { union.Unite(&t.cell, &other.cell, (*contents).takeIn) }

// takeIn moves everything here. Both are locked, so that nobody makes a handle in one of them and
// puts it where a collection of the other begins to look.
func (c *contents) takeIn(from *contents) {
	for _, p := range from.pages {
		p.marked = 0
		if c.marking {
			p.marked = p.live
		}
	}
	if c.pages == nil {
		c.pages = from.pages
	} else {
		maps.Copy(c.pages, from.pages)
	}
	if c.pins == nil {
		c.pins = from.pins
	} else {
		maps.Copy(c.pins, from.pins)
	}
	c.live += from.live
	c.made += from.made
	c.setDue()
	from.pages, from.current, from.pins, from.live, from.made = nil, nil, nil, 0, 0
}
