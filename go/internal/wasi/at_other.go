//go:build !linux || !(amd64 || arm64)

package wasi

// Sandbox-critical: what at_linux.go does, by the methods of os.Root alone, which are less exact:
// renaming between directories that were opened separately is EXDEV, and the times of a symbolic
// link itself cannot be set.

import (
	"io/fs"
	"os"
)

// appendBySystem says that the system sees to it that writes go to the end.
const appendBySystem = false

func (d *hostDirectory) remove(p path, aDirectory bool) Errno {
	if _, _, proper := p.split(); !proper {
		return EINVAL
	}
	at, errno := d.stat(p, false)
	switch {
	case errno != Success:
		return errno
	case aDirectory && at.kind != TypeDirectory:
		return ENOTDIR
	case !aDirectory && at.kind == TypeDirectory:
		return EISDIR
	case d.readOnly:
		return EROFS
	}
	return rootErrno(d.root.Remove(p.name))
}

func (d *hostDirectory) renameTo(from path, to *hostDirectory, p path) Errno {
	if to != d {
		return EXDEV
	}
	return rootErrno(d.root.Rename(from.name, p.name))
}

func (d *hostDirectory) linkTo(from path, to *hostDirectory, p path) Errno {
	if to != d {
		return EXDEV
	}
	return rootErrno(d.root.Link(from.name, p.name))
}

func (d *hostDirectory) changeTimes(p path, follow bool, times timeChange) Errno {
	if at, errno := d.stat(p, follow); errno != Success {
		return errno
	} else if at.kind == TypeSymbolicLink {
		return ENOTSUP
	}
	access, modification := zeroTime, zeroTime
	if times.access != nil {
		access = *times.access
	}
	if times.modification != nil {
		modification = *times.modification
	}
	return rootErrno(d.root.Chtimes(p.name, access, modification))
}

func setTimesOfFile(*os.File, timeChange) Errno { return ENOTSUP }

func setAppend(*os.File, bool) Errno { return Success }

func syncFlags(flags uint32) int {
	if flags&(flagSync|flagDsync|flagRsync) != 0 {
		return os.O_SYNC
	}
	return 0
}

func allocate(file *os.File, offset, length int64) Errno {
	info, err := file.Stat()
	if err != nil {
		return errnoOf(err)
	}
	if info.Size() >= offset+length {
		return Success
	}
	return errnoOf(file.Truncate(offset + length))
}

// hostAttributes gives the attributes of a file of the host.
func hostAttributes(info fs.FileInfo) attributes { return attributesOf(info) }

// isTerminal takes every character device for a terminal.
func isTerminal(*os.File) bool { return true }
