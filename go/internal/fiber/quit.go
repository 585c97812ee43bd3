package fiber

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file ends calls from outside. A fiber that is prepared for an instance refers to the
// instance's Quit, and looks at it whenever the guest has left: for a host function, for a runtime
// function, or because a signal paused it, which Go sends every 10 milliseconds. Guests that hold
// no processor of Go get no such signal: these are listed, and interrupted.

// Quit ends the calls of an instance. The zero value ends none.
type Quit struct {
	why atomic.Pointer[error]

	mutex sync.Mutex
	apart map[*Fiber]struct{} // the running calls that hold no processor of Go
	busy  bool                // a goroutine interrupts them
}

// never is the Quit of entries without one.
var never Quit

// Set ends the calls that run, and those that begin, with an error. Only the first one counts.
func (q *Quit) Set(err error) {
	if !q.why.CompareAndSwap(nil, &err) {
		return
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if len(q.apart) > 0 && !q.busy {
		q.busy = true
		go q.interrupt()
	}
}

// Err returns the error that was set, or nil.
func (q *Quit) Err() error {
	if why := q.why.Load(); why != nil {
		return *why
	}
	return nil
}

// begin lists a call that is about to run without a processor of Go. It returns an error if calls
// are to end; otherwise end follows.
func (q *Quit) begin(f *Fiber) error {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if err := q.Err(); err != nil { // who sets it looks at the list after that
		return err
	}
	if q.apart == nil {
		q.apart = make(map[*Fiber]struct{})
	}
	q.apart[f] = struct{}{}
	return nil
}

func (q *Quit) end(f *Fiber) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	delete(q.apart, f)
}

// interrupt asks the listed guests to pause until there are none, as a signal may find a thread in
// Go code. The lock keeps the fibers.
func (q *Quit) interrupt() {
	for {
		q.mutex.Lock()
		if len(q.apart) == 0 {
			q.busy = false
			q.mutex.Unlock()
			return
		}
		for f := range q.apart {
			engine.Interrupt(f.ctx)
		}
		q.mutex.Unlock()
		time.Sleep(time.Millisecond)
	}
}
