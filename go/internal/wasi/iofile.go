package wasi

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"sync"
)

// ioFile is a file of an fs.FS, by one goroutine at a time. It is read as it is. To seek, it has to
// be an io.Seeker, and to read at an offset an io.ReaderAt: of files that are not, such as
// compressed ones in a zip archive, the contents are read into memory when one of both is asked for
// first.
type ioFile struct {
	nothing
	mutex    sync.Mutex
	file     fs.File
	fsys     fs.FS
	name     string
	about    attributes
	position int64 // of a file that is no Seeker
	contents *bytes.Reader
}

func (f *ioFile) kind() FileType { return TypeRegularFile }

func (f *ioFile) attributes() (attributes, Errno) { return f.about, Success }

func (f *ioFile) read(_ context.Context, buffer []byte, _ bool) (int, Errno) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.contents != nil {
		n, err := f.contents.Read(buffer)
		return result(buffer, n, err)
	}
	n, err := f.file.Read(buffer)
	n, errno := result(buffer, n, err)
	f.position += int64(n)
	return n, errno
}

func (f *ioFile) readAt(buffer []byte, offset int64) (int, Errno) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	at, ok := f.file.(io.ReaderAt)
	if !ok {
		if errno := f.load(); errno != Success {
			return 0, errno
		}
		at = f.contents
	}
	n, err := at.ReadAt(buffer, offset)
	return result(buffer, n, err)
}

func (f *ioFile) seek(offset int64, whence int) (int64, Errno) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	seeker, ok := f.file.(io.Seeker)
	if !ok || f.contents != nil {
		if f.contents == nil && offset == 0 && whence == whenceCur {
			return f.position, Success
		}
		if errno := f.load(); errno != Success {
			return 0, errno
		}
		seeker = f.contents
	}
	position, err := seeker.Seek(offset, whence)
	if err != nil {
		if errno := errnoOf(err); errno != EIO {
			return 0, errno
		}
		return 0, EINVAL // most implementations have an error of their own for a position that is negative
	}
	return position, Success
}

// load reads the contents into memory, from the beginning, and goes to where the file was.
func (f *ioFile) load() Errno {
	if f.contents != nil {
		return Success
	}
	contents, err := fs.ReadFile(f.fsys, f.name)
	if err != nil {
		return errnoOf(err)
	}
	position := f.position
	if seeker, ok := f.file.(io.Seeker); ok {
		if position, err = seeker.Seek(0, io.SeekCurrent); err != nil {
			return errnoOf(err)
		}
	}
	f.contents = bytes.NewReader(contents)
	_, err = f.contents.Seek(position, io.SeekStart)
	return errnoOf(err)
}

func (f *ioFile) write(context.Context, []byte) (int, Errno) { return 0, EROFS }
func (f *ioFile) writeAt([]byte, int64) (int, Errno)         { return 0, EROFS }
func (f *ioFile) truncate(int64) Errno                       { return EROFS }
func (f *ioFile) allocate(int64, int64) Errno                { return EROFS }
func (f *ioFile) setTimes(timeChange) Errno                  { return EROFS }

func (f *ioFile) close() Errno {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.contents = nil
	return errnoOf(f.file.Close())
}
