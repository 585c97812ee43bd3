package wasi

import (
	"sync"
	"sync/atomic"
)

// descriptor is an entry of the table of open files.
type descriptor struct {
	object     object
	base       atomic.Uint64 // Rights
	inheriting atomic.Uint64 // Rights of what is opened through it
	flags      atomic.Uint32
	preopen    bool   // whether fd_prestat_get tells of it
	name       string // how the guest calls it, if preopen
	listing    listing
}

func newDescriptor(o object, base, inheriting Rights, flags uint32) *descriptor {
	d := &descriptor{object: o}
	d.base.Store(uint64(base))
	d.inheriting.Store(uint64(inheriting))
	d.flags.Store(flags)
	return d
}

func (d *descriptor) has(rights Rights) bool { return Rights(d.base.Load())&rights == rights }

func (d *descriptor) nonblock() bool { return d.flags.Load()&flagNonblock != 0 }

// defaultMaxFiles is how many descriptors a guest may open beyond those that it is given: what
// systems allow a process by default.
const defaultMaxFiles = 1024

// descriptors is the table. Looking an entry up takes no lock; changes take one.
type descriptors struct {
	mutex   sync.Mutex
	entries atomic.Pointer[[]atomic.Pointer[descriptor]]
	free    int // no entry below it is free
	limit   int // how many there may be; the guest is given what it is given before there is one
}

// get finds a descriptor, nil if the number is not open.
func (t *descriptors) get(fd uint64) *descriptor {
	entries := t.entries.Load()
	if entries == nil || uint64(uint32(fd)) >= uint64(len(*entries)) {
		return nil
	}
	return (*entries)[uint32(fd)].Load()
}

// add gives a descriptor the lowest number that is free, as POSIX does.
func (t *descriptors) add(d *descriptor) (uint32, Errno) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var entries []atomic.Pointer[descriptor]
	if current := t.entries.Load(); current != nil {
		entries = *current
	}
	fd := t.free
	for fd < len(entries) && entries[fd].Load() != nil {
		fd++
	}
	if t.limit != 0 && fd >= t.limit {
		return 0, EMFILE
	}
	if fd == len(entries) {
		larger := make([]atomic.Pointer[descriptor], max(16, 2*len(entries)))
		for i := range entries {
			larger[i].Store(entries[i].Load())
		}
		entries = larger
		t.entries.Store(&larger)
	}
	entries[fd].Store(d)
	t.free = fd + 1
	return uint32(fd), Success
}

// remove takes a descriptor out of the table, nil if there is none.
func (t *descriptors) remove(fd uint64) *descriptor {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	d := t.get(fd)
	if d != nil {
		(*t.entries.Load())[uint32(fd)].Store(nil)
		t.free = min(t.free, int(uint32(fd)))
	}
	return d
}

// renumber moves a descriptor to a number that is open, and returns what was there.
func (t *descriptors) renumber(from, to uint64) (replaced *descriptor, errno Errno) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	moved, replaced := t.get(from), t.get(to)
	if moved == nil || replaced == nil {
		return nil, EBADF
	}
	if moved == replaced {
		return nil, Success
	}
	entries := *t.entries.Load()
	entries[uint32(to)].Store(moved)
	entries[uint32(from)].Store(nil)
	t.free = min(t.free, int(uint32(from)))
	return replaced, Success
}

// closeAll empties the table.
func (t *descriptors) closeAll() {
	t.mutex.Lock()
	entries := t.entries.Swap(nil)
	t.free = 0
	t.mutex.Unlock()
	if entries == nil {
		return
	}
	for i := range *entries {
		if d := (*entries)[i].Swap(nil); d != nil {
			d.object.close()
		}
	}
}
