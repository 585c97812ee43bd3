//go:build linux && (amd64 || arm64)

package image

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// This file does what functions of the image want of the operating system.

// unlimited is the limit of address space that is none.
const unlimited = ^uint64(0)

// serveSystem does what the function on this stack has left for, and leaves the result for it.
func (s *Stack) serveSystem() {
	args := field[[6]uintptr](s.head, headServiceArguments)
	service := *field[uint64](s.head, headService)
	value, errno := system(service, args)
	if service == serviceMap && errno != 0 {
		s.refused = fmt.Errorf("mmap of %d bytes was refused: %w", args[1], errno)
	}
	*field[[2]uint64](s.head, headServiceResult) = [2]uint64{value, uint64(errno)}
}

// system does one service; args are in memory of the image.
func system(service uint64, args *[6]uintptr) (uint64, syscall.Errno) {
	switch service {
	case serviceMap:
		frees := args[3]&syscall.MAP_FIXED != 0 // what was there
		return call(frees, syscall.SYS_MMAP, args[0], args[1], args[2],
			args[3]|syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	case serviceUnmap:
		return call(true, syscall.SYS_MUNMAP, args[0], args[1], 0, 0, 0, 0)
	case serviceProtect:
		return call(false, syscall.SYS_MPROTECT, args[0], args[1], args[2], 0, 0, 0)
	case serviceAdvise:
		return call(true, syscall.SYS_MADVISE, args[0], args[1], args[2], 0, 0, 0)
	case serviceAddressSpaceLimit:
		return addressSpace(), 0
	case serviceMaxMapCount:
		return maxMapCount(), 0
	case serviceSignalHandler:
		action, errno := signalAction(args[0])
		return uint64(action.handler), errno
	case serviceSignalFlags:
		action, errno := signalAction(args[0])
		return action.flags, errno
	case serviceSetSignalHandler:
		return 0, setSignalHandler(args[0], engine.handler)
	case serviceYield:
		runtime.Gosched()
		return 0, 0
	case serviceSignalThread:
		return 0, signalThread(args[0], args[1])
	case serviceSignalAllThreads:
		signalAllThreads(args[0])
		return 0, 0
	case serviceMemoryFile:
		return memoryFile(args[0])
	case serviceWriteFile:
		return 0, writeFile(args[0], args[1], args[2], args[3])
	case serviceSealFile:
		_, _, errno := syscall.RawSyscall(syscall.SYS_FCNTL, args[0], addSeals, sealAll)
		return 0, errno
	case serviceCloseFile:
		_, _, errno := syscall.Syscall(syscall.SYS_CLOSE, args[0], 0, 0)
		return 0, errno
	case serviceMapFile:
		return call(args[3]&syscall.MAP_FIXED != 0, syscall.SYS_MMAP, args[0], args[1], args[2], args[3]|syscall.MAP_PRIVATE, args[4], args[5])
	case serviceScanPages:
		return scanPages(args[0])
	}
	return 0, syscall.ENOSYS
}

// short is how many bytes of memory a system call may free and still be short.
const short = 1 << 20

// call makes a system call; a and b are an address and a number of bytes, whose memory it may free.
// One that may take long lets another thread have this one's processor of Go meanwhile, which costs
// more than short ones take.
func call(frees bool, number, a, b, c, d, e, f uintptr) (uint64, syscall.Errno) {
	var value uintptr
	var errno syscall.Errno
	if frees && b > short {
		value, _, errno = syscall.Syscall6(number, a, b, c, d, e, f)
	} else {
		value, _, errno = syscall.RawSyscall6(number, a, b, c, d, e, f)
	}
	if errno != 0 {
		return 0, errno
	}
	return uint64(value), 0
}

// addressSpace returns how many bytes of address space the process may use.
func addressSpace() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) != nil {
		return unlimited
	}
	return limit.Cur
}

// maxMapCount returns how many mappings the process may have, 0 where the system does not say.
func maxMapCount() uint64 {
	text, err := os.ReadFile("/proc/sys/vm/max_map_count")
	if err != nil {
		return 0
	}
	count, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return count
}
