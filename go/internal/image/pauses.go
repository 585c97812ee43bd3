//go:build linux && (amd64 || arm64)

package image

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmer/wasmer/go/internal/preempt"
)

// This file finds out whether Go's signals pause guests and work.
//
// Mostly the settings of the program tell (package preempt). They cannot be read where it was built
// with -trimpath, or not by the go command: then somebody may have linked in asyncpreemptoff=1.
// What is possible there:
//
//   - To try: a function of the image spins, and holds a processor of Go, while another goroutine
//     stops the world. With more than one processor the pause comes at once; with one it needs Go's
//     monitor, 10 to 20 ms. Without pauses it takes tryTime, once in a process. The function spins
//     for less than a millisecond at a time, so that nobody waits longer for the world to stop.
//   - To watch whether work is paused: until the answer is known, what runs long holds no processor
//     of Go, so that Go has no reason to send it signals. Those that come are our own, or somebody
//     else's.
//   - Not to rely on Go at all, and to set a timer of the kernel (slices.go) at each entry of a
//     guest: several system calls, about 1 µs, for entries that take 5 ns. A timer of the process's
//     own processor time costs nothing, but kernels before 6.4 mostly send its signal to the main
//     thread.
//   - To have a thread without a processor of Go look after guests: it would need to know which
//     thread each is on, again a system call at each entry.
//
// So this tries where the settings are not known.

const (
	// tryTime and tryStops are how long trying takes at least where no pause arrives: several of
	// Go's own slices, and a number of times that the world was stopped, as a machine that is busy
	// may let neither run for long.
	tryTime  = 100 * time.Millisecond
	tryStops = 20
	// tryPaused is how many pauses have to arrive. One alone may be somebody else's: a signal of
	// another process, of a socket with urgent data, or of interruptWhenDone to a thread that does
	// other things by now.
	tryPaused = 3
	// tryMost is when trying ends in any case.
	tryMost = 2 * time.Second
	// spinRounds is how often the image's function goes round at a time: some hundreds of
	// microseconds, as it tells the processor that it spins.
	spinRounds = 1 << 14
)

var (
	pausesOnce sync.Once
	pauses     bool
)

// PausesArrive reports whether guests that run long are paused by Go's signal. It is called after
// Load and after the image's handler is installed. Where they are, guests and functions of the
// image hold a processor of Go from then on.
func PausesArrive() bool {
	pausesOnce.Do(func() {
		switch {
		case preempt.Off:
		case preempt.Known:
			pauses = true
		default:
			pauses = tryPauses()
		}
		withoutP.Store(!pauses)
	})
	return pauses
}

// trial is what tryPauses finds out.
type trial struct {
	stops  atomic.Int64 // how often the world was stopped
	pauses int          // how many stops had a pause
	last   int64        // the last one that had
}

// paused notes a pause.
func (t *trial) paused() {
	if stop := t.stops.Load() + 1; stop != t.last {
		t.pauses, t.last = t.pauses+1, stop
	}
}

// arrive reports whether it is Go that pauses.
func (t *trial) arrive() bool { return t.pauses >= tryPaused }

// tryPauses lets a function run while the world is to be stopped.
func tryPauses() bool {
	over := make(chan struct{})
	defer close(over)
	t := new(trial)
	go func() {
		for {
			select {
			case <-over:
				return
			default:
				var unused runtime.MemStats
				runtime.ReadMemStats(&unused) // stops the world
				t.stops.Add(1)
				time.Sleep(time.Millisecond)
			}
		}
	}()
	s, heap := Take(), NewHeap()
	defer s.Release()
	defer heap.Release()
	s.trial = t
	defer func() { s.trial = nil }()
	more := func(took time.Duration) bool {
		return took < tryTime || t.stops.Load() < tryStops && took < tryMost
	}
	for began := time.Now(); !t.arrive() && more(time.Since(began)); {
		s.Words()[0] = spinRounds
		if s.workFunction(context.Background(), engine.spin, heap) != nil {
			return false
		}
	}
	return t.arrive()
}
