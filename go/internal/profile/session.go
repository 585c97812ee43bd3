package profile

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// session is a profile that is being taken.
type session struct {
	ring       *fiber.Samples
	lostBefore uint64

	mutex  sync.Mutex // taken after that of modules, if both are
	places map[uintptr]*place
	all    []*place
	stacks map[string]*stack
}

// place is an instruction of a guest: one that was interrupted, or in the others of a stack the
// last byte of a call.
type place struct {
	number uint64
	pc     uintptr
	of     *snapshot // the module, once it is found
	frames []frame
}

// stack is one or more samples with the same program counters.
type stack struct {
	guest []*place
	host  []uintptr
	count uint64
}

func newSession(ring *fiber.Samples) *session {
	s := &session{
		ring: ring, places: make(map[uintptr]*place), stacks: make(map[string]*stack),
	}
	for ring.Unread() > 0 { // of an earlier profile
		if _, ok := ring.Next(); !ok {
			break
		}
	}
	s.lostBefore = ring.Lost()
	return s
}

// drain reads what is in the ring.
func (s *session) drain() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for {
		sample, ok := s.ring.Next()
		if !ok {
			return
		}
		s.add(sample)
	}
}

// finish reads what is in the ring, when nothing more is begun, and returns how many samples were
// lost. A handler may still be writing.
func (s *session) finish() uint64 {
	s.drain()
	deadline := time.Now().Add(100 * time.Millisecond)
	for s.ring.Unread() > 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
		s.drain()
	}
	return s.ring.Lost() - s.lostBefore + s.ring.Unread()
}

// add counts a sample.
func (s *session) add(sample fiber.Sample) {
	guest := make([]*place, len(sample.Guest))
	var key []byte
	for i, pc := range sample.Guest {
		if i > 0 {
			pc-- // a return address may be that of the next function
		}
		p := s.places[pc]
		if p == nil {
			p = &place{number: uint64(len(s.all)), pc: pc}
			s.places[pc] = p
			s.all = append(s.all, p)
		}
		guest[i] = p
		key = binary.LittleEndian.AppendUint64(key, p.number)
	}
	for _, pc := range sample.Host {
		key = binary.LittleEndian.AppendUint64(key, ^uint64(pc)) // no number of a place
	}
	known := s.stacks[string(key)]
	if known == nil {
		known = &stack{guest: guest, host: slices.Clone(sample.Host)}
		s.stacks[string(key)] = known
	}
	known.count++
}

// unloaded finds the functions of a module before it goes. Its addresses may become another one's.
func (s *session) unloaded(source Source) {
	s.drain()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	m := snap(source)
	if m == nil {
		return
	}
	for pc, p := range s.places {
		if m.has(pc) {
			p.of, p.frames = m, m.frames(pc)
			delete(s.places, pc)
		}
	}
	m.source = nil
}

// resolve finds the functions of all other places. The mutex of modules is held.
func (s *session) resolve() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var loaded []*snapshot
	for source := range modules.loaded {
		if m := snap(source); m != nil {
			loaded = append(loaded, m)
		}
	}
	for pc, p := range s.places {
		for _, m := range loaded {
			if m.has(pc) {
				p.of, p.frames = m, m.frames(pc)
				break
			}
		}
		if p.of == nil {
			p.frames = []frame{{function: "wasm code", file: wasmFile}}
		}
	}
}

// sorted returns the stacks in an order that does not depend on chance.
func (s *session) sorted() []*stack {
	keys := make([]string, 0, len(s.stacks))
	for key := range s.stacks {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	stacks := make([]*stack, len(keys))
	for i, key := range keys {
		stacks[i] = s.stacks[key]
	}
	return stacks
}
