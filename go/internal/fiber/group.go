package fiber

import (
	"context"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/image"
	"github.com/gowasmer/wasmer/go/internal/union"
)

// This file stops all guests of a store for a moment, so that what they refer to can be found. Only
// fibers that have joined a group take part; calls on others do not pass here.
//
// A fiber that is to run says so in its state, and then looks whether somebody wants the guests
// stopped; who wants that says so, and then looks at the states. So one of both sees the other. A
// guest that runs stops when it calls a host function, when it ends, or when Go's preemption signal
// pauses it, which comes every 10 milliseconds; host functions are not stopped.

// Group is the set of fibers on which there are calls of one store. The zero value is an empty one.
//
// The outer lock of its cell is held while the guests are stopped, the inner one protects the list.
type Group struct {
	cell union.Cell[members]
}

// members are what groups that were merged share.
type members struct {
	stopping atomic.Pointer[stop] // the running one, or nil
	first    *Fiber               // linked by next and previous
}

// stop is a time in which no guest of a group may run.
type stop struct {
	left chan struct{} // a fiber has stopped; holds one signal
	over chan struct{} // closed at the end
}

// membership is what a fiber has to do with its group. Other goroutines follow the links under the
// group's mutex, and read the state.
type membership struct {
	group          *Group // nil for none
	next, previous *Fiber
	state          atomic.Uint32
}

// The state of a member: what of it can hold references when it does not run...
const (
	stateEmpty     uint32 = iota // nothing: the call was given up
	stateSlots                   // arguments that were not used yet, or results
	stateSuspended               // the stack above its stack pointer, and the slots
)

// ...and whether it runs, or is about to.
const stateRunning uint32 = 1 << 31

// Join makes a prepared fiber a member, until Release. Its slots are cleared; arguments come after
// this. Host functions are called by the Host only, never directly, and C functions by Go.
func (f *Fiber) Join(g *Group, e *Entry) {
	f.Guarded, f.direct, f.directInstance = true, nil, 0
	f.apart, f.needsC = image.WithoutP(), false
	clear(f.words(*field[uintptr](f, ctxArgs)))
	f.state.Store(stateSlots)
	f.group = g
	cell := g.cell.Lock()
	defer cell.Unlock()
	m := &cell.Contents
	if f.next = m.first; f.next != nil {
		f.next.previous = f
	}
	m.first = f
}

// IsMember reports whether the fiber has joined a group.
func (f *Fiber) IsMember() bool { return f.group != nil }

// leaveGroup ends the membership.
func (f *Fiber) leaveGroup() {
	cell := f.group.cell.Lock()
	defer cell.Unlock()
	if f.previous != nil {
		f.previous.next = f.next
	} else {
		cell.Contents.first = f.next
	}
	if f.next != nil {
		f.next.previous = f.previous
	}
	f.group, f.next, f.previous = nil, nil, nil
}

// Empty reports whether there is no call.
func (g *Group) Empty() bool {
	cell := g.cell.RLock()
	defer cell.RUnlock()
	return cell.Contents.first == nil
}

// proceed waits until the guest may run, and says that it does.
func (f *Fiber) proceed() {
	halted := f.state.Load()
	for {
		f.state.Store(halted | stateRunning)
		cell := f.group.cell.Find()
		s := cell.Contents.stopping.Load()
		if s == nil {
			if !cell.Taken() {
				return
			}
			continue // and a stop of the other group may not have seen this fiber, or not its state
		}
		f.halt(halted)
		<-s.over
	}
}

// halt says that the guest does not run, and what of it can hold references.
func (f *Fiber) halt(state uint32) {
	f.state.Store(state)
	if s := f.group.cell.Find().Contents.stopping.Load(); s != nil {
		select {
		case s.left <- struct{}{}:
		default: // there is a signal already
		}
	}
}

// callGrouped is Call for a member of a group.
func (f *Fiber) callGrouped(ctx context.Context) (err error) {
	f.proceed()
	if f.apart {
		err = f.runApart(ctx)
	} else if !f.Enter(ctx) {
		err = f.TakeError()
	}
	if err != nil {
		f.halt(stateEmpty)
	} else {
		f.halt(stateSlots)
	}
	return err
}

// serveGrouped is serve for a member of a group. If it returns an error, or does not return, the
// guest is not resumed.
func (f *Fiber) serveGrouped(ctx context.Context, status uint64) error {
	f.halt(stateSuspended)
	if err := f.serve(ctx, status); err != nil {
		return err
	}
	f.proceed()
	return nil
}

