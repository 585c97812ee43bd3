//go:build linux && (amd64 || arm64)

package image

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// This file owns the stacks that functions of the image run on.
//
// All stacks lie side by side in one reservation, which the image knows. A stack gets memory when
// it is first needed, and is kept from then on. Where all are in use, Take waits: functions of the
// image do not wait for each other, except for locks that are held for moments, and no function
// needs a second stack.
//
// A stack that was used deeply keeps the memory that it touched. So Release returns what is below
// the top 64 KiB back to the system: after work that may be paused, which is what runs long and
// deep (1 microsecond against the milliseconds of a compilation), after a death, and else once in
// trimInterval uses, so that what a call costs (some 10 ns) does not notice. An idle program keeps
// what its last calls have touched, at most; a trim by a clock would wake it for little.

const (
	// maxStacks is how many functions can run at the same time. All but a few of them are
	// compilations; as many as there are processors make progress.
	maxStacks = 64
	// minStacks is what is worth starting with.
	minStacks = 2
	// keptSize is how much of a stack keeps its memory.
	keptSize = 64 << 10
	// trimInterval is how many uses of a stack may pass before it is trimmed in any case.
	trimInterval = 1024
	// shards is how many places the cache of free stacks has.
	shards = 32
)

// The first stacks of the reservation are not handed out: on them runs what must not wait for one.
const (
	cleaner = iota // releases the locks of functions that have died; that takes no lock itself
	freer          // releases heaps, which may wait for a lock of a function that has died
	ownStacks
)

// Stack is a stack that functions of the image run on. It is used by one goroutine at a time.
type Stack struct {
	block   unsafe.Pointer // the context
	head    unsafe.Pointer
	failed  error  // why the last call has not returned
	refused error  // the memory that the last call was refused last
	uses    uint32 // since the stack was trimmed
	deep    bool   // to be trimmed
	trial   *trial // of tryPauses if it runs here: it holds a processor of Go in any case
	taken   bool
}

// pool is what there is of stacks.
type pool struct {
	base  unsafe.Pointer
	count int // how many are reserved
	own   [ownStacks]struct {
		sync.Mutex
		*Stack
	}

	// Most calls take and release the stack of their shard by an atomic operation each.
	cache [shards]struct {
		stack atomic.Pointer[Stack]
		_     [56]byte // a cache line each
	}
	waiting atomic.Int32 // how many goroutines are in takeSlow

	mutex    sync.Mutex // protects what follows
	released *sync.Cond
	free     []*Stack
	made     int // how many have memory
	limit    int // how many can have
}

var stacks pool

// make reserves the stacks, fewer where address space is short, and maps the memory of the first
// ones. An error leaves nothing behind.
func (p *pool) make() error {
	count := maxStacks
	if limit := addressSpace(); limit != unlimited {
		count = int(min(maxStacks, limit/16/stackSize))
	}
	count = ownStacks + max(count, minStacks)
	for {
		var err error
		if p.base, err = reserve(uintptr(count)*stackSize, stackSize); err == nil {
			break
		}
		if count == ownStacks+minStacks {
			return fmt.Errorf("stacks: %w; raise the limit of address space (ulimit -v)", err)
		}
		count = ownStacks + max((count-ownStacks)/2, minStacks)
	}
	noHugePages(p.base, uintptr(count)*stackSize)
	p.count, p.limit, p.released = count, count, sync.NewCond(&p.mutex)
	for i := range ownStacks + minStacks {
		s, err := p.commit(i)
		if err != nil {
			unmap(p.base, uintptr(count)*stackSize)
			p.base, p.count, p.limit, p.free = nil, 0, 0, nil
			return err
		}
		if i < ownStacks {
			p.own[i].Stack = s
		} else {
			p.free = append(p.free, s)
		}
	}
	p.made = ownStacks + minStacks
	return nil
}

// commit maps the memory of a stack, and writes what never changes of its context.
func (p *pool) commit(i int) (*Stack, error) {
	base := unsafe.Add(p.base, i*stackSize)
	err := protect(unsafe.Add(base, guardSize), stackSize-guardSize, syscall.PROT_READ|syscall.PROT_WRITE, "a stack")
	if err != nil {
		return nil, err
	}
	s := &Stack{block: unsafe.Add(base, stackSize-ctxSize)}
	s.head = unsafe.Add(s.block, -headSize)
	*field[uintptr](s.block, ctxEntry) = engine.call
	*field[uintptr](s.block, ctxVmctx) = uintptr(s.head)
	*field[uintptr](s.block, ctxArgs) = uintptr(s.head) + headWords
	*field[uintptr](s.block, ctxStackTop) = uintptr(s.head)
	*field[uintptr](s.block, ctxStackLow) = uintptr(base) + guardSize
	return s, nil
}

// field returns a field of a context or a head.
func field[T any](of unsafe.Pointer, offset uintptr) *T {
	return (*T)(unsafe.Add(of, offset))
}

// shard chooses a place of the cache: goroutines that run at the same time have their stacks at
// different addresses.
func (p *pool) shard() *atomic.Pointer[Stack] {
	var here byte
	return &p.cache[(uintptr(unsafe.Pointer(&here))>>11)%shards].stack
}

// Take takes a free stack, and waits for one where all are in use. Load must have succeeded.
func Take() *Stack {
	s := stacks.shard().Swap(nil)
	if s == nil {
		s = stacks.takeSlow()
	}
	s.taken = true
	return s
}

func (p *pool) takeSlow() *Stack {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	// Whoever releases a stack puts it into the cache and then looks here; this looks into the
	// cache afterwards. So one of both sees the other.
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	for {
		if n := len(p.free); n > 0 {
			s := p.free[n-1]
			p.free = p.free[:n-1]
			return s
		}
		for i := range p.cache {
			if s := p.cache[i].stack.Swap(nil); s != nil {
				return s
			}
		}
		if p.made < p.limit {
			if s, err := p.commit(p.made); err == nil {
				p.made++
				return s
			}
			p.limit = p.made // memory is short: those that there are have to do
		}
		p.released.Wait()
	}
}

// Release returns the stack. Words and Out must not be used any more.
func (s *Stack) Release() {
	if !s.taken {
		panic("image: a stack is released that is not taken")
	}
	s.taken, s.failed = false, nil
	if s.uses++; s.deep || s.uses >= trimInterval {
		s.trim()
	}
	if stacks.waiting.Load() == 0 {
		shard := stacks.shard()
		if shard.CompareAndSwap(nil, s) && (stacks.waiting.Load() == 0 || !shard.CompareAndSwap(s, nil)) {
			return
		}
	}
	stacks.releaseSlow(s)
}

func (p *pool) releaseSlow(s *Stack) {
	p.mutex.Lock()
	p.free = append(p.free, s)
	p.mutex.Unlock()
	p.released.Signal()
}

// trim returns the memory of all but the top of the stack. It is done while nothing runs there.
func (s *Stack) trim() {
	low := pointer(*field[uintptr](s.block, ctxStackLow))
	discard(low, stackSize-guardSize-keptSize)
	s.deep, s.uses = false, 0
}

// Words are the arguments of the next call, and the results of the last one, which are the first
// two.
func (s *Stack) Words() *[headWordsCount]uintptr {
	return field[[headWordsCount]uintptr](s.head, headWords)
}

// Out is the i-th of some 50 words that functions of the image write results to which do not fit
// into Words, or read structures from. Their addresses may be passed in Words.
func (s *Stack) Out(i int) unsafe.Pointer {
	return unsafe.Pointer(&field[[headOutCount]uint64](s.head, headOut)[i])
}
