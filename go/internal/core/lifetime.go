package core

import "sync/atomic"

// lifetime counts the running uses of something that can be closed, and tells when it may be freed:
// once, after it was closed and the last use has ended. The zero value is open.
type lifetime struct {
	word atomic.Uint64
}

const (
	closedBit uint64 = 1 << 63 // no further uses
	freedBit  uint64 = 1 << 62 // release was called
	endedBit  uint64 = 1 << 61 // no further calls, but all else; see Instance.Terminate
	heldBit   uint64 = 1 << 60 // no calls for a moment; see hold
	refusals  uint64 = endedBit | heldBit
	memberUse uint64 = 1 << 31 // a use that enterMember counts; other uses count 1 each
)

// releaser is what a lifetime belongs to.
type releaser interface {
	// release frees the resources. It is called once at most.
	release()
}

// enter begins a use, unless the owner is closed.
func (l *lifetime) enter(owner releaser) bool {
	if l.word.Add(1)&closedBit == 0 {
		return true
	}
	l.leave(owner)
	return false
}

// enterCall is enter for calls, which are refused from end on, too.
func (l *lifetime) enterCall(owner releaser) bool {
	if l.word.Add(1)&(closedBit|refusals) == 0 {
		return true
	}
	l.leave(owner)
	return false
}

// leave ends a use; the last one frees a closed owner.
func (l *lifetime) leave(owner releaser) {
	if l.word.Add(^uint64(0))&^refusals == closedBit {
		l.free(owner)
	}
}

// enterMember is enterCall for calls on fibers that are members of a group: these can be told from
// the others.
func (l *lifetime) enterMember(owner releaser) bool {
	if l.word.Add(memberUse)&(closedBit|refusals) == 0 {
		return true
	}
	l.leaveMember(owner)
	return false
}

// leaveMember ends such a use.
func (l *lifetime) leaveMember(owner releaser) {
	if l.word.Add(^(memberUse-1))&^refusals == closedBit {
		l.free(owner)
	}
}

// others counts the uses that are not such.
func (l *lifetime) others() uint64 { return l.word.Load() & (memberUse - 1) }

// close refuses further uses, and frees the owner if there is no running one.
func (l *lifetime) close(owner releaser) {
	if l.word.Or(closedBit)&^refusals == 0 {
		l.free(owner)
	}
}

// free releases the owner unless that was done, or a use that is about to be refused has just
// begun, which then does it.
func (l *lifetime) free(owner releaser) {
	for {
		word := l.word.Load()
		if word&^refusals != closedBit {
			return
		}
		if l.word.CompareAndSwap(word, word|freedBit) {
			owner.release()
			return
		}
	}
}

// end refuses further calls.
func (l *lifetime) end() { l.word.Or(endedBit) }

// hold refuses calls until resume, unless that is so already, and reports whether there are no more
// uses than the given number. If not, calls are not refused.
func (l *lifetime) hold(uses uint64) bool {
	if l.word.Or(heldBit)&heldBit != 0 {
		return false
	}
	if l.word.Load()&^(closedBit|freedBit|refusals) == uses {
		return true
	}
	l.resume()
	return false
}

// resume ends what hold began.
func (l *lifetime) resume() { l.word.And(^heldBit) }

// isHeld reports whether calls are refused for a moment.
func (l *lifetime) isHeld() bool { return l.word.Load()&heldBit != 0 }

// isClosed reports whether uses are refused.
func (l *lifetime) isClosed() bool { return l.word.Load()&closedBit != 0 }

// refusesCalls reports whether calls are refused.
func (l *lifetime) refusesCalls() bool { return l.word.Load()&(closedBit|refusals) != 0 }
