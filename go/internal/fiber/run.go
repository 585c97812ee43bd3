package fiber

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Host runs the host functions that a guest calls.
type Host interface {
	// HostCall runs one. The function is named by the serial number of the instance that imports it and its index there, which
	// may be another instance than the one that was entered. slots holds the arguments and takes the results. An error ends the
	// call of the guest. It may panic, block, call runtime.Goexit, or call guests on other fibers.
	HostCall(f *Fiber, ctx context.Context, instance, function uint64, slots []uint64) error
}

// Entry is a function of a guest that Run can enter.
type Entry struct {
	Func  engine.Func
	Store unsafe.Pointer // the store that the function belongs to
	C     bool           // whether to enter by cgo, as the guest may call C functions
}

// Trap says why and where a guest was stopped.
type Trap struct {
	Code    uint8 // one of the generated numbers of layout_gen.go
	Frames  []engine.Frame
	LeftOut int // frames beyond those given
}

// Error gives the specification's wording.
func (t *Trap) Error() string { return TrapMessage(t.Code) }

// Cancelled is the error of a call that was given up because its context was done.
type Cancelled struct {
	Err   error // the context's error
	Cause error // the context's cause; often the same
}

func (c *Cancelled) Error() string {
	if c.Cause != nil && c.Cause != c.Err {
		return fmt.Sprintf("call cancelled: %v (%v)", c.Err, c.Cause)
	}
	return "call cancelled: " + c.Err.Error()
}

// Unwrap makes errors.Is find the context's error and its cause.
func (c *Cancelled) Unwrap() []error {
	if c.Cause != nil && c.Cause != c.Err {
		return []error{c.Err, c.Cause}
	}
	return []error{c.Err}
}

// forceC is set where Go does not preempt by signals: an endless guest entered by assembly would block the garbage collector,
// whereas cgo frees the P.
var forceC = preemptionIsOff(os.Getenv("GODEBUG"))

// preemptionIsOff reads the setting as the runtime does.
func preemptionIsOff(godebug string) bool {
	off := false
	for setting := range strings.SplitSeq(godebug, ",") {
		if key, value, _ := strings.Cut(setting, "="); key == "asyncpreemptoff" {
			if number, err := strconv.ParseInt(value, 10, 32); err == nil {
				off = number != 0
			}
		}
	}
	return off
}

// Run calls the guest with the arguments in the fiber's slots, and leaves the results there.
//
// It returns nil, the error of a host function as it is, a *Trap, or a *Cancelled. Panics of host functions pass through. In all
// cases the fiber can be used again. The caller keeps the instance alive.
func (f *Fiber) Run(ctx context.Context, e *Entry, host Host) error {
	*field[uintptr](f, ctxEntry) = uintptr(e.Func.Entry)
	*field[uintptr](f, ctxCode) = uintptr(e.Func.Code)
	*field[uintptr](f, ctxVmctx) = uintptr(e.Func.Vmctx)
	*field[uintptr](f, ctxStore) = uintptr(e.Store)
	if e.C || forceC {
		return f.runC(ctx, host)
	}
	for status := enter(f.ctx); status != statusDone; status = resume(f.ctx) {
		if err := f.serve(ctx, host, status); err != nil {
			return err
		}
	}
	return nil
}

// runC is the same by cgo. Go sends no signal to a thread in cgo, so the context's end does.
func (f *Fiber) runC(ctx context.Context, host Host) error {
	if ctx.Done() != nil {
		done := make(chan struct{})
		block := f.ctx // not read from f later: f may have a new owner by then
		stop := context.AfterFunc(ctx, func() { interruptUntil(block, done) })
		defer func() {
			close(done)
			stop()
		}()
	}
	for status := engine.Enter(f.ctx); status != statusDone; status = engine.Resume(f.ctx) {
		if err := f.serve(ctx, host, status); err != nil {
			return err
		}
	}
	return nil
}

// interruptUntil asks the guest to pause, again and again, as a signal may find the thread in Go code. One request too many does
// no harm: the next guest on this fiber pauses, looks at its own context, and goes on.
func interruptUntil(block unsafe.Pointer, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			engine.Interrupt(block)
			time.Sleep(time.Millisecond)
		}
	}
}

// serve does what a guest has left for.
func (f *Fiber) serve(ctx context.Context, host Host, status uint64) error {
	switch status {
	case statusHostCall:
		callee := *field[*engine.HostFunction](f, ctxCallee)
		slots := unsafe.Slice(*field[*uint64](f, ctxSlots), max(callee.Params, callee.Results))
		if err := host.HostCall(f, ctx, callee.InstanceID, callee.FunctionIndex, slots); err != nil {
			return err
		}
		return cancelled(ctx)
	case statusCCall:
		engine.CCall(f.ctx)
		return cancelled(ctx)
	case statusRuntimeCall:
		engine.RuntimeCall(f.ctx)
		return cancelled(ctx) // signals hardly ever find a guest in compiled code that does nothing else
	case statusPaused:
		runtime.Gosched()
		return expired(ctx)
	case statusTrap:
		return f.trap()
	}
	panic(fmt.Sprintf("fiber: unknown status %d", status))
}

// cancelled returns an error if the context is done; it costs nothing for contexts that cannot be.
func cancelled(ctx context.Context) error {
	done := ctx.Done()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return &Cancelled{Err: ctx.Err(), Cause: context.Cause(ctx)}
	default:
		return nil
	}
}

// expired is cancelled for a guest that may have kept the context's own timer from running: it looks at the clock too.
func expired(ctx context.Context) error {
	if err := cancelled(ctx); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return &Cancelled{Err: context.DeadlineExceeded, Cause: context.Cause(ctx)}
	}
	return nil
}

func (f *Fiber) trap() error {
	frames, leftOut := engine.TrapFrames(f.ctx)
	return &Trap{Code: uint8(*field[uint64](f, ctxTrapCode)), Frames: frames, LeftOut: leftOut}
}
