package memfs

import (
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// file is an open file or directory, as os.File is.
type file struct {
	node            *node
	name            string
	reads, writes   bool
	cleanup         runtime.Cleanup // closes files that are dropped
	mutex           sync.Mutex
	position        int64
	appends, closed bool
	entries         []fs.DirEntry // of a directory that is being read
	listed          bool
}

// newFile opens a node; the file system is locked.
func newFile(n *node, name string, flag int) *file {
	n.opens++
	f := &file{node: n, name: name, reads: flag&os.O_WRONLY == 0, writes: flag&(os.O_WRONLY|os.O_RDWR) != 0, appends: flag&os.O_APPEND != 0}
	f.cleanup = runtime.AddCleanup(f, (*node).close, n)
	return f
}

// use calls do unless the file is closed or cannot be used so.
func (f *file) use(op string, can bool, do func() error) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var err error
	switch {
	case f.closed:
		err = fs.ErrClosed
	case f.node.mode.IsDir():
		err = syscall.EISDIR
	case !can:
		err = syscall.EBADF
	default:
		if err = do(); err == io.EOF {
			return err
		}
	}
	return pathError(op, f.name, err)
}

// Stat implements fs.File.
func (f *file) Stat() (fs.FileInfo, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.closed {
		return nil, pathError("stat", f.name, fs.ErrClosed)
	}
	f.node.fsys.mutex.RLock()
	defer f.node.fsys.mutex.RUnlock()
	return f.node.info(f.name), nil
}

// Read implements fs.File.
func (f *file) Read(p []byte) (n int, err error) {
	err = f.use("read", f.reads, func() error {
		n, err = f.read(p, f.position)
		f.position += int64(n)
		if n > 0 || len(p) == 0 {
			return nil
		}
		return err
	})
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(p []byte, offset int64) (n int, err error) {
	err = f.use("read", f.reads, func() error {
		if offset < 0 {
			return syscall.EINVAL
		}
		n, err = f.read(p, offset)
		return err
	})
	return n, err
}

func (f *file) read(p []byte, offset int64) (int, error) {
	f.node.mutex.RLock()
	defer f.node.mutex.RUnlock()
	return f.node.data.readAt(p, offset)
}

// Write implements io.Writer.
func (f *file) Write(p []byte) (n int, err error) {
	err = f.use("write", f.writes, func() error {
		at := f.position
		n, at, err = f.write(p, at)
		f.position = at + int64(n)
		return err
	})
	return n, err
}

// WriteAt implements io.WriterAt. A file that appends does so here, too, as on Linux.
func (f *file) WriteAt(p []byte, offset int64) (n int, err error) {
	err = f.use("write", f.writes, func() error {
		n, _, err = f.write(p, offset)
		return err
	})
	return n, err
}

// write writes at an offset, or at the end, and returns where.
func (f *file) write(p []byte, offset int64) (int, int64, error) {
	f.node.mutex.Lock()
	defer f.node.mutex.Unlock()
	if f.appends {
		offset = f.node.data.size
	}
	n, err := f.node.data.writeAt(p, offset, &f.node.fsys.budget)
	if n > 0 {
		f.changed()
	}
	return n, offset, err
}

// changed sets the times of a file whose contents change.
func (f *file) changed() {
	f.node.modified = time.Now()
	f.node.described = f.node.modified
}

// Seek implements io.Seeker.
func (f *file) Seek(offset int64, whence int) (position int64, err error) {
	err = f.use("seek", true, func() error {
		switch whence {
		case io.SeekStart:
		case io.SeekCurrent:
			position = f.position
		case io.SeekEnd:
			f.node.mutex.RLock()
			position = f.node.data.size
			f.node.mutex.RUnlock()
		default:
			return syscall.EINVAL
		}
		if position += offset; position < 0 {
			position = 0
			return syscall.EINVAL
		}
		f.position = position
		return nil
	})
	return position, err
}

// Truncate sets the size.
func (f *file) Truncate(size int64) error {
	return f.use("truncate", f.writes, func() error {
		f.node.mutex.Lock()
		defer f.node.mutex.Unlock()
		f.changed()
		return f.node.data.truncate(size, &f.node.fsys.budget)
	})
}

// Sync does nothing.
func (f *file) Sync() error { return f.use("sync", true, func() error { return nil }) }

// Chtimes sets the times that are not zero.
func (f *file) Chtimes(accessed, modified time.Time) error {
	return f.use("chtimes", true, func() error { f.node.setTimes(accessed, modified); return nil })
}

// SetAppend sets whether writes go to the end.
func (f *file) SetAppend(appends bool) error {
	return f.use("setappend", true, func() error { f.appends = appends; return nil })
}

// ReadDir implements fs.ReadDirFile.
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	switch {
	case f.closed:
		return nil, pathError("readdir", f.name, fs.ErrClosed)
	case !f.node.mode.IsDir():
		return nil, pathError("readdir", f.name, syscall.ENOTDIR)
	case !f.listed:
		f.node.fsys.mutex.RLock()
		f.entries, f.listed = f.node.list(), true
		f.node.fsys.mutex.RUnlock()
	}
	if n <= 0 {
		n = len(f.entries)
	} else if len(f.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.entries))
	entries := f.entries[:n:n]
	f.entries = f.entries[n:]
	return entries, nil
}

// Close implements fs.File.
func (f *file) Close() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	f.cleanup.Stop()
	f.node.close()
	return nil
}
