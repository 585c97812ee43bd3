package fiber

import (
	"runtime"
	"sync"
)

// registerBarrier reports whether the system call membarrier is allowed.
var registerBarrier = sync.OnceValue(func() bool { return membarrier(membarrierRegister) })

// Barrier makes all that other threads have stored until now visible to this one, and what this one
// has stored to them. Where the system call is not allowed, it stops all goroutines for a moment,
// which has the same effect. Where gates open by an atomic operation there is nothing left to do.
func Barrier() {
	if !hasOwners {
		return
	}
	if registerBarrier() && membarrier(membarrierPrivate) {
		return
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
}
