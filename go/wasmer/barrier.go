package wasmer

import (
	"runtime"
	"sync"
	"syscall"
)

// The system call membarrier(2), of Linux 4.14 and later, where it makes all running threads of the process execute a full memory barrier.
const (
	sysMembarrier      = 324 // on amd64, the only architecture that needs it
	membarrierPrivate  = 1 << 3
	membarrierRegister = 1 << 4
)

var registerBarrier = sync.OnceValue(func() bool {
	if runtime.GOOS != "linux" {
		return false
	}
	_, _, errno := syscall.RawSyscall(sysMembarrier, membarrierRegister, 0, 0)
	return errno == 0
})

// barrier makes all that other threads have stored until now visible to this one, and what this one has stored to them. Where the system call is not
// allowed, it stops all goroutines for a moment, which has the same effect. Where gates open by an atomic operation there is nothing left to do.
func barrier() {
	if !gateOpensPlainly {
		return
	}
	if registerBarrier() {
		if _, _, errno := syscall.RawSyscall(sysMembarrier, membarrierPrivate, 0, 0); errno == 0 {
			return
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
}
