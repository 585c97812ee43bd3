package profile

import "syscall"

// mapMemory returns memory that is zero and not Go's.
func mapMemory(size int) ([]byte, error) {
	const protection = syscall.PROT_READ | syscall.PROT_WRITE
	const flags = syscall.MAP_ANON | syscall.MAP_PRIVATE
	return syscall.Mmap(-1, 0, size, protection, flags)
}
