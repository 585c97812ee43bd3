//go:build unix

package wasi

import "syscall"

// processTimeResolution is that of getrusage.
const processTimeResolution = 1000

// processTime is the processor time that the whole process of the host has used.
func (c *clock) processTime() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return c.monotonic()
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
