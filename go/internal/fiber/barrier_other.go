//go:build !linux

package fiber

const (
	membarrierPrivate = iota
	membarrierRegister
)

// membarrier is a system call of Linux.
func membarrier(uintptr) bool { return false }
