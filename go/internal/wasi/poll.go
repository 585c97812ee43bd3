package wasi

import (
	"context"
	"encoding/binary"
	"math"
	"time"
)

// pollable is an object whose reads may block.
type pollable interface {
	// watch reports whether a read would block. If so, the waker gets a signal when that may have
	// changed, until unwatch.
	watch(waker chan struct{}) readiness
	unwatch(waker chan struct{})
}

// readiness is what a poll tells of a descriptor.
type readiness struct {
	ready  bool
	bytes  uint64 // that can be read at least
	hangup bool   // the other end is gone
}

// The kinds of events.
const (
	eventClock uint8 = iota
	eventRead
	eventWrite
)

// subscription is what a guest waits for.
type subscription struct {
	userdata uint64
	event    uint8
	errno    Errno       // why it cannot be waited for
	deadline int64       // of the monotonic clock, of eventClock
	d        *descriptor // of the others
}

// maxSubscriptions is how many a call may have.
const maxSubscriptions = 1 << 14

// pollOneoff: subscriptions, where to write events, the number of subscriptions, where to write
// that of events.
func (s *System) pollOneoff(g Guest, a []uint64) Errno { return s.poll(g, a, 48, s.subscription) }

// pollOneoff0 is pollOneoff of snapshot 0, where a clock has an identifier of the guest's in front.
func (s *System) pollOneoff0(g Guest, a []uint64) Errno { return s.poll(g, a, 56, s.subscription0) }

// subscription reads one in the layout of snapshot 1.
func (s *System) subscription(from []byte) subscription {
	return s.subscribe(from, binary.LittleEndian.Uint32(from[16:]), from[24:])
}

// subscription0 reads one in the layout of snapshot 0.
func (s *System) subscription0(from []byte) subscription {
	id := binary.LittleEndian.Uint32(from[16:]) // the descriptor
	if from[8] == eventClock {
		id = binary.LittleEndian.Uint32(from[24:])
	}
	return s.subscribe(from, id, from[32:])
}

// subscribe reads a subscription: the clock or descriptor, and behind it the time and precision and
// flags of a clock.
func (s *System) subscribe(from []byte, id uint32, clock []byte) subscription {
	sub := subscription{userdata: binary.LittleEndian.Uint64(from), event: from[8]}
	switch sub.event {
	case eventClock:
		sub.deadline, sub.errno = s.deadline(id, binary.LittleEndian.Uint64(clock), binary.LittleEndian.Uint16(clock[16:]))
	case eventRead, eventWrite:
		right := RightFdRead
		if sub.event == eventWrite {
			right = RightFdWrite
		}
		if sub.d = s.descriptors.get(uint64(id)); sub.d == nil {
			sub.errno = EBADF
		} else if _, listens := sub.d.object.(*listener); !listens && !sub.d.has(right) || !sub.d.has(RightPollFdReadwrite) && sub.d.object.kind() != TypeRegularFile {
			sub.errno = ENOTCAPABLE
		}
	default:
		sub.errno = EINVAL
	}
	return sub
}

// deadline gives the time of the monotonic clock at which a clock reaches a time, or has run for
// that long.
func (s *System) deadline(id uint32, timeout uint64, flags uint16) (int64, Errno) {
	const absolute = 1
	now, errno := s.clock.now(id)
	if errno != Success {
		return 0, errno
	}
	if flags&^absolute != 0 {
		return 0, EINVAL
	}
	wait := int64(min(timeout, math.MaxInt64))
	if flags&absolute != 0 {
		if wait <= now {
			return 0, Success
		}
		if now < 0 { // before 1970
			return math.MaxInt64, Success
		}
		wait -= now
	}
	monotonic := s.clock.monotonic()
	if wait > math.MaxInt64-max(monotonic, 0) {
		return math.MaxInt64, Success
	}
	return monotonic + wait, Success
}

