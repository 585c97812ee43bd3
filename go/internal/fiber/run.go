package fiber

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/image"
)

// Host runs the host functions that a guest calls.
type Host interface {
	// HostCall runs one. The function is named by the serial number of the instance that imports it
	// and its index there, which may be another instance than the one that was entered. slots holds
	// the arguments and takes the results. An error ends the call of the guest. It may panic,
	// block, call runtime.Goexit, or call guests on other fibers.
	HostCall(f *Fiber, ctx context.Context, instance, function uint64, slots []uint64) error
}

// Unwinder is a Host that lets fibers be used that are not Guarded.
type Unwinder interface {
	// Unwound tells that a panic or runtime.Goexit ends the call on a fiber that is not Guarded.
	Unwound(f *Fiber)
}

// Entry is a function of a guest that a fiber can be prepared for.
type Entry struct {
	Func  engine.Func
	Store unsafe.Pointer // the store that the function belongs to
	C     bool           // whether to enter by cgo, as the guest may call C functions
	Quit  *Quit          // ends the call from outside; nil for never
}

// Thrower is a Host whose guests throw and catch exceptions.
type Thrower interface {
	// Exception makes an exception of the error of a host function, to be unpinned; 0 if it is
	// none that the guest can catch.
	Exception(err error) engine.Exception
	// Uncaught tells what nothing has caught.
	Uncaught(exception engine.Exception) error
	// CollectExceptions drops those that nothing refers to. Guests other than the one that asks for
	// it may run.
	CollectExceptions()
}

