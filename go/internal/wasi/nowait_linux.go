//go:build linux

package wasi

import (
	"context"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// This file asks files of the host whether they are ready, and reads and writes those that may
// block without waiting: between the moment that poll(2) says that a file is ready and the call
// another guest may have been faster. RWF_NOWAIT asks for that in a call, as O_NONBLOCK is a flag
// of the open file, which others use.

// nowaitNumbers are those of preadv2 and pwritev2, which package syscall does not have, 0 where
// they are not known.
func nowaitNumbers() (read, write uintptr) {
	switch runtime.GOARCH {
	case "amd64":
		return 327, 328
	case "arm64", "riscv64", "loong64":
		return 286, 287
	}
	return 0, 0
}

var sysRead, sysWrite = nowaitNumbers()

// nowait calls preadv2 or pwritev2 at the file's own position. ok is false where this file, or an
// old kernel, does not know it.
func nowait(number uintptr, fd int, buffer []byte) (n int, err error, ok bool) {
	const rwfNowait = 0x8
	if number == 0 {
		return 0, nil, false
	}
	vector := syscall.Iovec{Base: unsafe.SliceData(buffer)}
	vector.SetLen(len(buffer))
	got, _, failed := syscall.Syscall6(number, uintptr(fd), uintptr(unsafe.Pointer(&vector)), 1, ^uintptr(0), ^uintptr(0), rwfNowait)
	runtime.KeepAlive(buffer)
	switch failed {
	case 0:
		return int(got), nil, true
	case syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL:
		return 0, nil, false
	}
	return 0, failed, true
}

// readWithoutWaiting is read(2) that says EAGAIN rather than wait, save for terminals, which do not
// know that.
func readWithoutWaiting(fd int, to []byte) (int, error) {
	if n, err, ok := nowait(sysRead, fd, to); ok {
		return n, err
	}
	return syscall.Read(fd, to)
}

// Events of poll(2).
const (
	pollIn  = 0x1
	pollOut = 0x4
	pollHup = 0x10
)

// pollFile is poll(2) for one file: it waits for events, and says which there are, among them those
// that are always told, such as pollHup.
func pollFile(fd uintptr, events int16, wait time.Duration) int16 {
	file := struct {
		fd              int32
		events, revents int16
	}{int32(fd), events, 0}
	limit := syscall.NsecToTimespec(int64(wait))
	if wait == 0 { // it does not block
		syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&file)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	} else {
		syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&file)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	}
	return file.revents
}

// backoff waits ever longer, from 20 microseconds to 20 milliseconds, in the manner of goroutines:
// it holds no thread.
type backoff time.Duration

// wait reports whether the context has not ended.
func (b *backoff) wait(ctx context.Context) bool {
	*b = min(max(2*(*b), backoff(20*time.Microsecond)), backoff(20*time.Millisecond))
	timer := time.NewTimer(time.Duration(*b))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
