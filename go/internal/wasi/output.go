package wasi

import (
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// output writes to an io.Writer, one call of the guest at a time, save for a file, which may be
// written to by several goroutines.
type output struct {
	nothing
	mutex    sync.Mutex
	writer   io.Writer
	fileType FileType
	file     *os.File // of which attributes are known, or nil
}

// newStdout makes what a guest writes its standard output to. A regular file is one for the guest
// too.
func newStdout(w io.Writer) object {
	if w == nil {
		return &output{writer: io.Discard}
	}
	if file, ok := w.(*os.File); ok {
		if file == nil {
			return &output{writer: io.Discard}
		}
		if info, err := file.Stat(); err == nil {
			if info.Mode().IsRegular() {
				return &hostFile{file: file, borrowed: true}
			}
			return &output{writer: w, fileType: typeOf(info.Mode()), file: file}
		}
	}
	return &output{writer: w}
}

func (out *output) kind() FileType { return out.fileType }

func (out *output) attributes() (attributes, Errno) { return streamAttributes(out.file, out.fileType) }

func (out *output) seek(offset int64, whence int) (int64, Errno) {
	return seekStream(out.file, offset, whence)
}

func (out *output) stream() *os.File { return out.file }

func (out *output) write(ctx context.Context, buffer []byte) (int, Errno) {
	if out.file != nil {
		return writeUntilDone(ctx, out.file, out.fileType, buffer)
	}
	return out.put(buffer)
}

// put gives the writer the guest's own memory: a Writer must neither keep nor change it.
func (out *output) put(buffer []byte) (int, Errno) {
	out.mutex.Lock()
	defer out.mutex.Unlock()
	n, err := out.writer.Write(buffer)
	if n == len(buffer) && err == nil {
		return n, Success
	}
	return written(buffer, n, err)
}

// written checks what a Writer returned.
func written(buffer []byte, n int, err error) (int, Errno) {
	n = min(max(n, 0), len(buffer))
	switch {
	case err != nil:
		return n, errnoOf(err)
	case n < len(buffer):
		return n, EIO
	}
	return n, Success
}

// writeUntil calls write, which waits no longer than a deadline, so that it ends with the context.
// The deadline does not stay.
func writeUntil(ctx context.Context, setDeadline func(time.Time) error, write func() (int, Errno)) (int, Errno) {
	if ctx.Done() == nil {
		return write()
	}
	set := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(set)
		setDeadline(time.Unix(1, 0)) // it has passed
	})
	defer func() {
		if !stop() {
			<-set
			setDeadline(time.Time{})
		}
	}()
	return write()
}

func (out *output) sync(bool) Errno {
	if out.file != nil {
		switch errno := errnoOf(out.file.Sync()); errno {
		case EINVAL, ENOTSUP: // pipes and terminals have nothing to write back
		default:
			return errno
		}
	}
	return Success
}
