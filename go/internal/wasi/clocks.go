package wasi

import (
	"time"
)

// The clocks. Goroutines have no thread of their own, so the clock of the thread is that of the
// process.
const (
	clockRealtime uint32 = iota
	clockMonotonic
	clockProcess
	clockThread
)

// clock reads the clocks of the configuration, or those of the system.
type clock struct {
	Clock
	start  time.Time
	shared func() int64 // the monotonic clock, where somebody else reads it, too; or nil
}

func newClock(c Clock) clock { return clock{Clock: c, start: time.Now()} }

// now gives the time of a clock in nanoseconds.
func (c *clock) now(id uint32) (int64, Errno) {
	switch id {
	case clockRealtime:
		if c.Realtime != nil {
			return c.Realtime().UnixNano(), Success
		}
		return time.Now().UnixNano(), Success
	case clockMonotonic:
		return c.monotonic(), Success
	case clockProcess, clockThread:
		if c.Monotonic != nil { // whoever replaces the clock wants what the guest sees to depend on it alone
			return c.monotonic(), Success
		}
		return c.processTime(), Success
	}
	return 0, EINVAL
}

// monotonic counts from 1, as programs take 0 for no time.
func (c *clock) monotonic() int64 {
	if c.Monotonic != nil {
		return int64(c.Monotonic())
	}
	if c.shared != nil {
		return c.shared()
	}
	return int64(time.Since(c.start)) + 1
}

// ShareClock makes the guest's monotonic clock one that somebody reads without asking this package,
// so that both tell the same times: it never goes back. It counts nanoseconds from 1 on. False says
// that the embedder has replaced the guest's clocks, which stay. It is for the time before the
// guest runs.
func (s *System) ShareClock(monotonic func() int64) bool {
	if s.clock.Realtime != nil || s.clock.Monotonic != nil {
		return false
	}
	s.clock.shared = monotonic
	return true
}

// clockResGet tells how fine a clock is: a nanosecond, save for processor time.
func (s *System) clockResGet(g Guest, a []uint64) Errno {
	resolution := uint64(1)
	switch uint32(a[0]) {
	case clockRealtime, clockMonotonic:
	case clockProcess, clockThread:
		if s.clock.Monotonic == nil {
			resolution = processTimeResolution
		}
	default:
		return EINVAL
	}
	if !memoryOf(g).putUint64(a[1], resolution) {
		return EFAULT
	}
	return Success
}

// clockTimeGet ignores the precision that the guest could do with (a[1]), as it may.
func (s *System) clockTimeGet(g Guest, a []uint64) Errno {
	now, errno := s.clock.now(uint32(a[0]))
	if errno != Success {
		return errno
	}
	if !memoryOf(g).putUint64(a[2], uint64(now)) {
		return EFAULT
	}
	return Success
}
