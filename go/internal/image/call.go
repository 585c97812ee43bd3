//go:build linux && (amd64 || arm64)

package image

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// This file calls functions of the image, and does what they leave for.

// Call calls an entry with the arguments in Words. It uses the heap that all share, and runs until
// it is done: what pauses it wants is put off. Failed tells whether it has died.
func (s *Stack) Call(entry int) { s.callFunction(entries[entry]) }

func (s *Stack) callFunction(function uintptr) {
	*field[uint64](s.head, headHeap) = 0
	*field[uint64](s.head, headPausable) = 0
	s.run(context.Background(), function)
}

// CallWork calls an entry that may be paused, and that may be given up when the context is done. It
// uses a heap of its own. The entry keeps nothing anywhere else, and holds no lock.
//
// The error is nil, the context's, or a *Died. After an error the heap can only be released.
func (s *Stack) CallWork(ctx context.Context, entry int, heap *Heap) error {
	if err, yes := s.fails(ctx, entry, heap); yes {
		return err
	}
	return s.workFunction(ctx, entries[entry], heap)
}

func (s *Stack) workFunction(ctx context.Context, function uintptr, heap *Heap) error {
	if err := expired(ctx); err != nil {
		return err
	}
	if err := heap.usable(); err != nil {
		return err
	}
	*field[uint64](s.head, headHeap) = uint64(uintptr(heap.cell))
	*field[uint64](s.head, headPausable) = 1
	s.deep = true
	if withoutP.Load() && ctx.Done() != nil {
		defer s.interruptWhenDone(ctx)()
	}
	s.run(ctx, function)
	if s.failed != nil {
		heap.spoiled = true
	}
	return s.failed
}

// Failed says why the last call has not returned, nil if it has. Its results are zero then.
func (s *Stack) Failed() error { return s.failed }

// run calls a function and serves it until it is done, has died, or is given up.
func (s *Stack) run(ctx context.Context, function uintptr) {
	if s.failed != nil {
		s.failed = nil
	}
	if s.refused != nil {
		s.refused = nil
	}
	*field[uintptr](s.block, ctxCode) = function
	for left := s.enter(); left; left = s.resume() {
		if err := s.serve(ctx); err != nil {
			s.abandon(err)
			return
		}
	}
}

func (s *Stack) enter() bool {
	if withoutP.Load() && s.trial == nil {
		return enterWithoutP(s.block)
	}
	return enter(s.block)
}

func (s *Stack) resume() bool {
	if withoutP.Load() && s.trial == nil {
		return resumeWithoutP(s.block)
	}
	return resume(s.block)
}

// serve does what a function has left for. An error means that it does not go on.
func (s *Stack) serve(ctx context.Context) error {
	switch status := *field[uint64](s.block, ctxStatus); status {
	case statusRuntimeCall:
		s.serveSystem()
		return nil
	case statusPaused:
		if s.trial != nil {
			s.trial.paused()
		}
		runtime.Gosched()
		if err := expired(ctx); err != nil {
			return err
		}
		if !withoutP.Load() {
			RequestPause(runtime.GOMAXPROCS(0))
		}
		return nil
	case statusTrap:
		return s.trapped()
	case statusDied:
		length := min(*field[uint64](s.head, headTextLength), headTextSize)
		text := field[[headTextSize]byte](s.head, headText)[:length]
		return s.panicked(strings.ToValidUTF8(string(text), "?"))
	default:
		return &Died{Faulted, fmt.Sprintf("it has left with status %d", status)}
	}
}

// panicked is the error of a panic. One that wants memory begins with these words of Rust's
// library.
func (s *Stack) panicked(text string) error {
	if !strings.HasPrefix(text, "memory allocation of ") {
		return &Died{Panicked, text}
	}
	if s.refused != nil {
		text = s.refused.Error()
	}
	return &Died{Starved, text}
}

func (s *Stack) trapped() error {
	code, pc := *field[uint64](s.block, ctxTrapCode), *field[uintptr](s.block, ctxTrapPc)
	if code == trapStackOverflow {
		return &Died{Overflowed, ""}
	}
	return &Died{Faulted, fmt.Sprintf("trap %d at %s", code, place(pc))}
}

// place names an instruction as it can be found in the image's file with symbols.
func place(pc uintptr) string {
	if pc >= engineCode.low && pc < engineCode.high {
		return fmt.Sprintf("%#x of the image", pc-engineCode.base)
	}
	return fmt.Sprintf("%#x", pc)
}

// expired returns the error of a context that is done. It looks at the clock too, as work may have
// kept the context's own timer from running.
func expired(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// abandon gives up what runs on the stack: its locks are released, from another stack, and what it
// has left in the head is cleared.
func (s *Stack) abandon(why error) {
	if s == stacks.own[cleaner].Stack {
		// Locks stay locked, and who wants them would spin without end.
		panic(fmt.Sprintf("image: releasing the locks of a function that has died failed: %v", why))
	}
	s.failed, s.deep = why, true
	stacks.callOwn(cleaner, engine.abandoned, uintptr(s.head))
	clear(unsafe.Slice((*byte)(s.head), headSize))
}

// callOwn calls a function with one argument on one of the stacks that are not handed out.
func (p *pool) callOwn(which int, function, argument uintptr) error {
	own := &p.own[which]
	own.Lock()
	defer own.Unlock()
	own.Words()[0] = argument
	own.callFunction(function)
	if own.deep {
		own.trim()
	}
	return own.failed
}
