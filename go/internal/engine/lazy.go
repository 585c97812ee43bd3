package engine

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// This file compiles functions of modules that were compiled with [CompileOptions.Lazy]. Each piece
// of this work has a heap of its own, as compiling a module has, so that it can be paused and given
// up; what it has made is then copied to the module's code.

// A function that several goroutines want is compiled by one of them.
var flights = struct {
	sync.Mutex
	running map[flight]chan struct{} // closed at the end
}{running: make(map[flight]chan struct{})}

// flight is a function that is being compiled.
type flight struct {
	code     uint64 // serial number of the module's code
	function uint64
}

// CompileWanted compiles the function that the guest of a context has left for, if it has no code
// by now. It returns the context's error when that is done.
func CompileWanted(ctx context.Context, guest unsafe.Pointer) error {
	for {
		wanted := lazyWanted(guest)
		if wanted.lazy == nil {
			return nil
		}
		done, err := compileOrWait(ctx, &wanted)
		if done && err == nil {
			noteCalled(wanted.lazy, uint32(wanted.function))
			return nil
		}
		lazyFree(wanted.lazy)
		if err != nil {
			return err
		}
	}
}

// compileOrWait compiles a function, or waits for who does; then it is not done.
func compileOrWait(ctx context.Context, wanted *gwWanted) (done bool, err error) {
	key := flight{wanted.code, wanted.function}
	flights.Lock()
	running, found := flights.running[key]
	if !found {
		running = make(chan struct{})
		flights.running[key] = running
	}
	flights.Unlock()
	if found {
		return false, waitFor(ctx, running)
	}
	defer func() {
		flights.Lock()
		delete(flights.running, key)
		flights.Unlock()
		close(running)
	}()
	return true, compileCalled(ctx, wanted.lazy, uint32(wanted.function))
}

// waitInterval is how often who waits for a function asks the context.
const waitInterval = 10 * time.Millisecond

