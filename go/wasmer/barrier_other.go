//go:build !linux

package wasmer

const (
	membarrierPrivate = iota
	membarrierRegister
)

// membarrier is a system call of Linux.
func membarrier(uintptr) bool { return false }
