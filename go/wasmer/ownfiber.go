package wasmer

import (
	"sync"
	"unsafe"
	"weak"

	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// An instance keeps one fiber of its own, prepared for the function that was called last, behind a gate: who passes it has the fiber, and also keeps
// the instance from being freed. That is what makes a call cheap: a locked operation, a comparison, and no searching in pools. Calls that find the
// gate taken, because they are nested or come from another goroutine, take a fiber from the pool, and count themselves as users of the instance.

// ownFiber is the fiber that an instance keeps. All but the gate belongs to who has taken the gate.
type ownFiber struct {
	gate    gate
	once    bool              // there was a call
	bound   *exportedFunction // that the fiber is prepared for
	quick   *exportedFunction // the same if the short way may be gone, else nil
	fiber   *fiber.Fiber
	slots   unsafe.Pointer
	context InstanceContext // for the host functions that a call on the fiber calls
}

// maxKeepers is how many instances can keep a fiber at the same time; the calls of others take one from the pool. Each fiber that is kept takes two
// memory mappings and some pages.
const maxKeepers = 256

// keepers are the instances that keep a fiber. The references are weak: keeping a fiber does not keep an instance.
var keepers = struct {
	sync.Mutex
	instances map[*instanceResources]weak.Pointer[instanceState]
}{instances: make(map[*instanceResources]weak.Pointer[instanceState])}

// keepFiber gets a fiber for the instance to keep, and says whether there is one. It does so from the second call on: many instances
// live for one. The gate is taken.
func (s *instanceState) keepFiber() bool {
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
	fb.Instance, fb.Direct, fb.Local = s.id, s.direct(), unsafe.Pointer(&s.own.context)
	s.own.fiber = fb
	return true
}

// releaseFiber gives back the fiber that the instance keeps, if it does. Nobody uses it.
func (r *instanceResources) releaseFiber() {
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

// giveBackFibers makes instances that keep a fiber without using it at the moment give it back, and says whether there were any.
func giveBackFibers() bool {
	keepers.Lock()
	var idle []*instanceState
	for _, keeper := range keepers.instances {
		if s := keeper.Value(); s != nil && s.own.gate.take() {
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
func (s *instanceState) dropFiber() {
	s.own.fiber, s.own.bound, s.own.quick = nil, nil, nil
	s.owned.releaseFiber()
}
