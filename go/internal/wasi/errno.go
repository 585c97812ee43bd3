package wasi

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// errnoOf gives the number for an error of Go's.
func errnoOf(err error) Errno {
	if err == nil {
		return Success
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		if errno, ok := systemErrno(number); ok {
			return errno
		}
	}
	for _, known := range &knownErrors {
		if errors.Is(err, known.err) {
			return known.errno
		}
	}
	return EIO
}

var knownErrors = [...]struct {
	err   error
	errno Errno
}{
	{fs.ErrNotExist, ENOENT},
	{fs.ErrExist, EEXIST},
	{fs.ErrPermission, EACCES},
	{fs.ErrInvalid, EINVAL},
	{fs.ErrClosed, EBADF},
	{net.ErrClosed, EBADF},
	{os.ErrDeadlineExceeded, EINTR}, // only the end of the context sets deadlines
	{io.ErrClosedPipe, EPIPE},
	{context.Canceled, EINTR},
	{context.DeadlineExceeded, EINTR},
	{errors.ErrUnsupported, ENOTSUP},
}

// rootErrno is errnoOf for the methods of os.Root. These refuse paths that lead out with an error
// that has no name; EPERM is what WASI programs expect then.
func rootErrno(err error) Errno {
	cause := err
	switch e := err.(type) {
	case *fs.PathError:
		cause = e.Err
	case *os.LinkError:
		cause = e.Err
	}
	if cause != nil && cause.Error() == "path escapes from parent" {
		return EPERM
	}
	return errnoOf(err)
}