// waitFor waits until somebody has compiled a function, or the context is done.
func waitFor(ctx context.Context, running <-chan struct{}) error {
	// A context may be done without closing its channel; see package fiber.
	ticks := time.NewTicker(waitInterval)
	defer ticks.Stop()
	for {
		select {
		case <-running:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
}

// compileFunctions compiles those of some functions that have no code, or only quickly made code,
// and makes them callable. The error is that of the first one that cannot be compiled.
func compileFunctions(ctx context.Context, lazy unsafe.Pointer, first, count uint32) error {
	return atBench(ctx, func(b *bench) (gwCompiled, error) {
		return lazyCompile(ctx, b.heap, lazy, b.handle, first, count)
	}, func(compiled gwCompiled) error { return lazyAdd(lazy, compiled.batch) })
}

// compileCalled compiles a function that is called: quickly, if that is good enough for its first
// calls and it has no code.
func compileCalled(ctx context.Context, lazy unsafe.Pointer, function uint32) error {
	return atBench(ctx, func(b *bench) (gwCompiled, error) {
		return lazyCompileCalled(ctx, b.heap, lazy, b.handle, function)
	}, func(compiled gwCompiled) error { return lazyAddCalled(lazy, compiled.batch) })
}

// atBench compiles something, and adds what it has become to a module.
func atBench(ctx context.Context, compile func(*bench) (gwCompiled, error), add func(gwCompiled) error) error {
	b, err := takeBench(ctx)
	if err != nil {
		return err
	}
	compiled, err := compile(b)
	if err != nil {
		b.discard() // it may have been left at any instruction
		return err
	}
	err = add(compiled)
	if compiled.large != 0 {
		b.discard()
	} else {
		benches.Put(b)
	}
	return err
}

// ahead has functions that were called, whose callees may be called next: goroutines that complete
// modules compile those first, the newest before all. Without such goroutines nobody does.
var ahead struct {
	sync.Mutex
	goroutines int
	called     []called
}

// called is a function that was called, with a handle to free.
type called struct {
	lazy     unsafe.Pointer
	function uint32
}

// aheadCalled is how many functions are remembered: older ones are forgotten.
const aheadCalled = 64

// noteCalled remembers a function that was called, and takes over the handle.
func noteCalled(lazy unsafe.Pointer, function uint32) {
	ahead.Lock()
	defer ahead.Unlock()
	if ahead.goroutines == 0 {
		lazyFree(lazy)
		return
	}
	if len(ahead.called) == aheadCalled {
		lazyFree(ahead.called[0].lazy)
		ahead.called = slices.Delete(ahead.called, 0, 1)
	}
	ahead.called = append(ahead.called, called{lazy, function})
}

// lookAhead counts a goroutine that compiles what is noted, or one less. After the last one nothing
// stays noted.
func lookAhead(goroutines int) {
	ahead.Lock()
	defer ahead.Unlock()
	ahead.goroutines += goroutines
	if ahead.goroutines == 0 {
		for _, noted := range ahead.called {
			lazyFree(noted.lazy)
		}
		ahead.called = nil
	}
}

// compileAhead compiles what the function calls that was called last, and reports whether there was
// one.
func compileAhead(ctx context.Context) bool {
	ahead.Lock()
	last := len(ahead.called) - 1
	if last < 0 {
		ahead.Unlock()
		return false
	}
	next := ahead.called[last]
	ahead.called = ahead.called[:last]
	ahead.Unlock()
	defer lazyFree(next.lazy)
	// What cannot be compiled is told to who calls it.
	_ = atBench(ctx, func(b *bench) (gwCompiled, error) {
		return lazyCompileAhead(ctx, b.heap, next.lazy, b.handle, next.function)
	}, func(compiled gwCompiled) error { return lazyAdd(next.lazy, compiled.batch) })
	return true
}

// bench is what compiling functions reuses, in a heap of its own: making it anew, and touching its
// memory for the first time, takes as long as a small function does.
type bench struct {
	handle  unsafe.Pointer
	heap    *workHeap
	cleanup runtime.Cleanup
}

// benches are those that nobody uses. The collector drops what was not used for long.
var benches sync.Pool

func takeBench(ctx context.Context) (*bench, error) {
	if b, ok := benches.Get().(*bench); ok {
		return b, nil
	}
	heap := newWorkHeap()
	handle, err := benchNew(ctx, heap)
	if err != nil {
		releaseWorkHeap(heap)
		return nil, err
	}
	b := &bench{handle: handle, heap: heap}
	b.cleanup = runtime.AddCleanup(b, func(b bench) { b.free() }, *b)
	return b, nil
}

func (b *bench) discard() {
	b.cleanup.Stop()
	b.free()
}

func (b *bench) free() {
	freeBench(b.handle)
	releaseWorkHeap(b.heap)
}

// batchSize is how many functions are compiled together where none is waited for: their code begins
// on a page of its own.
const batchSize = 32

// Lazy is a module some of whose functions are not compiled yet. It keeps the code, and what
// compiles it, until it is freed.
type Lazy struct{ handle unsafe.Pointer }

// Lazy returns the module as one to be completed, and whether it is one.
func (m Module) Lazy() (lazy Lazy, ok bool, err error) {
	handle, err := moduleLazy(m.handle)
	return Lazy{handle}, handle != nil, err
}

// Free gives the handle back.
func (l Lazy) Free() { lazyFree(l.handle) }

// Complete compiles all functions that have no code, by a number of goroutines, and links all of
// them as compiling them at once would have. Functions can be called meanwhile. The error is the
// context's when that is done, or that of a function that cannot be compiled; what was compiled
// stays.
func (l Lazy) Complete(ctx context.Context, goroutines int) error {
	lazy := l.handle
	total := lazyProgress(lazy).total
	var next atomic.Uint64
	var group sync.WaitGroup
	var mutex sync.Mutex
	var first error
	work := func() {
		lookAhead(1)
		defer lookAhead(-1)
		for {
			if ctx.Err() == nil && compileAhead(ctx) {
				continue
			}
			at := next.Add(batchSize) - batchSize
			if at >= total {
				return
			}
			err := compileFunctions(ctx, lazy, uint32(at), batchSize)
			if err == nil {
				continue
			}
			mutex.Lock()
			if first == nil {
				first = err
			}
			mutex.Unlock()
			if ctx.Err() != nil || !isOfFunction(err) {
				return
			}
		}
	}
	goroutines = min(goroutines, runtime.GOMAXPROCS(0), int(total/batchSize)+1)
	for range goroutines - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
	if first != nil {
		return first
	}
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	all, err := lazyGather(ctx, heap, lazy)
	if err != nil {
		return err
	}
	defer freeBatch(all)
	return lazyComplete(lazy, all)
}

// isOfFunction reports whether others may be compiled where this error is that of one.
func isOfFunction(err error) bool {
	failed, ok := err.(*Error)
	return ok && failed.Kind == KindCompile
}
