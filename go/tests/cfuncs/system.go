package cfuncs

import (
	"syscall"
	"unsafe"
)

// This file asks the system about threads and signals.

// The flags of a handler.
const (
	OnStack = 0x0800_0000
	SigInfo = 0x4
	Restart = 0x1000_0000
)

// ThreadID is the number of the calling thread.
func ThreadID() int { return syscall.Gettid() }

// Handler is the address of the handler that is installed for a signal, and its flags.
func Handler(signal int) (address uintptr, flags int) {
	var action struct {
		handler        uintptr
		flags          uint64
		restorer, mask uint64
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), 0, uintptr(unsafe.Pointer(&action)), unsafe.Sizeof(action.mask), 0, 0)
	if errno != 0 {
		return 0, 0
	}
	return action.handler, int(action.flags)
}

// AlternateStack is the size of the calling thread's alternate signal stack, 0 if it has none.
func AlternateStack() int {
	const disabled = 2
	var stack struct {
		base  uintptr
		flags int32
		size  uintptr
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_SIGALTSTACK, 0, uintptr(unsafe.Pointer(&stack)), 0)
	if errno != 0 || stack.flags&disabled != 0 {
		return 0
	}
	return int(stack.size)
}
