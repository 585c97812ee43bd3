//go:build linux && (amd64 || arm64)

package image

import (
	"context"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/preempt"
)

// This file calls functions of the image where Go sends no signals to stop goroutines
// (GODEBUG=asyncpreemptoff=1). There a function that holds a processor of Go would keep the garbage
// collector waiting until it is done. So it is called as a system call is, by a thread that has
// given its processor up; that costs some 200 ns more. Work is then paused, to look at its context,
// by a signal that is sent when the context is done.

// withoutP says that functions are called in this way. It is so, too, until it is known whether
// pauses arrive.
var withoutP atomic.Bool

func init() { withoutP.Store(preempt.Off || !preempt.Known) }

// WithoutP reports whether what runs long must hold no processor of Go: guests are to be entered by
// EnterGuest then.
func WithoutP() bool { return withoutP.Load() }

// EnterGuest enters the guest of a fiber's context without a processor of Go, and returns the
// status with which control is back, 0 where the guest is done.
func EnterGuest(block unsafe.Pointer) uint64 { return guestStatus(block, enterWithoutP(block)) }

// ResumeGuest resumes it in the same way.
func ResumeGuest(block unsafe.Pointer) uint64 { return guestStatus(block, resumeWithoutP(block)) }

func guestStatus(block unsafe.Pointer, left bool) uint64 {
	if !left {
		return 0
	}
	return *field[uint64](block, ctxStatus)
}

// Both are on the list of names that Go keeps reachable (go.dev/issue/67401).

//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// enterWithoutP is enter without a processor of Go. Between the two calls of the runtime nothing
// may need more stack.
//
//go:nosplit
//go:norace
func enterWithoutP(block unsafe.Pointer) bool {
	entersyscall()
	thread, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	atomic.StoreUint32((*uint32)(unsafe.Add(block, ctxThread)), uint32(thread))
	left := enter(block)
	atomic.StoreUint32((*uint32)(unsafe.Add(block, ctxThread)), 0)
	exitsyscall()
	return left
}

// resumeWithoutP is resume in the same way.
//
//go:nosplit
//go:norace
func resumeWithoutP(block unsafe.Pointer) bool {
	entersyscall()
	thread, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	atomic.StoreUint32((*uint32)(unsafe.Add(block, ctxThread)), uint32(thread))
	left := resume(block)
	atomic.StoreUint32((*uint32)(unsafe.Add(block, ctxThread)), 0)
	exitsyscall()
	return left
}

// interruptWhenDone pauses what runs on the stack when the context is done, again and again, as a
// signal may come when it has just left. The function that it returns ends that. One signal too
// many does no harm: what is paused looks at its own context and continues.
func (s *Stack) interruptWhenDone(ctx context.Context) (end func()) {
	over := make(chan struct{})
	thread := field[uint32](s.block, ctxThread)
	stop := context.AfterFunc(ctx, func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			if thread := atomic.LoadUint32(thread); thread != 0 {
				_ = signalThread(uintptr(thread), pauseSignal)
			}
			time.Sleep(time.Millisecond)
		}
	})
	return func() {
		close(over)
		stop()
	}
}
