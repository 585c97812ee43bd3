package core

import (
	"context"
	"runtime"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file has the functions compiled that a module compiled with [engine.CompileOptions.Lazy] has
// left, on demand or by goroutines in the background.

// completing is what code has to do with that. The zero value is of code that is complete.
type completing struct {
	turn chan struct{} // holds a value while somebody completes the code; nil if all is there
	stop func()        // ends the goroutines in the background; nil if there are none
	all  chan struct{} // closed when they have ended
}

// newCompleting returns that of code, which may be complete.
func newCompleting(lazy bool) completing {
	if !lazy {
		return completing{}
	}
	return completing{turn: make(chan struct{}, 1)}
}

// complete compiles all that is left. The error is the context's when that is done, or that of a
// function.
func (c *completing) complete(ctx context.Context, handle engine.Module) error {
	if c.turn == nil {
		return nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lazy, ok, err := handle.Lazy()
	if !ok {
		return err
	}
	defer lazy.Free()
	return lazy.Complete(ctx, runtime.GOMAXPROCS(0))
}

// begin has all that is left compiled in the background, by goroutines for all processors of Go but
// one. They refer to nothing of Go's.
func (c *completing) begin(handle engine.Module) error {
	lazy, ok, err := handle.Lazy()
	if !ok {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	turn, all := c.turn, make(chan struct{})
	c.stop, c.all = stop, all
	turn <- struct{}{}
	go func() {
		defer close(all)
		defer func() { <-turn }()
		defer stop()
		defer lazy.Free()
		// What it is that cannot be compiled is told by who calls it or completes the module.
		_ = lazy.Complete(ctx, max(1, runtime.GOMAXPROCS(0)-1))
	}()
	return nil
}

// end stops the goroutines in the background.
func (c *completing) end() {
	if c.stop != nil {
		c.stop()
	}
}
