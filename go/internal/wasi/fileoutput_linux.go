//go:build linux

package wasi

import (
	"context"
	"os"
	"syscall"
	"unsafe"
)

// writeUntilDone writes to a pipe, a terminal, a socket or another device of the host, and ends with the context where that would block. Then nothing is under
// way any more: what is reported as written is, and no more. While it waits it holds a thread, as any write to a file that blocks does.
//
// A pipe that can be written to takes 4,096 bytes (PIPE_BUF) at once; a socket is asked not to wait. A terminal that is stopped in the midst of a piece may
// wait on.
func writeUntilDone(ctx context.Context, file *os.File, fileType FileType, buffer []byte) (int, Errno) {
	if ctx.Done() == nil {
		n, err := file.Write(buffer)
		return written(buffer, n, err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, errnoOf(err)
	}
	const atOnce = 4096
	for done := 0; ; {
		if ctx.Err() != nil {
			return done, EINTR
		}
		piece := buffer[done:min(done+atOnce, len(buffer))]
		n, err := writeReady(raw, fileType, piece)
		switch {
		case err == syscall.EAGAIN || err == syscall.EINTR:
			continue
		case err != nil: // package os knows what to do about it, such as to end the program if its standard output is a broken pipe
			n, err = file.Write(piece)
		}
		if done += max(n, 0); err != nil || done == len(buffer) {
			return written(buffer, done, err)
		}
	}
}

// writeReady waits a while for a file that can be written to, and writes a piece then. EAGAIN says that it could not be.
func writeReady(raw syscall.RawConn, fileType FileType, piece []byte) (n int, err error) {
	const pollOut = 0x4
	wait := syscall.Timespec{Nsec: 20_000_000}
	closed := raw.Control(func(fd uintptr) {
		p := pollFd{fd: int32(fd), events: pollOut}
		if ready, _, number := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&wait)), 0, 0, 0); number != 0 {
			err = number
		} else if ready == 0 {
			err = syscall.EAGAIN
		} else if fileType == TypeSocketStream {
			n, err = syscall.SendmsgN(int(fd), piece, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		} else {
			n, err = syscall.Write(int(fd), piece)
		}
	})
	if closed != nil {
		return 0, os.ErrClosed
	}
	return n, err
}
