package core

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// atRest does something while no code of the instance runs and none can begin. The error wraps
// ErrClosed or ErrRunning, is a *Terminated, or that of do.
func (s *Instance) atRest(do func() error) error {
	if !s.Enter() {
		return ClosedError("instance")
	}
	defer s.Leave()
	if err := s.quit.Err(); err != nil {
		return err
	}
	if !s.stop(2) { // this use, and what the gate stands for
		return ErrRunning
	}
	defer s.resume()
	linked, ok := s.stopLinked()
	defer func() {
		for _, other := range linked {
			other.resume()
		}
	}()
	if !ok {
		return ErrRunning
	}
	for _, memory := range s.knownMemories() {
		if !memory.life.hold(0) {
			return ErrRunning
		}
		defer memory.life.resume()
	}
	return do()
}

// stop refuses calls of the instance until resume, if there is none and no more uses than the given
// number, and reports whether it does.
func (s *Instance) stop(uses uint64) bool {
	if !(s.own.IsOwned() && s.own.Take()) && !s.own.Claim() {
		return false
	}
	if !s.life.hold(uses) {
		s.leaveOwn()
		return false
	}
	return true
}

// resume ends what stop began.
func (s *Instance) resume() {
	s.life.resume()
	s.leaveOwn()
}

// stopLinked stops the instances that are linked with this one, whose code may call its functions
// and use its memories. It returns those that it has stopped, and whether these are all.
func (s *Instance) stopLinked() (stopped []*Instance, ok bool) {
	cell := s.store.cell.RLock()
	defer cell.RUnlock()
	ok = true
	cell.Contents.each(func(other *Instance) bool {
		switch {
		case other == s:
		case other.own.IsShut(): // it is closed
			ok = !other.isUsed()
		case other.stop(1): // what its gate stands for
			stopped = append(stopped, other)
		default:
			ok = false
		}
		return ok
	})
	return stopped, ok
}

// isUsed reports whether there is a use of the instance.
func (s *Instance) isUsed() bool { return s.life.word.Load()&^(closedBit|freedBit|refusals) > 0 }

// Reset makes the memories, tables, globals and segments of the instance's own what they were when
// it was made, and runs the start function, unless it was made of a snapshot. If it fails in the
// midst of that, the instance is closed. The error wraps ErrClosed or ErrRunning, is a *Terminated,
// a *Trap, a *Cancelled, the error of a host function, or one of the engine.
func (s *Instance) Reset(ctx context.Context) error {
	if err := CheckContext(ctx); err != nil {
		return err
	}
	failed := true
	began := false
	defer func() { // also if a host function panics
		if began && failed {
			s.Close()
		}
	}()
	err := s.atRest(func() error {
		began = true
		if err := s.owned.handle.Reset(); err != nil {
			return err
		}
		if s.atReset != nil {
			return s.atReset()
		}
		return nil
	})
	if err == nil && !s.initialized {
		if !s.Enter() {
			return ClosedError("instance")
		}
		defer s.Leave()
		err = asTrap(s.runStart(ctx))
	}
	failed = err != nil
	return err
}

// IsShown reports whether somebody may keep addresses of bytes of a memory of the instance, be it
// imported or its own.
func (s *Instance) IsShown() bool {
	return slices.ContainsFunc(s.knownMemories(), func(m *Memory) bool { return m.shown.Load() })
}

// knownMemories returns the memories of the instance that somebody has asked for, imported ones and
// its own.
func (s *Instance) knownMemories() []*Memory {
	var known []*Memory
	add := func(m *Memory) {
		if m != nil && !slices.Contains(known, m) {
			known = append(known, m)
		}
	}
	add(s.exported)
	add(s.first.Load())
	s.borrowed.Lock()
	defer s.borrowed.Unlock()
	for _, item := range s.borrowed.items {
		if memory, ok := item.(*Memory); ok {
			add(memory)
		}
	}
	return known
}

// Snapshot takes a snapshot of the memories, tables, globals and segments of the instance's own.
// The error is as that of Reset, or tells what a snapshot cannot keep.
func (s *Instance) Snapshot() (snapshot *Snapshot, err error) {
	err = s.atRest(func() error {
		var clock int64
		if s.atSnapshot != nil {
			var err error
			if clock, err = s.atSnapshot(); err != nil {
				return err
			}
		}
		handle, err := s.owned.handle.Snapshot()
		if err == nil {
			snapshot = newSnapshot(handle, s.owned.code, s.about, clock)
		}
		return err
	})
	return snapshot, err
}

// newSnapshot takes over a handle. The code is in use.
func newSnapshot(handle engine.Snapshot, code *Code, about *About, clock int64) *Snapshot {
	code.hold()
	snapshot := &Snapshot{handle: handle, code: code, about: about, Clock: clock}
	snapshot.cleanup = runtime.AddCleanup(snapshot, snapshotParts.free, snapshotParts{handle, code})
	return snapshot
}

// snapshotParts are what a snapshot holds outside of Go's heap.
type snapshotParts struct {
	handle engine.Snapshot
	code   *Code
}

func (p snapshotParts) free() {
	p.handle.Free()
	p.code.leave()
}

// DeserializeSnapshot makes a snapshot of a module of what Snapshot.Serialize wrote.
func DeserializeSnapshot(module *Module, bytes []byte) (*Snapshot, error) {
	if err := module.Enter(); err != nil {
		return nil, err
	}
	defer module.Leave()
	const size = 8
	if len(bytes) < size {
		return nil, fmt.Errorf("a snapshot of %d bytes, expected %d at least", len(bytes), size)
	}
	handle, err := engine.DeserializeSnapshot(module.code.handle, bytes[size:])
	if err != nil {
		return nil, err
	}
	return newSnapshot(handle, module.code, module.about, int64(binary.LittleEndian.Uint64(bytes))), nil
}

// Serialize writes the snapshot: its clock, and then what the engine has of it.
func (p *Snapshot) Serialize() ([]byte, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.life.leave(p)
	bytes, err := p.handle.Serialize()
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(p.Clock)), bytes...), nil
}

// Instantiate creates an instance that begins with what the snapshot holds; no start function is
// run. The error is as that of [Instantiate].
func (p *Snapshot) Instantiate(ctx context.Context, imports *Registry, options InstanceOptions) (*Instance, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.life.leave(p)
	return instantiate(ctx, p.about, p.code, p, imports, &options)
}

// About describes the module, nil for no snapshot. It must not be changed.
func (p *Snapshot) About() *About {
	if p == nil {
		return nil
	}
	return p.about
}

func (p *Snapshot) enter() error {
	if p == nil || !p.life.enter(p) {
		return ClosedError("snapshot")
	}
	return nil
}

// IsClosed reports whether the snapshot was closed, or never made.
func (p *Snapshot) IsClosed() bool { return p == nil || p.life.isClosed() }

// Close frees the snapshot when its last use ends. Instances keep what they need of it.
func (p *Snapshot) Close() {
	if p != nil {
		p.life.close(p)
	}
}

// release implements releaser.
func (p *Snapshot) release() {
	p.cleanup.Stop()
	snapshotParts{p.handle, p.code}.free()
	p.handle = engine.Snapshot{}
}
