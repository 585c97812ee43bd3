package fiber

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file has functions compiled that guests call before they have code. That runs on a stack of
// the engine's own, on this goroutine; the guest is suspended meanwhile.

// whileWanted is the context of a call that is done, too, when calls are to end: who works for the
// call asks Err from time to time.
type whileWanted struct {
	context.Context
	quit *Quit
}

func (c whileWanted) Err() error {
	if err := c.quit.Err(); err != nil {
		return err
	}
	return c.Context.Err()
}

// compile compiles the function that the guest has left for. The error ends the call: it is a *Trap
// if the function cannot be compiled.
func (f *Fiber) compile(ctx context.Context) error {
	err := engine.CompileWanted(whileWanted{ctx, f.quit}, f.ctx)
	if err == nil {
		return nil
	}
	if err := f.quit.Err(); err != nil {
		return err
	}
	if err := expired(ctx); err != nil {
		return err
	}
	return &Trap{Code: trapNotCompiled, Reason: err, TrapInfo: engine.Trap(f.ctx)}
}