// Trap says why and where a guest was stopped.
type Trap struct {
	Code   uint8 // one of the generated numbers of layout_gen.go
	Reason error // why a function could not be compiled, or the exception that was not caught; otherwise nil
	engine.TrapInfo
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

// Call calls the function that the fiber is prepared for, with the arguments in its slots, and
// leaves the results there.
//
// It returns nil, a *HostError, a *Trap, a *Cancelled, or what the Quit of the entry says. Panics
// of host functions pass through. In all cases the fiber can be used again. The caller keeps the
// instance alive.
func (f *Fiber) Call(ctx context.Context) error {
	if f.group != nil {
		return f.callGrouped(ctx)
	}
	if !f.CanEnter() {
		return f.runApart(ctx)
	}
	if !f.Enter(ctx) {
		return f.TakeError()
	}
	return nil
}

// CanEnter reports whether Enter may be used.
func (f *Fiber) CanEnter() bool {
	if f.apart && !f.needsC && !image.WithoutP() {
		f.apart = false // it is known by now that pauses arrive
	}
	return !f.apart
}

// Enter is Call by assembly. Where it returns false, TakeError tells the error.
func (f *Fiber) Enter(ctx context.Context) bool { return run(f.ctx, f, ctx) == 0 }

// TakeError returns the error of the last Enter, once.
func (f *Fiber) TakeError() error {
	err := f.err
	f.err = nil
	return err
}

// dispatch does what a guest has left for, and reports whether it goes on. Package fiber's assembly
// calls it on the goroutine's stack.
//
//lint:ignore U1000 only assembly calls it
func dispatch(f *Fiber, ctx context.Context) bool {
	callee := *field[*engine.HostFunction](f, ctxCallee)
	if *field[uint64](f, ctxStatus) != statusHostCall || callee.InstanceID != f.directInstance {
		return f.dispatchRare(ctx)
	}
	err := f.direct[callee.FunctionIndex](f.local, f.hostSlots(callee))
	return err == nil && Alive(ctx) && f.quit.why.Load() == nil || f.stop(ctx, err)
}

// hostSlots views the arguments and results of a host call, which are on the guest's stack.
func (f *Fiber) hostSlots(callee *engine.HostFunction) []uint64 {
	n := max(callee.Params, callee.Results)
	return (*field[*[1 << 27]uint64](f, ctxSlots))[:n:n] // some instructions less than unsafe.Slice
}

// stop notes why the guest does not go on: the error of a host function, the context, or that calls
// are to end.
func (f *Fiber) stop(ctx context.Context, err error) bool {
	if err == nil || f.throw(err) {
		f.err = f.unwanted(ctx)
	} else {
		f.err = f.hostError(err)
	}
	return f.err == nil
}

// throw throws the error of a host function in the guest that has called it, if it is an exception,
// and reports whether the guest catches it.
func (f *Fiber) throw(err error) bool {
	thrower, ok := f.host.(Thrower)
	if !ok {
		return false
	}
	exception := thrower.Exception(err)
	if exception == 0 {
		return false
	}
	defer exception.Unpin()
	return engine.Throw(f.ctx, exception)
}

// unwanted returns an error if the guest is not to go on: calls are to end, or the context is done.
func (f *Fiber) unwanted(ctx context.Context) error {
	if err := f.quit.Err(); err != nil {
		return err
	}
	return cancelled(ctx)
}

// typeWord is the word of an interface that stands for the type of its value.
func typeWord(ctx context.Context) uintptr { return *(*uintptr)(unsafe.Pointer(&ctx)) }

// endless is the type of context.Background(), which is never done and need not be asked.
var endless = typeWord(context.Background())

// Alive reports whether the context is neither nil nor done.
func Alive(ctx context.Context) bool {
	return typeWord(ctx) == endless || ctx != nil && ctx.Err() == nil
}

func (f *Fiber) dispatchRare(ctx context.Context) bool {
	if f.group != nil {
		f.err = f.serveGrouped(ctx, *field[uint64](f, ctxStatus))
		return f.err == nil
	}
	if !f.Guarded {
		finished := false
		defer func() {
			if !finished {
				if host, ok := f.host.(Unwinder); ok {
					host.Unwound(f)
				}
			}
		}()
		f.err = f.serve(ctx, *field[uint64](f, ctxStatus))
		finished = true
	} else {
		f.err = f.serve(ctx, *field[uint64](f, ctxStatus))
	}
	return f.err == nil
}

// runApart is the same without holding a processor of Go. Go sends no signal to a thread that holds
// none, so the context's end does.
func (f *Fiber) runApart(ctx context.Context) error {
	if ctx.Done() != nil {
		done := make(chan struct{})
		block := f.ctx // not read from f later: f may have a new owner by then
		stop := context.AfterFunc(ctx, func() { interruptUntil(block, done) })
		defer func() {
			close(done)
			stop()
		}()
	}
	if f.quit != &never {
		if err := f.quit.begin(f); err != nil {
			return err
		}
		defer f.quit.end(f)
	}
	enter, resume := image.EnterGuest, image.ResumeGuest
	if f.needsC {
		enter, resume = engine.Enter, engine.Resume
	}
	for status := enter(f.ctx); status != statusDone; status = resume(f.ctx) {
		var err error
		if f.group != nil {
			err = f.serveGrouped(ctx, status)
		} else {
			err = f.serve(ctx, status)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// interruptUntil asks the guest to pause, again and again, as a signal may find the thread in Go
// code. One request too many does no harm: the next guest on this fiber pauses, looks at its own
// context, and goes on.
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
func (f *Fiber) serve(ctx context.Context, status uint64) error {
	switch status {
	case statusHostCall:
		return f.hostCall(ctx)
	case statusCCall:
		engine.CCall(f.ctx)
		return f.unwanted(ctx)
	case statusRuntimeCall:
		switch *field[uint64](f, ctxRuntimeOp) {
		case runtimeOpCompile:
			if err := f.compile(ctx); err != nil {
				return err
			}
		case runtimeOpThrow, runtimeOpThrowRef:
			f.collectExceptions()
		}
		engine.RuntimeCall(f.ctx)
		return f.unwanted(ctx) // signals hardly ever find a guest in compiled code that does nothing else
	case statusPaused:
		runtime.Gosched()
		if err := f.quit.Err(); err != nil {
			return err
		}
		if err := expired(ctx); err != nil {
			return err
		}
		if !f.apart { // otherwise it holds no processor of Go
			image.RequestPause(runtime.GOMAXPROCS(0))
		}
		return nil
	case statusTrap:
		return f.trap()
	}
	panic(fmt.Sprintf("fiber: unknown status %d", status))
}

// hostCall runs the host function that the guest wants.
func (f *Fiber) hostCall(ctx context.Context) error {
	callee := *field[*engine.HostFunction](f, ctxCallee)
	err := f.host.HostCall(f, ctx, callee.InstanceID, callee.FunctionIndex, f.hostSlots(callee))
	if err != nil && !f.throw(err) {
		return f.hostError(err)
	}
	return f.unwanted(ctx)
}

// cancelled returns an error if the context is done; it costs nothing for contexts that cannot be.
func cancelled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &Cancelled{Err: err, Cause: context.Cause(ctx)}
	}
	return nil
}

// expired is cancelled for a guest that may have kept the context's own timer from running: it
// looks at the clock too.
func expired(ctx context.Context) error {
	if err := cancelled(ctx); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return &Cancelled{Err: context.DeadlineExceeded, Cause: context.Cause(ctx)}
	}
	return nil
}

// errExhausted is why an exception was not caught that should have been.
var errExhausted = errors.New("more exceptions are referred to than the engine keeps")

// collectExceptions drops exceptions, if there are many.
func (f *Fiber) collectExceptions() {
	wanted := field[uint32](f, ctxCollect)
	if *wanted == 0 {
		return
	}
	*wanted = 0
	if thrower, ok := f.host.(Thrower); ok {
		thrower.CollectExceptions()
	}
}

func (f *Fiber) trap() error {
	trap := &Trap{Code: uint8(*field[uint64](f, ctxTrapCode)), TrapInfo: engine.Trap(f.ctx)}
	if trap.Code == trapUncaughtException {
		exception := engine.TakeException(f.ctx)
		if exception == engine.ExceptionsExhausted {
			trap.Reason = errExhausted
		} else if exception != 0 {
			if thrower, ok := f.host.(Thrower); ok {
				trap.Reason = thrower.Uncaught(exception)
			}
			exception.Unpin()
		}
	}
	return trap
}
