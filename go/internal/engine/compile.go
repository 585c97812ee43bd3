package engine

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// CompileOptions decide about the code that is made.
type CompileOptions struct {
	// ExplicitBounds checks every access to memory in the code instead of reserving address space.
	ExplicitBounds bool
	// CanonicalizeNaNs makes the bits of NaN results the same everywhere.
	CanonicalizeNaNs bool
	// NotOptimized makes slow code in less time.
	NotOptimized bool
	// Lazy validates all functions, and compiles each one when it is called first.
	Lazy bool
	// Background is not for the engine: it has what Lazy leaves compiled, too.
	Background bool
	// Progress, if it is not nil, is told how many functions and trampolines of all are done, by
	// the goroutine that compiles, from time to time and at the end. Its panic is the error.
	Progress func(done, total int)
}

// Compile validates and compiles the bytes of a module, by as many goroutines as can run at the
// same time. When the context is done it returns its error.
func Compile(ctx context.Context, bytes []byte, options CompileOptions) (Module, error) {
	handle, err := work(ctx, bytes, gwCompileOptions{
		explicitBounds:   uint32(boolWord(options.ExplicitBounds)),
		canonicalizeNans: uint32(boolWord(options.CanonicalizeNaNs)),
		optLevelNone:     uint32(boolWord(options.NotOptimized)),
		lazy:             uint32(boolWord(options.Lazy)),
	}, options.Progress)
	return Module{handle}, err
}

// Validate says what is wrong with the bytes of a module, or nil.
func Validate(ctx context.Context, bytes []byte) error {
	_, err := work(ctx, bytes, gwCompileOptions{validate: 1}, nil)
	return err
}

// work compiles or validates. What it makes on the way lies in heaps of its own, one for each
// goroutine, until the module is finished.
func work(ctx context.Context, bytes []byte, options gwCompileOptions, progress func(done, total int)) (unsafe.Pointer, error) {
	if err := Init(); err != nil { // without its signal handler nothing pauses the work
		return nil, err
	}
	if err := compilationPrepare(options); err != nil {
		return nil, err
	}
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	compilation, err := compilationNew(ctx, heap, bytes, options)
	if err != nil {
		return nil, err
	}
	defer func() {
		if compilation != nil {
			freeCompilation(compilation)
		}
	}()
	c := &compiling{handle: compilation, progress: progress}
	defer c.release()
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	if options.lazy != 0 {
		// The module takes over the compilation, with the heap.
		module, err := compilationFinishLazy(compilation, workHeapRoot(heap))
		if err == nil {
			compilation = nil
			forgetWorkHeap(heap)
		}
		return module, err
	}
	module, err := compilationFinish(compilation)
	runtime.KeepAlive(bytes)
	return module, err
}

// progressInterval is how often progress is told.
const progressInterval = 20 * time.Millisecond

// compiling is a compilation whose functions are being compiled.
type compiling struct {
	handle   unsafe.Pointer
	progress func(done, total int)

	mutex sync.Mutex // protects what follows
	heaps []*workHeap
	err   error // the first one of a goroutine
}

// run compiles all functions.
func (c *compiling) run(ctx context.Context) error {
	goroutines := min(runtime.GOMAXPROCS(0), int(compilationProgress(c.handle).threads))
	if goroutines <= 1 && ctx.Done() == nil && c.progress == nil {
		c.compile(ctx)
		return c.err
	}
	working, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	stop := context.AfterFunc(working, func() {
		compilationCancel(c.handle)
		close(stopped)
	})
	all := make(chan struct{})
	defer func() {
		select {
		case <-all:
		default: // progress has panicked, or ended its goroutine
			cancel()
			<-all
		}
		if !stop() {
			<-stopped // the compilation goes away
		}
		cancel()
	}()
	var group sync.WaitGroup
	for range max(goroutines, 1) {
		group.Go(func() {
			if c.compile(working); c.failed() {
				cancel()
			}
		})
	}
	go func() {
		group.Wait()
		close(all)
	}()
	if err := c.wait(all); err != nil {
		return err
	}
	if c.err != nil {
		return c.err
	}
	return ctx.Err()
}

// compile compiles functions until none is left.
func (c *compiling) compile(ctx context.Context) {
	heap := newWorkHeap()
	err := compilationRun(ctx, heap, c.handle)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.heaps = append(c.heaps, heap)
	if c.err == nil {
		c.err = err
	}
}

func (c *compiling) failed() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.err != nil
}

// wait waits for the goroutines, and tells how far they are. An error is that of progress: they may
// still be running.
func (c *compiling) wait(all <-chan struct{}) error {
	if c.progress == nil {
		<-all
		return nil
	}
	ticks := time.NewTicker(progressInterval)
	defer ticks.Stop()
	for {
		select {
		case <-all:
			return c.tell()
		case <-ticks.C:
			if err := c.tell(); err != nil {
				return err
			}
		}
	}
}

// tell tells progress how far compiling is.
func (c *compiling) tell() error {
	now := compilationProgress(c.handle)
	return tell(c.progress, int(now.done), int(now.total))
}

// TellDone tells a progress function, if it is not nil, that all pieces are done: for a module that
// need not be compiled. The error is its panic.
func TellDone(progress func(done, total int), pieces uint32) error {
	if progress == nil {
		return nil
	}
	return tell(progress, int(pieces), int(pieces))
}

// tell calls progress, and makes an error of its panic.
func tell(progress func(done, total int), done, total int) (err error) {
	defer func() {
		switch value := recover().(type) {
		case nil: // it has returned, or has called runtime.Goexit
		case error:
			err = fmt.Errorf("the progress function panicked: %w", value)
		default:
			err = fmt.Errorf("the progress function panicked: %v", value)
		}
	}()
	progress(done, total)
	return nil
}

// release frees what the goroutines have made.
func (c *compiling) release() {
	for _, heap := range c.heaps {
		releaseWorkHeap(heap)
	}
}
