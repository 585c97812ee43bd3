package wasi

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// hostFile is a regular file of the host.
type hostFile struct {
	file     *os.File
	borrowed bool        // the embedder closes it
	readOnly bool        // it lies in a directory that is read-only for the guest
	appends  atomic.Bool // writes go to the end; where the system does not see to it, by seeking under the lock
	lock     sync.Mutex
}

func (f *hostFile) kind() FileType { return TypeRegularFile }

func (f *hostFile) attributes() (attributes, Errno) {
	info, err := f.file.Stat()
	if err != nil {
		return attributes{}, errnoOf(err)
	}
	return hostAttributes(info), Success
}

func (f *hostFile) read(_ context.Context, buffer []byte, _ bool) (int, Errno) {
	n, err := f.file.Read(buffer)
	return result(buffer, n, err)
}

func (f *hostFile) write(_ context.Context, buffer []byte) (int, Errno) {
	if f.appends.Load() && (f.borrowed || !appendBySystem) {
		f.lock.Lock()
		defer f.lock.Unlock()
		if _, err := f.file.Seek(0, io.SeekEnd); err != nil {
			return 0, errnoOf(err)
		}
	}
	n, err := f.file.Write(buffer)
	return written(buffer, n, err)
}

func (f *hostFile) readAt(buffer []byte, offset int64) (int, Errno) {
	n, err := f.file.ReadAt(buffer, offset)
	return result(buffer, n, err)
}

// writeAt does what the system does for a file that appends: Linux appends, POSIX would write at
// the offset.
func (f *hostFile) writeAt(buffer []byte, offset int64) (int, Errno) {
	n, err := f.file.WriteAt(buffer, offset)
	return written(buffer, n, err)
}

func (f *hostFile) seek(offset int64, whence int) (int64, Errno) {
	position, err := f.file.Seek(offset, whence)
	return position, errnoOf(err)
}

func (f *hostFile) truncate(size int64) Errno {
	if f.readOnly {
		return EROFS
	}
	return errnoOf(f.file.Truncate(size))
}

func (f *hostFile) allocate(offset, length int64) Errno {
	if f.readOnly {
		return EROFS
	}
	return allocate(f.file, offset, length)
}

func (f *hostFile) setTimes(times timeChange) Errno {
	if f.readOnly {
		return EROFS
	}
	return setTimesOfFile(f.file, times)
}

func (f *hostFile) setFlags(flags uint32) Errno {
	appends := flags&flagAppend != 0
	if appends == f.appends.Load() {
		return Success
	}
	if !f.borrowed { // else others use the same open file
		if errno := setAppend(f.file, appends); errno != Success {
			return errno
		}
	}
	f.appends.Store(appends)
	return Success
}

// sync does not know of data alone; it writes back everything.
func (f *hostFile) sync(bool) Errno {
	err := f.file.Sync()
	if errno := errnoOf(err); errno != EINVAL && errno != EROFS { // what cannot be synchronised need not be
		return errno
	}
	return Success
}

func (f *hostFile) close() Errno {
	if f.borrowed {
		return Success
	}
	if err := f.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errnoOf(err)
	}
	return Success
}

// pipe is a pipe, terminal or other device of the host that a guest opened by a path: what comes
// out of it is read as standard input is.
type pipe struct {
	streamInput
	out  output
	file *os.File
}

func newPipe(file *os.File, fileType FileType) *pipe {
	return &pipe{streamInput: newFileInput(file, fileType), out: output{writer: file, fileType: fileType, file: file}, file: file}
}

func (p *pipe) stream() *os.File { return p.file }

func (p *pipe) write(ctx context.Context, buffer []byte) (int, Errno) {
	return p.out.write(ctx, buffer)
}

func (p *pipe) sync(dataOnly bool) Errno { return p.out.sync(dataOnly) }

func (p *pipe) close() Errno {
	p.streamInput.close()
	return errnoOf(p.file.Close())
}
