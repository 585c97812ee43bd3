package fiber

import "syscall"

// The system call membarrier(2), of Linux 4.14 and later, where it makes all running threads of the
// process execute a full memory barrier.
const (
	sysMembarrier      = 324 // on amd64, the only architecture that needs it
	membarrierPrivate  = 1 << 3
	membarrierRegister = 1 << 4
)

// membarrier makes the system call, and reports whether it was allowed.
func membarrier(command uintptr) bool {
	_, _, errno := syscall.RawSyscall(sysMembarrier, command, 0, 0)
	return errno == 0
}
