//go:build linux && (amd64 || arm64)

package image

import (
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// This file makes slices of time short for guests that run long while others wait.
//
// Go lets a goroutine run for 10 ms before its signal pauses it. When guests that never call the
// host occupy all processors, whoever waits for one waits for 10 ms a guest; runtime.GC gives up
// its processor several times in a row. So a guest that was paused once asks, as it is resumed, for
// its next pause after a slice. The signal comes from a timer of the kernel, one for each thread
// that asks, as no timer of Go runs while guests hold all processors. If the guest is not on that
// thread any more, the signal finds no guest, or another one, which then pauses for nothing.
//
// Where fewer guests ask than there are processors, nobody waits for one of theirs, and no timer is
// set. A guest counts from its request until Go would have paused it again, and it had asked anew:
// requests do not come at the same time, less so where the machine is busy with other processes.
// Where the system refuses timers, Go's own slices go on.

const (
	// slice is how long a guest that asked runs before it is paused again.
	slice = 2 * time.Millisecond
	// counted is for how long a request counts.
	counted = 10 * time.Millisecond
	// forgotten is after how long a thread that asks no more loses its timer. It is short, as the
	// thread may end, and another one get its number, which the timer would not signal.
	forgotten = time.Second
)

// asker is a thread that has asked.
type asker struct {
	thread   int
	asked    time.Duration // when, the last time
	set      bool          // the timer is set for that
	hasTimer bool
	timer    int32
}

// slices are the threads that have asked lately.
var slices struct {
	sync.Mutex
	askers []asker
}

var start = time.Now()

// RequestPause asks for a pause of what the calling goroutine is about to resume, if as many ask as
// there are processors.
func RequestPause(processors int) {
	slices.Lock()
	defer slices.Unlock()
	now := time.Since(start)
	// Only now: the goroutine may have waited and moved. It may move again, which does no harm.
	note(syscall.Gettid(), now)
	asking := 0
	for i := range slices.askers {
		if now-slices.askers[i].asked <= counted {
			asking++
		}
	}
	if asking < processors {
		return
	}
	for i := range slices.askers {
		if a := &slices.askers[i]; now-a.asked <= counted && !a.set {
			a.set = a.arm(a.asked + slice - now)
		}
	}
}

// note writes down a request, and forgets threads that have made none for long.
func note(thread int, now time.Duration) {
	found := false
	kept := slices.askers[:0]
	for _, a := range slices.askers {
		if a.thread == thread {
			a.asked, a.set, found = now, false, true
		}
		if now-a.asked > forgotten {
			if a.hasTimer {
				_, _, _ = syscall.RawSyscall(syscall.SYS_TIMER_DELETE, uintptr(a.timer), 0, 0)
			}
			continue
		}
		kept = append(kept, a)
	}
	if !found {
		kept = append(kept, asker{thread: thread, asked: now})
	}
	slices.askers = kept
}

// sigevent is the kernel's structure of what a timer does.
type sigevent struct {
	value          uint64
	signal, notify int32
	thread         int32
	_              [44]byte
}

// notifyThread makes a timer signal one thread.
const notifyThread = 4

// arm sets the thread's timer, and reports whether the system has done so.
func (a *asker) arm(after time.Duration) bool {
	if !a.hasTimer {
		const monotonic = 1
		event := sigevent{signal: int32(pauseSignal), notify: notifyThread, thread: int32(a.thread)}
		_, _, errno := syscall.RawSyscall(syscall.SYS_TIMER_CREATE, monotonic,
			uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&a.timer)))
		if errno != 0 {
			return false
		}
		a.hasTimer = true
	}
	// A time of 0 would switch the timer off; one that has passed is now.
	var setting struct{ interval, value syscall.Timespec }
	setting.value = syscall.NsecToTimespec(int64(max(after, 1)))
	_, _, errno := syscall.RawSyscall6(syscall.SYS_TIMER_SETTIME, uintptr(a.timer), 0,
		uintptr(unsafe.Pointer(&setting)), 0, 0, 0)
	return errno == 0
}
