// Package fiber runs guests as coroutines of the goroutine that calls them.
//
// A Fiber owns a stack for one call at a time. Call enters the guest by Go assembly (or by cgo
// where the guest may call C functions), acts on each status with which it comes back, and resumes
// it, until the guest is done, trapped, or given up. While a host function runs, the guest is only
// memory: the host function is ordinary Go on the goroutine's own stack.
package fiber

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/image"
)

// Fiber is a stack that a guest can run on, with the context block that it shares with the engine.
// It is used by one goroutine at a time.
type Fiber struct {
	ctx    unsafe.Pointer // the context block, in memory of the engine
	host   Host
	err    error // why dispatch ended the run
	apart  bool  // whether to enter without holding a processor of Go
	needsC bool  // whether to enter by cgo, which does that too
	kept   bool  // not to be released
	quit   *Quit // of what it is prepared for

	// Guarded says that whoever calls Call notices if a panic or runtime.Goexit passes. Otherwise
	// the host is told by Unwound.
	Guarded bool

	direct         []HostFunc     // those of the instance directInstance, by their indices
	directInstance uint64         // its serial number; 0 for none
	local          unsafe.Pointer // what they get as their first argument; see Local

	membership // last: calls that are in no group do not look at it
}

// HostFunc is a host function as it is called without asking the host.
type HostFunc func(local unsafe.Pointer, slots []uint64) error

const (
	shards    = 64 // places of the cache, chosen by the address of the goroutine's stack
	spareKept = 64 // further fibers that are kept for reuse
)

// The cache of free fibers. Most calls take and return the fiber of their shard with one atomic
// operation each.
var (
	cache [shards]struct {
		fiber atomic.Pointer[Fiber]
		_     [56]byte // a cache line each
	}
	spareMutex sync.Mutex
	spare      []*Fiber
)

// shard chooses a place of the cache: goroutines that run at the same time have stacks at different
// addresses.
func shard() *atomic.Pointer[Fiber] {
	var here byte
	return &cache[(uintptr(unsafe.Pointer(&here))>>11)%shards].fiber
}

// Acquire takes a free fiber, or makes one. The error tells which resource is used up.
func Acquire() (*Fiber, error) {
	if f := shard().Swap(nil); f != nil {
		return f, nil
	}
	return acquireSlow()
}

func acquireSlow() (*Fiber, error) {
	spareMutex.Lock()
	if n := len(spare); n > 0 {
		f := spare[n-1]
		spare[n-1] = nil // who has the fiber may let it refer to much
		spare = spare[:n-1]
		spareMutex.Unlock()
		return f, nil
	}
	spareMutex.Unlock()
	ctx, err := engine.NewFiber()
	if err != nil {
		return nil, err
	}
	return &Fiber{ctx: ctx}, nil
}

// Release gives a fiber back after any outcome of Call; a guest that was suspended on it is given
// up.
func (f *Fiber) Release() {
	if f.group != nil {
		f.leaveGroup()
	}
	f.host, f.err, f.quit, f.Guarded = nil, nil, nil, false
	f.direct, f.directInstance, f.local = nil, 0, nil
	if !shard().CompareAndSwap(nil, f) {
		f.releaseSlow()
	}
}

func (f *Fiber) releaseSlow() {
	spareMutex.Lock()
	if len(spare) < spareKept {
		spare = append(spare, f)
		spareMutex.Unlock()
		return
	}
	spareMutex.Unlock()
	engine.ReleaseFiber(f.ctx)
	f.ctx = nil
}

// Keep says that the fiber is kept prepared instead of being released after each call. It returns
// its block, which refers to nothing of Go, for ReleaseKept.
func (f *Fiber) Keep() unsafe.Pointer {
	f.kept = true
	return f.ctx
}

// Kept reports whether Keep was called.
func (f *Fiber) Kept() bool { return f.kept }

// ReleaseKept gives back a fiber that was kept, when it is in no use any more.
func ReleaseKept(block unsafe.Pointer) { (&Fiber{ctx: block}).Release() }

// Prepare sets the function to be called, and returns the slots of its arguments and results; n is
// the larger number of both, and there are six at least. The fiber stays prepared for any number of
// calls; the slots are valid until it is released or prepared anew.
func (f *Fiber) Prepare(e *Entry, host Host, n int) unsafe.Pointer {
	n = max(n, 6)
	args := unsafe.Add(f.ctx, -8*n)
	*field[uintptr](f, ctxArgs) = uintptr(args)
	// The stack pointer to enter with is aligned to 16 bytes; the context is, too.
	*field[uintptr](f, ctxStackTop) = uintptr(args) - 8*uintptr(n&1)
	*field[uintptr](f, ctxEntry) = uintptr(e.Func.Entry)
	*field[uintptr](f, ctxCode) = uintptr(e.Func.Code)
	*field[uintptr](f, ctxVmctx) = uintptr(e.Func.Vmctx)
	*field[uintptr](f, ctxStore) = uintptr(e.Store)
	f.host, f.quit = host, e.Quit
	if f.quit == nil {
		f.quit = &never
	}
	f.needsC = e.C
	f.apart = e.C || image.WithoutP()
	return args
}

// CallDirectly says that the host functions of an instance are called without asking the host, with
// local as their first argument, until the fiber is released. The instance is named by its serial
// number, the functions by their indices. The fiber is Guarded whenever a guest can call one of
// them. In a group the host is asked nevertheless.
func (f *Fiber) CallDirectly(instance uint64, functions []HostFunc, local unsafe.Pointer) {
	f.local = local
	if f.group == nil {
		f.direct, f.directInstance = functions, instance
	}
}

// Local returns what CallDirectly was given, nil if it was not called.
func (f *Fiber) Local() unsafe.Pointer { return f.local }

// Pauses returns how often the guest was paused by a signal in the life of this fiber.
func (f *Fiber) Pauses() uint64 { return *field[uint64](f, ctxPauses) }

// field gives a field of the context by its generated offset. Addresses are written as numbers:
// they are not Go's, and a store of a pointer would cost a write barrier while the garbage
// collector runs.
func field[T any](f *Fiber, offset uintptr) *T {
	return (*T)(unsafe.Add(f.ctx, offset))
}
