//go:build linux && (amd64 || arm64)

package image

import (
	"sync"
	"syscall"
	"unsafe"
)

// This file does for the engine what the images of modules' memories need: files in memory that
// nothing changes any more, and which pages of a private mapping differ from its file. Descriptors
// are closed when the process executes another program.

const (
	memoryFileFlags = 1 | 2         // MFD_CLOEXEC, MFD_ALLOW_SEALING
	addSeals        = 1033          // F_ADD_SEALS
	sealAll         = 1 | 2 | 4 | 8 // F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE
	pagemapScan     = 0xc0606610    // PAGEMAP_SCAN, since Linux 6.7
)

// memoryFileName is what /proc/self/maps shows of the files, as C has it.
var memoryFileName = [...]byte{'g', 'o', 'w', 'a', 's', 'm', 'e', 'r', ' ', 'm', 'e', 'm', 'o', 'r', 'y', 0}

// memoryFile makes a file in memory of so many zeros.
func memoryFile(bytes uintptr) (uint64, syscall.Errno) {
	fd, _, errno := syscall.RawSyscall(sysMemfdCreate, uintptr(unsafe.Pointer(&memoryFileName)), memoryFileFlags, 0)
	if errno != 0 {
		return 0, errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_FTRUNCATE, fd, bytes, 0); errno != 0 {
		_, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
		return 0, errno
	}
	return uint64(fd), 0
}

// writeFile writes bytes at an address, which is not Go's, to a file.
func writeFile(fd, at, length, offset uintptr) syscall.Errno {
	for length > 0 {
		n, _, errno := syscall.Syscall6(syscall.SYS_PWRITE64, fd, at, length, offset, 0, 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			return errno
		case n == 0:
			return syscall.EIO
		}
		at, length, offset = at+n, length-n, offset+n
	}
	return 0
}

// pagemap is the descriptor of /proc/self/pagemap. It stays open.
var pagemap = sync.OnceValues(func() (int, error) {
	return syscall.Open("/proc/self/pagemap", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
})

// scanPages asks the system about pages; the question is at an address that is not Go's.
func scanPages(question uintptr) (uint64, syscall.Errno) {
	fd, err := pagemap()
	if err != nil {
		return 0, syscall.ENOENT
	}
	count, _, errno := syscall.RawSyscall(syscall.SYS_IOCTL, uintptr(fd), pagemapScan, question)
	if errno != 0 {
		return 0, errno
	}
	return uint64(count), 0
}
