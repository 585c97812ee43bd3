package wasmer

import (
	"io/fs"
	"time"
)

// WritableFS is a file system that WASI programs can change: a [MemoryFS], or one of your own, such
// as a layer over a database. See [WasiDir].
//
// Names are those of package io/fs (see [fs.ValidPath]): without "." and "..", and a program's
// paths and symbolic links are resolved before, so that none leads out of the directory that the
// program has. A file system that follows links by itself must not follow one out of it: another
// program may have put it there meanwhile. For directories of the host there are the fields Host
// and Root of WasiDir, which see to that.
//
// Methods are called by many goroutines at once if programs share the file system. Errors are told
// to the program by their kinds: those of io/fs ([fs.ErrNotExist] and so on), and [syscall.Errno]
// such as syscall.ENOTEMPTY; others are EIO.
//
// What else it can do it shows by further methods: [fs.StatFS], [fs.ReadDirFS], [SymlinkFS],
// [LinkFS] and [TimesFS]; without the last three, programs get ENOTSUP.
type WritableFS interface {
	fs.FS

	// OpenFile opens a file, as [os.OpenFile] does. The flags are os.O_RDONLY, os.O_WRONLY or
	// os.O_RDWR, and os.O_CREATE, os.O_EXCL and os.O_TRUNC. Of the file it returns, methods are
	// asked for as they are needed: those of [io.Writer], [io.Seeker], [io.ReaderAt] and
	// [io.WriterAt], and Truncate and Sync as an [os.File] has them. A method SetAppend(bool) error
	// makes writes go to the end, as one step with others; without it, there is a Seek before each.
	OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error)

	// Mkdir makes a directory.
	Mkdir(name string, perm fs.FileMode) error

	// Remove removes a file or an empty directory.
	Remove(name string) error

	// Rename moves a file or a directory, over a file or an empty directory that is there.
	Rename(oldName, newName string) error
}

// SymlinkFS is a [WritableFS] with symbolic links.
type SymlinkFS interface {
	fs.ReadLinkFS

	// Symlink makes a symbolic link to target, whatever that is.
	Symlink(target, name string) error
}

// LinkFS is a [WritableFS] whose files can have several names.
type LinkFS interface {
	// Link adds a name for a file, or for a symbolic link itself.
	Link(oldName, newName string) error
}

// TimesFS is a [WritableFS] whose files have times that can be set. A time that is zero stays as it
// is. A file that has a method Chtimes of the two times is asked itself while it is open. Those of
// a symbolic link itself are set by a method Lchtimes of the same type, if there is one.
type TimesFS interface {
	Chtimes(name string, accessed, modified time.Time) error
}

// FileAttributes is what the Sys of a [fs.FileInfo] may have, to describe a file to WASI programs.
type FileAttributes interface {
	// Inode is the serial number of the file, which no other file has; 0 is unknown.
	Inode() uint64

	// Links is how many names it has.
	Links() uint64

	// AccessTime is when it was read last, ChangeTime when anything of it was changed.
	AccessTime() time.Time
	ChangeTime() time.Time
}
