// Package externref keeps the Go values that the guests of a store hold as externref for as long as
// a guest can reach them, and drops them some time later.
//
// A collection stops the guests of the store, marks all handles that it finds, lets them go on, and
// drops the values of all others; exceptions, which the engine keeps, go in the same way. It looks
//
//   - exactly at globals, tables and passive element segments of the store, in the engine;
//   - at the stacks of all calls of the store that have begun and not ended, also those that wait
//     in host functions, and at the registers of guests that were paused: there each word counts
//     that has the bits of a handle, be it an externref, a number that happens to look so, or a
//     remnant in an unused part of a frame. So a value may be kept longer than needed, and none is
//     dropped too early.
//
// Go code that has a handle, and not the value, has it in one of these places, or holds off
// collections meanwhile (Put, Look).
package externref

import (
	"runtime"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
	"github.com/gowasmer/wasmer/go/internal/handles"
	"github.com/gowasmer/wasmer/go/internal/union"
)

// Space is what a store has for values of externref. It may be used by any number of goroutines.
// The zero value has no stores yet; the instances of the store, and later ones, are added.
//
// The outer lock of its cell is held by a collection.
type Space struct {
	refs   handles.Table
	guests fiber.Group
	cell   union.Cell[stores]
}

// stores are what spaces that were merged share.
type stores struct {
	watches []*watch
	open    int // of those that were added, how many are not closed
	quiet   []func() bool
}

// watch frees its handle when nothing refers to it.
type watch struct{ handle engine.StoreWatch }

// AddStore adds the engine's store of an instance. Closed is to be called when the instance was
// closed.
func (s *Space) AddStore(instance engine.Instance) error {
	handle, err := instance.Watch()
	if err != nil {
		return err
	}
	s.addWatch(handle)
	return nil
}

// AddObject adds the engine's store of a global or a table, in the same way.
func (s *Space) AddObject(object engine.Extern) error {
	handle, err := object.Watch()
	if err != nil {
		return err
	}
	s.addWatch(handle)
	return nil
}

func (s *Space) addWatch(handle engine.StoreWatch) {
	w := &watch{handle}
	runtime.AddCleanup(w, engine.StoreWatch.Free, handle)
	s.add([]*watch{w}, nil, 1)
}

// Closed tells that an instance or object was closed whose store was added. With the last of them
// all values go.
func (s *Space) Closed() {
	if s.add(nil, nil, -1) == 0 {
		s.Collect()
	}
}

// AddUnless makes collections wait as long as quiet returns false: there are calls whose fibers are
// not in the group, as they began when the store had nothing to do with externref. Once it returns
// true, there are none any more, and it is not asked again.
func (s *Space) AddUnless(quiet func() bool) { s.add(nil, []func() bool{quiet}, 0) }

// add adds to the lists and to the number of what is open, and returns that.
func (s *Space) add(watches []*watch, quiet []func() bool, count int) (open int) {
	cell := s.cell.Lock()
	defer cell.Unlock()
	return cell.Contents.add(watches, quiet, count)
}

func (s *stores) add(watches []*watch, quiet []func() bool, count int) (open int) {
	s.watches = append(s.watches, watches...)
	s.quiet = append(s.quiet, quiet...)
	s.open += count
	return s.open
}

// Refs returns the table of the values.
func (s *Space) Refs() *handles.Table { return &s.refs }

// Guests returns the group that fibers join for calls of the store.
func (s *Space) Guests() *fiber.Group { return &s.guests }

// Merge makes both spaces one. It is called before the engine makes their stores one, and may wait
// until a collection has ended.
func (s *Space) Merge(other *Space) {
	union.Unite(&s.cell, &other.cell, func(to, from *stores) {
		// No collection stops or marks anything now: it would hold one of the outer locks.
		s.guests.Merge(&other.guests)
		s.refs.Merge(&other.refs)
		to.add(from.watches, from.quiet, from.open)
		*from = stores{}
	})
}

// Put makes a handle for a value, 0 for nil, and hands it to put, which stores it where collections
// look, and does nothing else. Before that there may be a collection: other handles are in such
// places already.
func (s *Space) Put(v any, put func(handle uint64)) {
	if v == nil {
		put(0)
		return
	}
	hold := s.hold()
	defer hold.Release()
	put(hold.New(v))
}

