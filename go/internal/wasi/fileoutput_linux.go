//go:build linux

package wasi

import (
	"context"
	"os"
	"syscall"
	"time"
)

// writeUntilDone writes to a pipe, a terminal, a socket or another device of the host, and ends
// with the context where that would block. Then nothing is under way any more: what is reported as
// written is, and no more. While it waits it holds no thread.
//
// A terminal, which cannot be asked not to wait, gets pieces of 4,096 bytes when it can be written
// to; one that is stopped in the midst of a piece may wait on.
func writeUntilDone(ctx context.Context, file *os.File, fileType FileType, buffer []byte) (int, Errno) {
	if ctx.Done() == nil {
		n, err := file.Write(buffer)
		return written(buffer, n, err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, errnoOf(err)
	}
	var full backoff
	for done := 0; ; {
		if ctx.Err() != nil {
			return done, EINTR
		}
		n, err := writeNow(raw, fileType, buffer[done:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			if full == 0 { // somebody who reads does so soon
				awaitRoom(raw)
				full = backoff(time.Millisecond)
			} else {
				full.wait(ctx)
			}
			continue
		case err != nil: // package os knows what to do about it, such as to end the program if its standard output is a broken pipe
			n, err = file.Write(buffer[done:])
		}
		full = 0
		if done += max(n, 0); err != nil || done == len(buffer) {
			return written(buffer, done, err)
		}
	}
}

// writeNow writes as much as there is room for. EAGAIN says that there is none.
func writeNow(raw syscall.RawConn, fileType FileType, buffer []byte) (n int, err error) {
	closed := raw.Control(func(fd uintptr) {
		if fileType == TypeSocketStream {
			n, err = syscall.SendmsgN(int(fd), buffer, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
			return
		}
		var ok bool
		if n, err, ok = nowait(sysWrite, int(fd), buffer); ok {
			return
		}
		const atOnce = 4096 // PIPE_BUF: that much fits into a pipe that is ready
		if pollFile(fd, pollOut, 0) != 0 {
			n, err = syscall.Write(int(fd), buffer[:min(atOnce, len(buffer))])
		} else {
			err = syscall.EAGAIN
		}
	})
	if closed != nil {
		return 0, os.ErrClosed
	}
	return n, err
}

// awaitRoom waits a millisecond at most until a file can be written to.
func awaitRoom(raw syscall.RawConn) {
	raw.Control(func(fd uintptr) { pollFile(fd, pollOut, time.Millisecond) })
}
