//go:build linux && (amd64 || arm64)

package image

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// This file installs the image's signal handler, and sends signals.

// pauseSignal is the signal that Go sends to a thread whose goroutine shall yield, and that pauses
// guests and work.
const pauseSignal = uintptr(syscall.SIGURG)

// sigaction is the kernel's own structure, the same on both architectures.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

// Flags of a sigaction.
const (
	saSiginfo  = 0x4
	saRestorer = 0x0400_0000
	saOnStack  = 0x0800_0000
	saRestart  = 0x1000_0000
)

const lastSignal = 64

func rtSigaction(signal uintptr, action, old *sigaction) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, signal,
		uintptr(unsafe.Pointer(action)), uintptr(unsafe.Pointer(old)), unsafe.Sizeof(action.mask), 0, 0)
	return errno
}

// signalAction reads what happens at a signal.
func signalAction(signal uintptr) (sigaction, syscall.Errno) {
	var action sigaction
	errno := rtSigaction(signal, nil, &action)
	return action, errno
}

// setSignalHandler installs a handler as Go installs its own: with three arguments, on the
// alternate stack, all signals blocked meanwhile. The kernel returns from it through the restorer
// that Go, or the C library under it, has.
func setSignalHandler(signal, handler uintptr) syscall.Errno {
	action := sigaction{handler: handler, flags: saSiginfo | saOnStack | saRestart, mask: ^uint64(0)}
	if needsRestorer {
		if action.restorer = restorer(signal); action.restorer == 0 {
			return syscall.ENOTSUP
		}
		action.flags |= saRestorer
	}
	return rtSigaction(signal, &action, nil)
}

// restorer returns the restorer of the signal's present handler, or else of any other signal's.
func restorer(signal uintptr) uintptr {
	if action, errno := signalAction(signal); errno == 0 && action.flags&saRestorer != 0 {
		return action.restorer
	}
	for other := uintptr(1); other <= lastSignal; other++ {
		if action, errno := signalAction(other); errno == 0 && action.flags&saRestorer != 0 {
			return action.restorer
		}
	}
	return 0
}

// signalThread sends a signal to a thread of this process.
func signalThread(thread, signal uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), thread, signal)
	return errno
}

// signalAllThreads sends a signal to every thread of this process. Where /proc is not mounted it
// tries the numbers that follow the process's own, which is where threads get theirs unless the
// machine starts many processes.
func signalAllThreads(signal uintptr) {
	const tried = 4096
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		first := uintptr(syscall.Getpid())
		for thread := first; thread < first+tried; thread++ {
			_ = signalThread(thread, signal) // the kernel refuses threads of other processes
		}
		_ = signalThread(uintptr(syscall.Gettid()), signal)
		return
	}
	for _, thread := range threads {
		if number, err := strconv.Atoi(thread.Name()); err == nil {
			_ = signalThread(uintptr(number), signal)
		}
	}
}