func (s *Space) hold() handles.Hold {
	if s.refs.Due(false) {
		s.Collect()
	}
	return s.refs.Hold()
}

// Pinned makes a handle for a value, 0 for nil, which keeps the value wherever the handle is, until
// Unpin.
func (s *Space) Pinned(v any) (handle uint64) {
	hold := s.hold()
	defer hold.Release()
	handle = hold.New(v)
	hold.Pin(handle)
	return handle
}

// Pin does that with a handle that is in a place where collections look. It does nothing for a word
// that is no handle.
func (s *Space) Pin(handle uint64) {
	if engine.CanBeException(handle) {
		engine.Exception(handle).Pin()
		return
	}
	hold := s.refs.Hold()
	defer hold.Release()
	hold.Pin(handle)
}

// Unpin takes back one Pin or Pinned, if there was any.
func (s *Space) Unpin(handle uint64) {
	if engine.CanBeException(handle) {
		engine.Exception(handle).Unpin()
		return
	}
	hold := s.refs.Hold()
	defer hold.Release()
	hold.Unpin(handle)
}

// Look looks up the handle that get reads from a place where collections look, and which may be
// overwritten meanwhile. It reports whether it is one.
func (s *Space) Look(get func() (handle uint64)) (v any, ok bool) {
	hold := s.refs.Hold()
	defer hold.Release()
	return hold.Get(get())
}

// Idle tells that a call has ended. If it was the last one and many handles were made, there is a
// collection.
func (s *Space) Idle() {
	if s.refs.Due(true) && s.guests.Empty() {
		s.Collect()
	}
}

// Collect drops values that no guest can reach, and returns how many, and whether it was done. It
// is not done while another one runs, while there are calls that cannot be stopped (see AddUnless
// and fiber.Group), or while spaces are merged. It may be called by a host function. It takes until
// each running guest has stopped, which is 10 milliseconds at most as Go preempts them so often,
// and the time to look at tables and stacks; guests wait meanwhile, host functions do not.
func (s *Space) Collect() (dropped int, done bool) {
	cell := s.cell.TryLockOuter()
	if cell == nil {
		return 0, false
	}
	defer cell.UnlockOuter()
	dropped, done = s.refs.Collect(func(mark func(words []uint64)) bool { return s.mark(cell, mark) })
	if !done {
		s.refs.Postpone()
	}
	return dropped, done
}

// mark shows all words that can be handles. The outer lock of the cell is held.
func (s *Space) mark(cell *union.Cell[stores], mark func(words []uint64)) bool {
	if !isQuiet(cell) {
		return false
	}
	var exceptions []uint64
	both := func(words []uint64) {
		for _, word := range words {
			if engine.CanBeException(word) {
				exceptions = append(exceptions, word)
			}
		}
		mark(words)
	}
	return s.guests.Stop(both, func() bool {
		cell.Lock()
		watches := cell.Contents.watches
		cell.Unlock()
		alive := make([]*watch, 0, len(watches))
		for _, w := range watches {
			exists, err := w.handle.Roots(mark)
			if err != nil {
				return false
			}
			if exists {
				alive = append(alive, w)
				// What only these refer to is dropped by the next collection.
				w.handle.DropExceptions(exceptions)
			}
			runtime.KeepAlive(w)
		}
		cell.Lock()
		// Watches that were added meanwhile are of stores that have no handles yet.
		cell.Contents.watches = append(alive, cell.Contents.watches[len(watches):]...)
		cell.Unlock()
		return true
	})
}

// isQuiet asks those of AddUnless that have not returned true. The outer lock of the cell is held.
func isQuiet(cell *union.Cell[stores]) bool {
	cell.Lock()
	quiet := cell.Contents.quiet
	cell.Unlock()
	answered := 0
	for answered < len(quiet) && quiet[answered]() {
		answered++
	}
	cell.Lock()
	// Only a collection takes any away, and only one runs.
	cell.Contents.quiet = cell.Contents.quiet[answered:]
	cell.Unlock()
	return answered == len(quiet)
}
