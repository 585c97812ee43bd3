//go:build linux

package wasi

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// fileInput reads from a pipe, a terminal, a socket or another device of the host. It waits until
// the file can be read and does not read before the guest asks: what one guest leaves is there for
// whoever reads next, another guest or the embedder, and nothing is copied.
//
// The wait holds no thread, also for files that Go would block one for, such as os.Stdin: an epoll
// of our own, which Go's poller can wait for, watches the file. Of a terminal, which cannot be
// asked not to wait, a read may hold a thread until there is more if somebody else has read what
// made it ready.
type fileInput struct {
	nothing
	file     *os.File
	fileType FileType

	mutex    sync.Mutex
	raw      syscall.RawConn // these two from the first use on
	epoll    *os.File        // nil if the file is of a kind that is always ready, such as /dev/null
	watching bool            // a goroutine waits for the epoll
	closed   bool
	waiters  waiters
	await    func() // waits in the background; made once, so that starting it allocates nothing
}

// recheck is how long a goroutine waits before it looks whether anybody still wants to know, and
// whether the embedder has closed the file, of which an epoll says nothing.
const recheck = time.Second

// newFileInput makes the input of a file. Deadlines that the embedder sets for it do not count.
func newFileInput(file *os.File, fileType FileType) streamInput {
	in := &fileInput{file: file, fileType: fileType}
	in.await = in.background
	return in
}

// prepare makes the epoll when it is needed first, and reports whether reads may have to wait.
func (in *fileInput) prepare() (mayWait bool, errno Errno) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	switch {
	case in.closed: // by another thread of the guest
		return false, EBADF
	case in.raw != nil:
		return in.epoll != nil, Success
	}
	raw, err := in.file.SyscallConn()
	if err != nil {
		return false, errnoOf(err)
	}
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false, errnoOf(err)
	}
	closed := raw.Control(func(watched uintptr) {
		if flags, _, number := syscall.RawSyscall(syscall.SYS_FCNTL, watched, syscall.F_GETFL, 0); number == 0 && flags&syscall.O_ACCMODE == syscall.O_WRONLY {
			err = syscall.EBADF // it would never become ready
			return
		}
		err = syscall.EpollCtl(fd, syscall.EPOLL_CTL_ADD, int(watched), &syscall.EpollEvent{Events: syscall.EPOLLIN})
	})
	if err == nil {
		err = syscall.SetNonblock(fd, true) // Go's poller takes only what does not block
	}
	switch {
	case closed != nil:
		errno = EBADF
	case err == nil:
		epoll := os.NewFile(uintptr(fd), "epoll")
		if err := epoll.SetReadDeadline(time.Time{}); err != nil { // Go's poller has not taken it: to wait would be a busy loop
			epoll.Close()
			return false, errnoOf(err)
		}
		in.raw, in.epoll = raw, epoll
		return true, Success
	case err == syscall.EPERM: // what is always ready cannot be watched
		in.raw = raw
	default:
		errno = errnoOf(err)
	}
	syscall.Close(fd)
	return false, errno
}

func (in *fileInput) kind() FileType { return in.fileType }

func (in *fileInput) attributes() (attributes, Errno) { return streamAttributes(in.file, in.fileType) }

func (in *fileInput) stream() *os.File { return in.file }

func (in *fileInput) seek(offset int64, whence int) (int64, Errno) {
	return seekStream(in.file, offset, whence)
}

func (in *fileInput) read(ctx context.Context, to []byte, nonblock bool) (int, Errno) {
	mayWait, errno := in.prepare()
	if errno != Success {
		return 0, errno
	}
	if !mayWait {
		n, err := in.file.Read(to)
		return result(to, n, err)
	}
	waker := chan struct{}(nil)
	var again backoff
	for {
		ready, _ := in.ready()
		if ready {
			if n, err := in.readNow(to); err != syscall.EAGAIN { // another reader was faster, or a socket's queue of errors makes it ready
				return result(to, n, err)
			}
		}
		if nonblock {
			return 0, EAGAIN
		}
		if ready && !again.wait(ctx) {
			return 0, EINTR
		}
		if waker == nil {
			waker = wakers.Get().(chan struct{})
			defer func() {
				in.unwatch(waker)
				recycle(waker)
			}()
		}
		if in.watch(waker).ready {
			if _, errno := in.prepare(); errno != Success {
				return 0, errno
			}
			continue
		}
		select {
		case <-waker:
		case <-ctx.Done():
			return 0, EINTR
		}
	}
}

// readNow reads what is there.
func (in *fileInput) readNow(to []byte) (n int, err error) {
	closed := in.raw.Control(func(fd uintptr) {
		for {
			if n, err = readWithoutWaiting(int(fd), to); err != syscall.EINTR {
				return
			}
		}
	})
	switch {
	case closed != nil:
		return 0, os.ErrClosed
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// ready reports whether a read would return at once, and whether only to say that the other end is
// gone. Of a file that the embedder has closed, it would return an error.
func (in *fileInput) ready() (ready, hangup bool) {
	var events int16
	closed := in.raw.Control(func(fd uintptr) { events = pollFile(fd, pollIn, 0) })
	return closed != nil || events != 0, events&(pollIn|pollHup) == pollHup
}

// available says how many bytes can be read, 1 if that is not known.
func (in *fileInput) available() uint64 {
	var n int32
	in.raw.Control(func(fd uintptr) {
		syscall.RawSyscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&n))) // FIONREAD
	})
	return uint64(max(n, 1))
}

// watch implements pollable. A read that would fail at once does not block.
func (in *fileInput) watch(waker chan struct{}) readiness {
	if mayWait, errno := in.prepare(); !mayWait || errno != Success {
		return readiness{ready: true, bytes: 1}
	}
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if ready, hangup := in.ready(); ready || in.closed {
		if hangup {
			return readiness{ready: true, hangup: true}
		}
		return readiness{ready: true, bytes: in.available()}
	}
	in.waiters.add(waker)
	if !in.watching {
		in.watching = true
		go in.await()
	}
	return readiness{}
}

// background waits until the file can be read, or nobody wants to know any more.
func (in *fileInput) background() {
	for again := true; again; {
		again = errors.Is(in.waitForEvent(), os.ErrDeadlineExceeded)
		if ready, _ := in.ready(); ready {
			again = false
		}
		in.mutex.Lock()
		if again = again && len(in.waiters) > 0; !again {
			in.stop()
		}
		in.mutex.Unlock()
	}
}

// waitForEvent waits for the epoll, no longer than until it is time to look again.
func (in *fileInput) waitForEvent() error {
	watched, err := in.epoll.SyscallConn()
	if err != nil {
		return err
	}
	in.epoll.SetReadDeadline(time.Now().Add(recheck))
	return watched.Read(func(uintptr) bool {
		ready, _ := in.ready()
		return ready
	})
}

// stop ends watching and tells all who wait, who look for themselves. The mutex is held.
func (in *fileInput) stop() {
	in.watching = false
	in.waiters.wake()
	in.waiters = in.waiters[:0]
}

// unwatch implements pollable.
func (in *fileInput) unwatch(waker chan struct{}) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	in.waiters.remove(waker)
}

// close leaves the file alone: whoever opened it closes it. A goroutine that waits wakes.
func (in *fileInput) close() Errno {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if in.epoll != nil && !in.closed {
		in.epoll.Close()
	}
	in.closed = true
	return Success
}