// poll waits until something that the guest waits for has happened. What cannot be waited for has
// happened, with an error.
func (s *System) poll(g Guest, a []uint64, size uint64, read func([]byte) subscription) Errno {
	m := memoryOf(g)
	count := uint64(uint32(a[2]))
	if count == 0 || count > maxSubscriptions {
		return EINVAL
	}
	in, ok := m.window(uint32(a[0]), count*size)
	if !ok {
		return EFAULT
	}
	if _, ok := m.window(uint32(a[1]), count*sizeEvent); !ok {
		return EFAULT
	}
	if _, ok := m.window(uint32(a[3]), 4); !ok {
		return EFAULT
	}
	var few [4]subscription
	subscriptions := few[:0]
	for i := range count {
		subscriptions = append(subscriptions, read(in[i*size:(i+1)*size]))
	}
	waker := make(chan struct{}, 1)
	defer unwatch(subscriptions, waker)
	for reached := int64(math.MinInt64); ; {
		events, next := s.happened(memoryOf(g), a[1], subscriptions, waker, reached)
		if events > 0 {
			memoryOf(g).putUint32(a[3], events)
			return Success
		}
		slept, errno := s.wait(g.Context(), waker, next)
		if errno != Success {
			return errno
		}
		if slept { // whatever a clock of the embedder's says: one that stands still must not stop the guest
			reached = next
		}
	}
}

func unwatch(subscriptions []subscription, waker chan struct{}) {
	for i := range subscriptions {
		if sub := &subscriptions[i]; sub.event == eventRead && sub.d != nil {
			if p, ok := sub.d.object.(pollable); ok {
				p.unwatch(waker)
			}
		}
	}
}

// happened writes the events that there are, at the time reached at least. If there are none, next
// is when the first clock is due.
func (s *System) happened(m memory, out uint64, subscriptions []subscription, waker chan struct{}, reached int64) (events uint32, next int64) {
	next = math.MaxInt64
	now := max(s.clock.monotonic(), reached)
	for i := range subscriptions {
		sub := &subscriptions[i]
		var r readiness
		switch {
		case sub.errno != Success:
			r.ready = true
		case sub.event == eventClock:
			if r.ready = sub.deadline <= now; !r.ready {
				next = min(next, sub.deadline)
			}
		case sub.event == eventRead:
			r = readable(sub.d.object, waker)
		default: // what is written to blocks or does not, but is never refused
			r = readiness{ready: true, bytes: 1 << 16}
		}
		if !r.ready {
			continue
		}
		to, ok := m.window(uint32(out)+events*sizeEvent, sizeEvent)
		if !ok {
			return events, next
		}
		events++
		clear(to)
		binary.LittleEndian.PutUint64(to, sub.userdata)
		binary.LittleEndian.PutUint16(to[8:], uint16(sub.errno))
		to[10] = sub.event
		binary.LittleEndian.PutUint64(to[16:], r.bytes)
		if r.hangup {
			binary.LittleEndian.PutUint16(to[24:], 1)
		}
	}
	return events, next
}

// readable reports whether an object can be read. Files always can; how much is left of them is
// told.
func readable(o object, waker chan struct{}) readiness {
	if p, ok := o.(pollable); ok {
		return p.watch(waker)
	}
	r := readiness{ready: true}
	if at, errno := o.attributes(); errno == Success && at.kind == TypeRegularFile {
		if position, errno := o.seek(0, whenceCur); errno == Success && uint64(position) < at.size {
			r.bytes = at.size - uint64(position)
		}
	}
	return r
}

// wait waits for the waker or a time of the monotonic clock. It reports whether that time has come;
// EINTR is the end of the context.
func (s *System) wait(ctx context.Context, waker chan struct{}, until int64) (slept bool, errno Errno) {
	if until == math.MaxInt64 {
		select {
		case <-waker:
			return false, Success
		case <-ctx.Done():
			return false, EINTR
		}
	}
	pause := time.Duration(until - s.clock.monotonic())
	if s.clock.Sleep != nil {
		return s.sleep(ctx, waker, pause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-waker:
		return false, Success
	case <-timer.C:
		return true, Success
	case <-ctx.Done():
		return false, EINTR
	}
}

// sleep waits by the embedder's function. The waker ends it through its context; an error for which
// there is no such reason is the guest's.
func (s *System) sleep(ctx context.Context, waker chan struct{}, pause time.Duration) (slept bool, errno Errno) {
	sleeping, wake := context.WithCancel(ctx)
	stopped := make(chan struct{})
	defer wake()
	defer close(stopped)
	go func() {
		select {
		case <-waker:
			wake()
		case <-stopped:
		}
	}()
	err := s.clock.Sleep(sleeping, pause)
	switch {
	case ctx.Err() != nil:
		return false, EINTR
	case err == nil:
		return true, Success
	case sleeping.Err() != nil: // woken
		return false, Success
	}
	return false, errnoOf(err)
}
