package core

import (
	"sync"
	"unsafe"
	"weak"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// An instance keeps one fiber of its own, prepared for the function that was called last, behind a
// gate: who passes it has the fiber, and also keeps the instance from being freed. That is what
// makes a call cheap: a locked operation, or none for the owner of the gate, a comparison, and no
// searching in pools. Calls that find the gate taken, because they are nested or come from another
// goroutine, take a fiber from the pool, and count themselves as users of the instance.
//
// The owner of the gate does not look whether calls are refused: who refuses them ends its
// ownership after that, and who becomes the owner looks once more after that.

// maxKeepers is how many instances can keep a fiber at the same time; the calls of others take one
// from the pool. Each fiber that is kept takes two memory mappings and some pages.
const maxKeepers = 256

// keepers are the instances that keep a fiber. The references are weak: keeping a fiber does not
// keep an instance.
var keepers = struct {
	sync.Mutex
	instances map[*resources]weak.Pointer[Instance]
}{instances: make(map[*resources]weak.Pointer[Instance])}

// keepFiber gets a fiber for the instance to keep, and reports whether there is one. It does so
// from the second call on: many instances live for one. The gate is taken.
func (s *Instance) keepFiber() bool {
	if !s.own.once {
		s.own.once = true
		return false
	}
	keepers.Lock()
	defer keepers.Unlock()
	if len(keepers.instances) >= maxKeepers {
		return false
	}
	fb, err := fiber.Acquire()
	if err != nil {
		return false
	}
	keepers.instances[s.owned] = weak.Make(s)
	s.owned.block.Store((*byte)(fb.Keep()))
	fb.CallDirectly(s.id, s.direct(), unsafe.Pointer(&s.own.call))
	s.own.Fiber = fb
	return true
}

// direct returns the host functions as fibers call them: with the Call as a pointer to something.
func (s *Instance) direct() []fiber.HostFunc {
	return *(*[]fiber.HostFunc)(unsafe.Pointer(&s.calls))
}

// releaseFiber gives back the fiber that the instance keeps, if it does. Nobody uses it.
func (r *resources) releaseFiber() {
	block := r.block.Swap(nil)
	if block == nil {
		return
	}
	keepers.Lock()
	delete(keepers.instances, r)
	keepers.Unlock()
	fiber.ReleaseKept(unsafe.Pointer(block))
}

// acquireFiber takes a fiber from the pool. If there are no more, instances give back theirs.
func acquireFiber() (*fiber.Fiber, error) {
	fb, err := fiber.Acquire()
	if err != nil && giveBackFibers() {
		return fiber.Acquire()
	}
	return fb, err
}

// giveBackFibers makes instances that keep a fiber without using it at the moment give it back, and
// reports whether there were any.
func giveBackFibers() bool {
	keepers.Lock()
	var idle []*Instance
	for _, keeper := range keepers.instances {
		if s := keeper.Value(); s != nil && s.own.Claim() {
			idle = append(idle, s)
		}
	}
	keepers.Unlock()
	for _, s := range idle {
		s.dropFiber()
		s.leaveOwn()
	}
	return idle != nil
}

// dropFiber gives back the fiber that the instance keeps, if it does. The gate is taken.
func (s *Instance) dropFiber() {
	s.own.Fiber, s.own.bound, s.own.Quick = nil, nil, nil
	s.owned.releaseFiber()
}

// leaveOwn opens the gate again, and shuts it if the instance was closed meanwhile.
func (s *Instance) leaveOwn() {
	if s.own.call.ctx != nil {
		s.own.call.ctx = nil
	}
	s.own.Open()
	if s.life.isClosed() {
		s.shut()
	}
}

// endOwner makes the owner of the gate look at the lifetime when it comes next, as it is the owner
// no more, and shuts the gate if the instance is closed, unless there is a call on the fiber, which
// does both when it ends. Why calls are refused is noted before.
func (s *Instance) endOwner() {
	if s.own.Claim() {
		s.leaveOwn()
	}
}

// shut ends the use of the instance that its own fiber stands for, unless there is a call on it,
// which then does it when it ends.
func (s *Instance) shut() bool {
	if !s.own.Shut() {
		return false
	}
	s.life.leave(s)
	return true
}

// Close refuses further calls, and frees the instance as soon as no call is running.
//
// A call that ends on the instance's own fiber opens the gate and then looks whether the instance
// is closed; here it is closed, and then the gate is looked at. The processor may let the call look
// before others see the gate open. After the barrier, either the gate is seen open, or the call has
// not yet looked.
func (s *Instance) Close() {
	s.life.close(s)
	if s.shut() || s.own.IsShut() {
		return
	}
	s.endOwner()
	if !s.own.IsShut() {
		fiber.Barrier()
		s.shut()
	}
}

// Terminate ends the calls that were made of the instance's functions and run, and refuses others,
// with a *Terminated of the error. Only the first one counts.
func (s *Instance) Terminate(err error) {
	s.quit.Set(&Terminated{err})
	s.life.end()
	s.endOwner()
}
