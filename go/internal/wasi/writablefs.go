package wasi

import (
	"io/fs"
	"time"
)

// This file has what file systems are asked for, by interfaces: go/wasmer exports them under the
// same names, which are the same types to Go.

// WritableFS is a file system that can be changed.
type WritableFS interface {
	fs.FS
	OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error)
	Mkdir(name string, perm fs.FileMode) error
	Remove(name string) error
	Rename(oldName, newName string) error
}

// symlinkFS has symbolic links that can be made.
type symlinkFS interface {
	fs.ReadLinkFS
	Symlink(target, name string) error
}

// linkFS has files with several names.
type linkFS interface {
	Link(oldName, newName string) error
}

// timesFS has times that can be set; one that is zero stays as it is.
type timesFS interface {
	Chtimes(name string, accessed, modified time.Time) error
}

// linkTimesFS can set those of symbolic links themselves.
type linkTimesFS interface {
	Lchtimes(name string, accessed, modified time.Time) error
}

// fileAttributes is what the Sys of a fs.FileInfo may have.
type fileAttributes interface {
	Inode() uint64
	Links() uint64
	AccessTime() time.Time
	ChangeTime() time.Time
}
