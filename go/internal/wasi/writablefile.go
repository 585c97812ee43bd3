package wasi

import (
	"context"
	"io"
	"io/fs"
	"sync"
	"time"
)

// writableFile is a file of a WritableFS. What it can do beyond being read is asked for by
// interfaces: io.Writer, io.Seeker, io.ReaderAt, io.WriterAt, and methods of os.File.
type writableFile struct {
	file      fs.File
	directory *writableDirectory
	name      string

	mutex   sync.Mutex
	appends bool // writes go to the end, by seeking
}

func (f *writableFile) kind() FileType { return TypeRegularFile }

func (f *writableFile) attributes() (attributes, Errno) {
	info, err := f.file.Stat()
	if err != nil {
		return attributes{}, errnoOf(err)
	}
	return f.directory.describe(f.name, info), Success
}

func (f *writableFile) read(_ context.Context, buffer []byte, _ bool) (int, Errno) {
	n, err := f.file.Read(buffer)
	return result(buffer, n, err)
}

func (f *writableFile) write(_ context.Context, buffer []byte) (int, Errno) {
	w, ok := f.file.(io.Writer)
	if !ok {
		return 0, ENOTSUP
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.appends {
		if _, errno := f.seek(0, io.SeekEnd); errno != Success {
			return 0, errno
		}
	}
	n, err := w.Write(buffer)
	return written(buffer, n, err)
}

func (f *writableFile) readAt(buffer []byte, offset int64) (int, Errno) {
	r, ok := f.file.(io.ReaderAt)
	if !ok {
		return 0, ENOTSUP
	}
	n, err := r.ReadAt(buffer, offset)
	return result(buffer, n, err)
}

func (f *writableFile) writeAt(buffer []byte, offset int64) (int, Errno) {
	w, ok := f.file.(io.WriterAt)
	if !ok {
		return 0, ENOTSUP
	}
	n, err := w.WriteAt(buffer, offset)
	return written(buffer, n, err)
}

func (f *writableFile) seek(offset int64, whence int) (int64, Errno) {
	seeker, ok := f.file.(io.Seeker)
	if !ok {
		return 0, ESPIPE
	}
	position, err := seeker.Seek(offset, whence)
	if errno := errnoOf(err); errno == EIO {
		return 0, EINVAL // most implementations have an error of their own for a position that is negative
	} else if errno != Success {
		return 0, errno
	}
	return position, Success
}

func (f *writableFile) truncate(size int64) Errno {
	if f.directory.readOnly {
		return EROFS
	}
	file, ok := f.file.(interface{ Truncate(int64) error })
	if !ok {
		return ENOTSUP
	}
	return errnoOf(file.Truncate(size))
}

// allocate makes the file larger, if it has to be.
func (f *writableFile) allocate(offset, length int64) Errno {
	info, err := f.file.Stat()
	if err != nil {
		return errnoOf(err)
	}
	if info.Size() >= offset+length && !f.directory.readOnly {
		return Success
	}
	return f.truncate(offset + length)
}

func (f *writableFile) setTimes(times timeChange) Errno {
	if f.directory.readOnly {
		return EROFS
	}
	accessed, modified := times.both()
	if file, ok := f.file.(interface {
		Chtimes(accessed, modified time.Time) error
	}); ok {
		return errnoOf(file.Chtimes(accessed, modified))
	}
	return f.directory.changeTimes(f.name, accessed, modified)
}

// setFlags has a file append by itself if it can, so that no other write comes in between.
func (f *writableFile) setFlags(flags uint32) Errno {
	appends := flags&flagAppend != 0
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if file, ok := f.file.(interface{ SetAppend(bool) error }); ok {
		return errnoOf(file.SetAppend(appends))
	}
	f.appends = appends
	return Success
}

func (f *writableFile) sync(bool) Errno {
	if file, ok := f.file.(interface{ Sync() error }); ok {
		return errnoOf(file.Sync())
	}
	return Success
}

func (f *writableFile) close() Errno { return errnoOf(f.file.Close()) }
