package core

import (
	"context"
	"runtime"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file has the functions compiled that a module compiled with [engine.CompileOptions.Lazy] has
// left, on demand or by goroutines in the background.

// completing is what code has to do with that. The zero value is of code that is complete.
type completing struct {
	turn chan struct{} // holds a value while somebody completes the code; nil if all was there

	mutex   sync.Mutex        // protects what follows
	over    bool              // all is compiled
	modules int               // how many have the code and are open
	stop    func()            // ends the goroutines in the background; nil if there are none
	waiting map[string]func() // what is to be done when all is compiled, by names
}

// begin makes it that of code some functions of which are not compiled, before others have the
// code.
func (c *completing) begin() { c.turn = make(chan struct{}, 1) }

// isOver reports whether all functions are compiled.
func (c *completing) isOver() bool {
	if c.turn == nil {
		return true
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.over
}

// join counts a module.
func (c *completing) join() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.modules++
}

// quit counts a module less. After the last one nobody is to compile in the background what is
// left.
func (c *completing) quit() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.modules--
	if c.modules == 0 && c.stop != nil {
		c.stop()
		c.stop = nil
	}
}

// whenOver calls a function when all is compiled: at once, or by who completes the code, unless
// another one of this name has taken its place.
func (c *completing) whenOver(name string, call func()) {
	if !c.isWaiting(name, call) {
		call()
	}
}

func (c *completing) isWaiting(name string, call func()) bool {
	if c.turn == nil {
		return false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.over {
		return false
	}
	if c.waiting == nil {
		c.waiting = make(map[string]func())
	}
	c.waiting[name] = call
	return true
}

// complete compiles all that is left, by a number of goroutines. The error is the context's when
// that is done, or that of a function. Somebody holds the code.
func (c *completing) complete(ctx context.Context, handle engine.Module, goroutines int) error {
	if c.isOver() {
		return nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	lazy, ok, err := handle.Lazy()
	if err != nil {
		return err
	}
	if ok {
		defer lazy.Free()
		if err := lazy.Complete(ctx, goroutines); err != nil {
			return err
		}
	}
	c.mutex.Lock()
	waiting := c.waiting
	c.over, c.waiting = true, nil
	c.mutex.Unlock()
	for _, call := range waiting {
		call()
	}
	return nil
}

// inBackground has all that is left compiled by goroutines for all processors of Go but one, unless
// some do. They hold the code meanwhile, and no module.
func (c *completing) inBackground(handle engine.Module, hold, leave func()) {
	if c.turn == nil {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.over || c.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	hold()
	go func() {
		defer leave()
		defer stop()
		// What it is that cannot be compiled is told by who calls it or completes the module.
		_ = c.complete(ctx, handle, max(1, runtime.GOMAXPROCS(0)-1))
	}()
}
