package handles

// This file is how values are dropped: a collection begins, marks the handles that it is shown, and drops the values of all others that were made before
// it began. Whoever starts it shows it all places where handles can be, at a time when guests are stopped; a place too many, or a word that only looks
// like a handle, keeps a value longer than needed and does no other harm.

const (
	// firstLimit is how many handles may be made before the first collection, and at least before each one.
	firstLimit = 1024
	// sweepStep is for how many pages at a time the table is locked while values are dropped.
	sweepStep = 128
)

// Hold is a time in which handles are made and put where collections find them, or read from such places and looked up. No collection begins during it, and none
// drops values: handles that are made under a hold are safe if they are in such a place before it ends, and what is read there can be looked up before it
// ends, even if the place is overwritten meanwhile. It must be short, must not block, and must not begin another hold, merge or collect.
type Hold struct{ contents *contents }

// Hold begins one, to be ended by Release.
func (t *Table) Hold() Hold {
	for {
		c := t.end()
		c.begin.RLock()
		if c.merged.Load() == nil {
			return Hold{c} // and it is not merged before the hold has ended
		}
		c.begin.RUnlock()
	}
}

// New makes a handle, as Table.New does.
func (h Hold) New(v any) uint64 {
	if v == nil {
		return 0
	}
	h.contents.mutex.Lock()
	defer h.contents.mutex.Unlock()
	return h.contents.add(v)
}

// Get looks up a handle, as Table.Get does.
func (h Hold) Get(handle uint64) (v any, ok bool) {
	if handle == 0 {
		return nil, true
	}
	h.contents.mutex.RLock()
	defer h.contents.mutex.RUnlock()
	return h.contents.get(handle)
}

// Pin keeps the value of a handle until Unpin was called as often. It is for handles in places where no collection looks.
func (h Hold) Pin(handle uint64) {
	h.contents.mutex.Lock()
	defer h.contents.mutex.Unlock()
	if _, ok := h.contents.get(handle); !ok {
		return
	}
	if h.contents.pins == nil {
		h.contents.pins = make(map[uint64]int)
	}
	h.contents.pins[handle]++
}

// Unpin takes back one Pin, if there is any.
func (h Hold) Unpin(handle uint64) {
	h.contents.mutex.Lock()
	defer h.contents.mutex.Unlock()
	if n := h.contents.pins[handle]; n > 1 {
		h.contents.pins[handle] = n - 1
	} else {
		delete(h.contents.pins, handle)
	}
}

// Release ends the hold.
func (h Hold) Release() { h.contents.begin.RUnlock() }

// Due says whether so many handles were made since the last collection that another one is worth while: more than 1024, and more than twice as many
// as were left then; when there is no call, a quarter of that.
func (t *Table) Due(idle bool) bool {
	c := t.end()
	return c.due.Load() || idle && c.dueIdle.Load()
}

// setDue says so; the contents are locked.
func (c *contents) setDue() {
	c.due.Store(c.made > c.limit && !c.marking)
	c.dueIdle.Store(c.made > max(firstLimit, c.limit/4) && !c.marking)
}

// Postpone says that a collection that is due cannot be made now. It is due again when half as many handles were made as before.
func (t *Table) Postpone() {
	c := t.lock()
	defer c.mutex.Unlock()
	c.made = min(c.made, c.limit/2)
	c.setDue()
}

// Collect drops the values whose handles are not among the words that roots marks. It returns how many, and whether it was done: there is one collection of
// a table at a time, and one is given up if roots says no, or if the table is merged into another meanwhile.
//
// Values whose handles are made after the beginning are kept. The words need not be handles of this table, nor handles at all.
func (t *Table) Collect(roots func(mark func(words []uint64)) bool) (dropped int, done bool) {
	c := t.beginMarking()
	if c == nil {
		return 0, false
	}
	finished := false
	defer func() { // also if roots panics
		if !finished {
			c.mutex.Lock()
			c.marking = false
			c.setDue()
			c.mutex.Unlock()
		}
	}()
	if !roots(c.mark) {
		return 0, false
	}
	dropped, done = c.sweep()
	finished = true
	return dropped, done
}

// beginMarking says that from now on what is made is kept. It returns nil if a collection runs.
func (t *Table) beginMarking() *contents {
	for {
		c := t.end()
		// Waits for those who have made handles that are nowhere yet.
		c.begin.Lock()
		c.mutex.Lock()
		merged, busy := c.merged.Load() != nil, c.marking
		if !merged && !busy {
			c.marking = true
			c.setDue()
			for _, p := range c.pages {
				p.marked = 0
			}
			for handle := range c.pins {
				c.markOne(handle)
			}
		}
		c.mutex.Unlock()
		c.begin.Unlock()
		switch {
		case busy:
			return nil
		case !merged:
			return c
		}
	}
}

func (c *contents) mark(words []uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, word := range words {
		if IsHandle(word) {
			c.markOne(word)
		}
	}
}

func (c *contents) markOne(handle uint64) {
	if p, at := c.find(handle); p != nil {
		p.marked |= 1 << at
	}
}

// sweep drops what is not marked, and ends the collection.
func (c *contents) sweep() (dropped int, done bool) {
	// Waits for those who have read handles from places that were overwritten before the collection came there. Later ones find marked handles only.
	c.begin.Lock()
	//lint:ignore SA2001 waiting is all that is wanted
	c.begin.Unlock()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	most, step := len(c.pages), 0
	for number, p := range c.pages {
		dropped += c.drop(p, p.live&^p.marked)
		if p.live == 0 && p != c.current {
			delete(c.pages, number)
		}
		if step++; step%sweepStep == 0 {
			c.mutex.Unlock() // for those who wait
			c.mutex.Lock()
			if c.merged.Load() != nil {
				break
			}
		}
	}
	c.marking = false
	if c.merged.Load() != nil {
		return dropped, false
	}
	if len(c.pages) < most/4 { // a map that was large stays large
		pages := make(map[uint64]*page, len(c.pages))
		for number, p := range c.pages {
			pages[number] = p
		}
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
