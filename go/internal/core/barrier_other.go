//go:build !linux

package core

const (
	membarrierPrivate = iota
	membarrierRegister
)

// membarrier is a system call of Linux.
func membarrier(uintptr) bool { return false }
