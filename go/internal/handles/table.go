// Package handles keeps the Go values that guests hold as externref.
//
// A guest sees a handle: a number that stands for a value in the table of its store, and nothing else. A value is kept at least as long as a guest can reach
// its handle; which handles those are, a collection finds out (Collect). A handle is never given out twice in the life of the process, and a table knows
// only its own, so that a stale or made-up number is an error and never another value.
package handles

import (
	"maps"
	"sync"
	"sync/atomic"
)

// A handle is a tag and a serial number. With the tag it is no canonical address and a rather large negative number in each numeric type, so that few words
// of a stack look like a handle without being one.
const (
	tag        uint64 = 0xe7c << serialBits
	serialBits        = 52 // enough for fourteen years of ten million handles a second
)

// IsHandle says whether a word can be a handle: whether it has the tag.
func IsHandle(word uint64) bool { return word>>serialBits == tag>>serialBits }

// pageSize is the number of consecutive handles that a table takes at once; there is a bit of a word for each.
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

// Table holds the values of a store. It may be used by any number of goroutines.
type Table struct {
	contents atomic.Pointer[contents]
}

// contents are shared by tables that were merged.
type contents struct {
	// begin is held for reading from making a handle until it is where a collection finds it, and for writing by a collection that begins.
	begin sync.RWMutex

	// due and dueIdle say whether so many handles were made that a collection is worth while; see Due.
	due, dueIdle atomic.Bool

	// merged is where everything is now, or nil. It is set under all locks.
	merged atomic.Pointer[contents]

	mutex   sync.RWMutex // protects what follows
	pages   map[uint64]*page
	current *page          // new handles come from here; nil at first
	next    uint64         // the number of the current page
	pins    map[uint64]int // how often handles were pinned
	live    int            // how many handles have values
	made    int            // how many were made since the last collection
	limit   int            // how many may be made before the next one
	marking bool           // a collection runs
}

// NewTable makes an empty table.
func NewTable() *Table {
	t := &Table{}
	t.contents.Store(&contents{pages: make(map[uint64]*page), limit: firstLimit})
	return t
}

// end gives the contents that the table has at the moment.
func (t *Table) end() *contents {
	for {
		c := t.contents.Load()
		next := c.merged.Load()
		if next == nil {
			return c
		}
		t.contents.CompareAndSwap(c, next)
	}
}

// lock gives them locked for writing.
func (t *Table) lock() *contents {
	for {
		c := t.end()
		c.mutex.Lock()
		if c.merged.Load() == nil {
			return c
		}
		c.mutex.Unlock()
	}
}

// New makes a handle for a value; nil is the null handle, 0. A collection may drop the value at any time until the handle is where a guest can reach it:
// see Hold.
func (t *Table) New(v any) uint64 {
	if v == nil {
		return 0
	}
	c := t.lock()
	defer c.mutex.Unlock()
	return c.add(v)
}

func (c *contents) add(v any) uint64 {
	p := c.current
	if p == nil || p.used == pageSize {
		p = &page{}
		c.next = pagesTaken.Add(1)
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

// Get returns the value of a handle; the null handle gives nil. It says whether the table knows the handle.
func (t *Table) Get(h uint64) (v any, ok bool) {
	if h == 0 {
		return nil, true
	}
	for {
		c := t.end()
		c.mutex.RLock()
		v, ok = c.get(h)
		merged := c.merged.Load() != nil
		c.mutex.RUnlock()
		if !merged {
			return v, ok
		}
	}
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

// find gives the page of a word that has the tag, and the place there.
func (c *contents) find(h uint64) (*page, uint64) {
	serial := h &^ tag
	return c.pages[serial/pageSize], serial % pageSize
}

// Len returns how many handles have values.
func (t *Table) Len() int {
	c := t.lock()
	defer c.mutex.Unlock()
	return c.live
}

// Merge makes both tables one: each knows the handles of both from now on. A collection of one of them that is running drops nothing of the other.
func (t *Table) Merge(other *Table) {
	for {
		to, from := t.end(), other.end()
		if to == from {
			return
		}
		if mergeContents(to, from) {
			return
		}
	}
}

// mergeOrder lets one merge lock two tables at a time.
var mergeOrder sync.Mutex

// mergeContents moves everything. It says no if one of them was merged meanwhile.
func mergeContents(to, from *contents) bool {
	mergeOrder.Lock()
	defer mergeOrder.Unlock()
	// Nobody makes a handle in one of them and puts it where a collection of the other begins to look.
	from.begin.Lock()
	defer from.begin.Unlock()
	from.mutex.Lock()
	defer from.mutex.Unlock()
	to.mutex.Lock()
	defer to.mutex.Unlock()
	if from.merged.Load() != nil || to.merged.Load() != nil {
		return false
	}
	for number, p := range from.pages {
		p.marked = 0
		if to.marking {
			p.marked = p.live
		}
		to.pages[number] = p
	}
	if to.pins == nil {
		to.pins = from.pins
	} else {
		maps.Copy(to.pins, from.pins)
	}
	to.live += from.live
	to.made += from.made
	to.setDue()
	from.pages, from.current, from.pins, from.live, from.made = nil, nil, nil, 0, 0
	from.merged.Store(to)
	return true
}