// interruptAfter is how long a collection waits for guests that hold no processor of Go before it
// interrupts them, and does so again.
const interruptAfter = time.Millisecond

// Stop stops all guests of the group, shows scan the words of their stacks and slots, in pieces,
// and then calls found, and lets them go on. It returns what found returns.
//
// Scan must not keep the words. Neither of both functions may stop or merge groups, call guests, or
// wait for who does.
func (g *Group) Stop(scan func(words []uint64), found func() bool) bool {
	cell := g.cell.LockOuter()
	defer cell.UnlockOuter()
	m := &cell.Contents
	s := &stop{left: make(chan struct{}, 1), over: make(chan struct{})}
	m.stopping.Store(s)
	defer func() {
		m.stopping.Store(nil)
		close(s.over)
	}()
	tick := time.NewTicker(interruptAfter)
	defer tick.Stop()
	for {
		if stopped, result := scanStopped(cell, scan, found); stopped {
			return result
		}
		select {
		case <-s.left:
		case <-tick.C:
			interrupt(cell)
		}
	}
}

// scanStopped shows all words if no guest runs. The lock keeps all fibers in the group meanwhile.
// No guest can begin to run.
func scanStopped(cell *union.Cell[members], scan func(words []uint64), found func() bool) (stopped, result bool) {
	cell.Lock()
	defer cell.Unlock()
	for f := cell.Contents.first; f != nil; f = f.next {
		if f.state.Load()&stateRunning != 0 {
			return false, false
		}
	}
	for f := cell.Contents.first; f != nil; f = f.next {
		f.scan(scan)
	}
	return true, found()
}

// interrupt pauses guests that hold no processor of Go, which sends no signals to their threads.
func interrupt(cell *union.Cell[members]) {
	cell.Lock()
	defer cell.Unlock()
	for f := cell.Contents.first; f != nil; f = f.next {
		if f.apart && f.state.Load()&stateRunning != 0 {
			engine.Interrupt(f.ctx)
		}
	}
}

// redZone is how much of the stack below the stack pointer is looked at, too: compiled code is not
// known to use it, but the convention allows it.
const redZone = 128

// scan shows the words that can hold references: all of the stack from the stack pointer up, and
// the slots behind it; of a paused guest all registers, too. Words of dead frames lie below the
// stack pointer, and those of earlier pauses in a context that is not paused. The fiber may say for
// a moment that it runs: then it is about to see that it must not.
func (f *Fiber) scan(scan func(words []uint64)) {
	switch f.state.Load() &^ stateRunning {
	case stateSlots:
		scan(f.words(*field[uintptr](f, ctxArgs)))
	case stateSuspended:
		sp := *field[uintptr](f, ctxSp)
		switch *field[uint64](f, ctxStatus) {
		case statusPaused:
			if context := uintptr(f.ctx); sp >= context { // by a signal in compiled code: see rust/engine/src/fiber/signals.rs
				saved := unsafe.Slice((*uint64)(unsafe.Add(f.ctx, ctxResumeFrame)), (ctxSize-ctxResumeFrame)/8)
				scan(saved)
				sp = uintptr(saved[(ctxIret-ctxResumeFrame)/8+3])
			}
		case statusRuntimeCall:
			scan(unsafe.Slice((*uint64)(unsafe.Add(f.ctx, ctxRuntimeArgs)), 4))
		}
		scan(f.words(max(sp&^7-redZone, *field[uintptr](f, ctxStackLow))))
	}
}

// words views the fiber's memory from an address up to the context: the stack and the slots.
func (f *Fiber) words(from uintptr) []uint64 {
	context := uintptr(f.ctx)
	if from >= context {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Add(f.ctx, -int(context-from))), (context-from)/8)
}

// Merge makes both groups one. It waits for the end of a Stop of one of them.
func (g *Group) Merge(other *Group) { union.Unite(&g.cell, &other.cell, (*members).takeIn) }

// takeIn moves everything here; both are locked.
func (m *members) takeIn(from *members) {
	if last := from.first; last != nil {
		for last.next != nil {
			last = last.next
		}
		if last.next = m.first; last.next != nil {
			last.next.previous = last
		}
		m.first, from.first = from.first, nil
	}
}
