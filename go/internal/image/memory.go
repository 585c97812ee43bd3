//go:build linux && (amd64 || arm64)

package image

import (
	"fmt"
	"syscall"
	"unsafe"
)

// pointer makes a pointer of an address that is not Go's.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// reserve takes address space without access, whose start is a multiple of align, a power of two.
func reserve(size, align uintptr) (unsafe.Pointer, error) {
	page := uintptr(syscall.Getpagesize())
	slack := align - min(align, page)
	at, _, errno := syscall.Syscall6(syscall.SYS_MMAP, 0, size+slack, syscall.PROT_NONE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE, ^uintptr(0), 0)
	if errno != 0 {
		return nil, fmt.Errorf("mmap of %d bytes of address space was refused: %w", size+slack, errno)
	}
	start := (at + align - 1) &^ (align - 1)
	if start > at {
		unmap(pointer(at), start-at)
	}
	if end := at + size + slack; end > start+size {
		unmap(pointer(start+size), end-start-size)
	}
	return pointer(start), nil
}

// unmap releases address space. What the system refuses stays reserved.
func unmap(at unsafe.Pointer, size uintptr) {
	_, _, _ = syscall.Syscall(syscall.SYS_MUNMAP, uintptr(at), size, 0)
}

// protect sets what can be done with a range; what names it in an error.
func protect(at unsafe.Pointer, size uintptr, protection int, what string) error {
	_, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, uintptr(at), size, uintptr(protection))
	if errno == 0 {
		return nil
	}
	hint := ""
	if protection&syscall.PROT_EXEC != 0 && errno != syscall.ENOMEM {
		hint = "; the system forbids code in memory that was written to" +
			" (SELinux: execmem; systemd: MemoryDenyWriteExecute; or a seccomp filter)"
	}
	return fmt.Errorf("mprotect of %s, %d bytes, to %s was refused: %w%s",
		what, size, protectionName(protection), errno, hint)
}

func protectionName(protection int) string {
	name := []byte("---")
	for i, bit := range []int{syscall.PROT_READ, syscall.PROT_WRITE, syscall.PROT_EXEC} {
		if protection&bit != 0 {
			name[i] = "rwx"[i]
		}
	}
	return string(name)
}

// What madvise can be asked for. Kernels that do not know it refuse it, which does no harm.
const (
	adviceNoHugePage    = 15
	advicePopulateWrite = 23
)

func advise(at unsafe.Pointer, size, advice uintptr) {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(at), size, advice)
}

// discard returns the memory of a range to the system; it reads as zeros then.
func discard(at unsafe.Pointer, size uintptr) { advise(at, size, syscall.MADV_DONTNEED) }

// populate makes memory for a range that is written next: one call instead of a fault for each page
// (loading takes 1.45 instead of 1.7 ms).
func populate(at unsafe.Pointer, size uintptr) { advise(at, size, advicePopulateWrite) }

// noHugePages makes the system use small pages for a range: of a huge one all is touched at once,
// and no part can be given back.
func noHugePages(at unsafe.Pointer, size uintptr) { advise(at, size, adviceNoHugePage) }
