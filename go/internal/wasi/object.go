package wasi

import (
	"context"
	"io/fs"
	"time"
)

// object is what a descriptor stands for. Objects may be used by several goroutines at once.
type object interface {
	// kind is its file type.
	kind() FileType

	// attributes are what fd_filestat_get tells.
	attributes() (attributes, Errno)

	// read reads into a buffer that is not empty; 0 bytes without an error is the end. Where it
	// blocks, it ends with the context; with nonblock it says EAGAIN instead.
	read(ctx context.Context, buffer []byte, nonblock bool) (int, Errno)

	// write writes a buffer that is not empty. It may write less, only with an error.
	write(ctx context.Context, buffer []byte) (int, Errno)

	// readAt and writeAt do not use or move the position.
	readAt(buffer []byte, offset int64) (int, Errno)
	writeAt(buffer []byte, offset int64) (int, Errno)

	// seek moves the position; whence is as in package io.
	seek(offset int64, whence int) (int64, Errno)

	// truncate sets the size. allocate makes it at least offset + length.
	truncate(size int64) Errno
	allocate(offset, length int64) Errno

	// setTimes sets the times that are asked for.
	setTimes(times timeChange) Errno

	// setFlags applies a change of the descriptor's flags.
	setFlags(flags uint32) Errno

	// sync writes back data and attributes, or data only.
	sync(dataOnly bool) Errno

	// close ends the use.
	close() Errno
}

// directory is an object in which paths can be looked up. Paths have been checked (see path.go).
type directory interface {
	object

	// open opens or creates a file or opens a directory.
	open(p path, how openMode) (object, Errno)

	// stat gives the attributes of a file.
	stat(p path, follow bool) (attributes, Errno)

	// setTimesOf sets the times of a file.
	setTimesOf(p path, follow bool, times timeChange) Errno

	makeDirectory(p path) Errno
	removeDirectory(p path) Errno
	removeFile(p path) Errno
	readLink(p path) (string, Errno)

	// symlink makes p a link to target.
	symlink(target string, p path) Errno

	// link makes another name for a file; rename moves one. The other directory may be any.
	link(from path, to directory, p path) Errno
	rename(from path, to directory, p path) Errno

	// list gives all entries but "." and "..".
	list() ([]fs.DirEntry, Errno)

	// inode tells the serial number of an entry, 0 if unknown.
	inode(entry fs.DirEntry) uint64
}

// openMode is how path_open opens.
type openMode struct {
	follow, create, exclusive, truncate, directory bool
	read, write                                    bool
	flags                                          uint32 // of the descriptor
}

// attributes are those of a file, by the names of the structure filestat. Times are in nanoseconds
// since 1970.
type attributes struct {
	dev, ino            uint64
	kind                FileType
	nlink, size         uint64
	atime, mtime, ctime int64
}

// timeChange says which times to set. A nil time stays as it is.
type timeChange struct {
	access, modification       *time.Time
	accessNow, modificationNow bool // that they are the time of the system's clock
}

// zeroTime is the time that os.Root leaves a time as it is for.
var zeroTime time.Time

// typeOf gives the file type for a mode of Go's.
func typeOf(mode fs.FileMode) FileType {
	switch mode.Type() {
	case 0:
		return TypeRegularFile
	case fs.ModeDir:
		return TypeDirectory
	case fs.ModeSymlink:
		return TypeSymbolicLink
	case fs.ModeDevice | fs.ModeCharDevice:
		return TypeCharacterDevice
	case fs.ModeDevice:
		return TypeBlockDevice
	case fs.ModeSocket:
		return TypeSocketStream
	default: // WASI has no type for pipes
		return TypeUnknown
	}
}

// attributesOf gives what is known of any file of Go's.
func attributesOf(info fs.FileInfo) attributes {
	a := attributes{kind: typeOf(info.Mode()), nlink: 1, size: uint64(max(info.Size(), 0))}
	if modified := info.ModTime(); !modified.IsZero() {
		a.mtime = modified.UnixNano()
		a.atime, a.ctime = a.mtime, a.mtime
	}
	return a
}

// nothing is embedded by objects and refuses what they do not do.
type nothing struct{}

func (nothing) attributes() (attributes, Errno)                 { return attributes{}, Success }
func (nothing) read(context.Context, []byte, bool) (int, Errno) { return 0, EBADF }
func (nothing) write(context.Context, []byte) (int, Errno)      { return 0, EBADF }
func (nothing) readAt([]byte, int64) (int, Errno)               { return 0, ESPIPE }
func (nothing) writeAt([]byte, int64) (int, Errno)              { return 0, ESPIPE }
func (nothing) seek(int64, int) (int64, Errno)                  { return 0, ESPIPE }
func (nothing) truncate(int64) Errno                            { return EINVAL }
func (nothing) allocate(int64, int64) Errno                     { return ESPIPE }
func (nothing) setTimes(timeChange) Errno                       { return Success }
func (nothing) setFlags(uint32) Errno                           { return Success }
func (nothing) sync(bool) Errno                                 { return Success }
func (nothing) close() Errno                                    { return Success }

// aDirectory is embedded by directories: reading and writing them is EISDIR, which wasi-libc
// expects as POSIX does, and they have no position to seek.
type aDirectory struct{ nothing }

func (aDirectory) kind() FileType                                  { return TypeDirectory }
func (aDirectory) read(context.Context, []byte, bool) (int, Errno) { return 0, EISDIR }
func (aDirectory) write(context.Context, []byte) (int, Errno)      { return 0, EISDIR }
func (aDirectory) readAt([]byte, int64) (int, Errno)               { return 0, EISDIR }
func (aDirectory) writeAt([]byte, int64) (int, Errno)              { return 0, EISDIR }
func (aDirectory) seek(int64, int) (int64, Errno)                  { return 0, EBADF }
func (aDirectory) truncate(int64) Errno                            { return EISDIR }
func (aDirectory) allocate(int64, int64) Errno                     { return EISDIR }
