package wasmer

import (
	"io/fs"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/internal/memfs"
)

// MemoryFS is a file system in memory, made by [NewMemoryFS]: give it to a WASI program as the FS
// of a [WasiDir], which can change it, and read and write its files by these methods, which may be
// used by many goroutines at once, also while programs run. It behaves as a file system of Linux
// does, with symbolic and hard links, files that are open beyond their removal, and appends that
// nothing comes between. Permissions are kept, and not enforced.
//
// It implements [WritableFS], [SymlinkFS], [LinkFS], [TimesFS], [fs.StatFS], [fs.ReadDirFS] and
// [fs.ReadFileFS]. Names are those of package io/fs: "a/b", not "/a/b"; the root is ".". Symbolic
// links are followed within it only. Errors are those of package os: [*fs.PathError] and
// [*os.LinkError], with a [syscall.Errno].
type MemoryFS struct {
	once  sync.Once
	inner *memfs.FS
}

// NewMemoryFS makes an empty file system that takes maxBytes of memory at most: the contents of its
// files, and 768 bytes for each file or directory, 256 for each further name. More is refused with
// syscall.ENOSPC. No file is larger, not even one with holes, which take no memory. 0 or less
// stands for no limit: for programs that are trusted.
func NewMemoryFS(maxBytes int64) *MemoryFS { return &MemoryFS{inner: memfs.New(maxBytes)} }

// made returns the file system of package memfs.
func (m *MemoryFS) made() *memfs.FS {
	m.once.Do(func() {
		if m.inner == nil { // the zero MemoryFS
			m.inner = memfs.New(0)
		}
	})
	return m.inner
}

// Used returns how many bytes of the limit are taken.
func (m *MemoryFS) Used() int64 { return m.made().Used() }

// Open opens a file or a directory to be read.
func (m *MemoryFS) Open(name string) (fs.File, error) { return m.made().Open(name) }

// OpenFile opens a file as [os.OpenFile] does. The file has the methods Read, ReadAt, Write,
// WriteAt, Seek, Truncate, Sync, Stat and Close of an [os.File].
func (m *MemoryFS) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	return m.made().OpenFile(name, flag, perm)
}

// ReadFile returns the contents of a file.
func (m *MemoryFS) ReadFile(name string) ([]byte, error) { return m.made().ReadFile(name) }

// WriteFile writes a file as [os.WriteFile] does: it is made, or emptied before.
func (m *MemoryFS) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return m.made().WriteFile(name, data, perm)
}

// ReadDir returns the entries of a directory, by name.
func (m *MemoryFS) ReadDir(name string) ([]fs.DirEntry, error) { return m.made().ReadDir(name) }

// Stat describes a file, the one that a symbolic link leads to. Its Sys is a [FileAttributes].
func (m *MemoryFS) Stat(name string) (fs.FileInfo, error) { return m.made().Stat(name) }

// Lstat describes a file, or a symbolic link itself.
func (m *MemoryFS) Lstat(name string) (fs.FileInfo, error) { return m.made().Lstat(name) }

// Mkdir makes a directory.
func (m *MemoryFS) Mkdir(name string, perm fs.FileMode) error { return m.made().Mkdir(name, perm) }

// MkdirAll makes a directory and all that lead to it; it is no error if it is there.
func (m *MemoryFS) MkdirAll(name string, perm fs.FileMode) error {
	return m.made().MkdirAll(name, perm)
}

// Remove removes a file, a symbolic link or an empty directory.
func (m *MemoryFS) Remove(name string) error { return m.made().Remove(name) }

// RemoveAll removes a file, or a directory and all that is in it; it is no error if nothing is
// there. The root is emptied, and stays.
func (m *MemoryFS) RemoveAll(name string) error { return m.made().RemoveAll(name) }

// Rename moves a file over what is there, if that is a file, or a directory over an empty one.
func (m *MemoryFS) Rename(oldName, newName string) error { return m.made().Rename(oldName, newName) }

// Symlink makes a symbolic link to target, which need not exist. Links that lead out are not
// followed.
func (m *MemoryFS) Symlink(target, name string) error { return m.made().Symlink(target, name) }

// ReadLink returns where a symbolic link leads.
func (m *MemoryFS) ReadLink(name string) (string, error) { return m.made().ReadLink(name) }

// Link adds a name for a file, or for a symbolic link itself.
func (m *MemoryFS) Link(oldName, newName string) error { return m.made().Link(oldName, newName) }

// Chtimes sets the times of a file; one that is zero stays as it is.
func (m *MemoryFS) Chtimes(name string, accessed, modified time.Time) error {
	return m.made().Chtimes(name, accessed, modified)
}

// Lchtimes is Chtimes for a symbolic link itself.
func (m *MemoryFS) Lchtimes(name string, accessed, modified time.Time) error {
	return m.made().Lchtimes(name, accessed, modified)
}
