//go:build linux && (amd64 || arm64)

package wasi

// Sandbox-critical: the system calls that os.Root has no method for. Each acts on a name in a
// directory that os.Root has opened. The name is the last one of a path: it has no slash, is
// neither "." nor "..", and none of these calls follows it if it is a symbolic link, so that none
// can leave the directory, whatever is swapped meanwhile.

import (
	"io/fs"
	"math"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

const (
	atRemoveDirectory = 0x200 // AT_REMOVEDIR
	atNoFollow        = 0x100 // AT_SYMLINK_NOFOLLOW
	timeOmit          = 1<<30 - 2
	timeNow           = 1<<30 - 1
)

// appendBySystem says that the system sees to it that writes go to the end.
const appendBySystem = true

// inParent opens the directory that a path ends in and calls f with it and the last name.
func (d *hostDirectory) inParent(p path, improper Errno, f func(parent int, name *byte) Errno) Errno {
	parent, name, proper := p.split()
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return EINVAL
	}
	file, err := d.root.OpenFile(parent, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return rootErrno(err)
	}
	defer file.Close()
	if !proper {
		return improper
	}
	return withDescriptor(file, func(fd int) Errno { return f(fd, text) })
}

// withDescriptor calls f with the descriptor of a file that stays open meanwhile.
func withDescriptor(file *os.File, f func(fd int) Errno) Errno {
	raw, err := file.SyscallConn()
	if err != nil {
		return errnoOf(err)
	}
	errno := Success
	if err := raw.Control(func(fd uintptr) { errno = f(int(fd)) }); err != nil {
		return errnoOf(err)
	}
	return errno
}

// callErrno translates the result of a system call.
func callErrno(number syscall.Errno) Errno {
	if number == 0 {
		return Success
	}
	return errnoOf(number)
}

// remove removes a directory or anything else.
func (d *hostDirectory) remove(p path, aDirectory bool) Errno {
	if d.readOnly {
		at, errno := d.stat(p, false)
		switch {
		case errno != Success:
			return errno
		case aDirectory && at.kind != TypeDirectory:
			return ENOTDIR
		case !aDirectory && at.kind == TypeDirectory:
			return EISDIR
		}
		return EROFS
	}
	improper, flags := EISDIR, 0
	if aDirectory {
		improper, flags = EINVAL, atRemoveDirectory
		if strings.HasSuffix(p.name, "..") { // which has in it at least the directory before it
			improper = ENOTEMPTY
		}
	}
	return d.inParent(p, improper, func(parent int, name *byte) Errno {
		_, _, number := syscall.Syscall(syscall.SYS_UNLINKAT, uintptr(parent), uintptr(unsafe.Pointer(name)), uintptr(flags))
		return callErrno(number)
	})
}

// renameTo renames, over what is there if POSIX allows it, into the same or another directory that
// the guest has.
func (d *hostDirectory) renameTo(from path, to *hostDirectory, p path) Errno {
	return d.inParent(from, EBUSY, func(oldParent int, oldName *byte) Errno {
		return to.inParent(p, EBUSY, func(newParent int, newName *byte) Errno {
			_, _, number := syscall.Syscall6(syscall.SYS_RENAMEAT, uintptr(oldParent), uintptr(unsafe.Pointer(oldName)),
				uintptr(newParent), uintptr(unsafe.Pointer(newName)), 0, 0)
			return callErrno(number)
		})
	})
}

// linkTo makes another name, for a symbolic link itself.
func (d *hostDirectory) linkTo(from path, to *hostDirectory, p path) Errno {
	return d.inParent(from, EPERM, func(oldParent int, oldName *byte) Errno {
		return to.inParent(p, EEXIST, func(newParent int, newName *byte) Errno {
			_, _, number := syscall.Syscall6(syscall.SYS_LINKAT, uintptr(oldParent), uintptr(unsafe.Pointer(oldName)),
				uintptr(newParent), uintptr(unsafe.Pointer(newName)), 0, 0)
			return callErrno(number)
		})
	})
}

// changeTimes sets the times of a file by its path: by os.Root if the path ends in a link that is
// to be followed.
func (d *hostDirectory) changeTimes(p path, follow bool, times timeChange) Errno {
	if _, _, proper := p.split(); !proper {
		file, err := d.root.OpenFile(p.name, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
		if err != nil {
			return rootErrno(err)
		}
		defer file.Close()
		return setTimesOfFile(file, times)
	}
	if follow {
		if at, errno := d.stat(p, false); errno != Success {
			return errno
		} else if at.kind == TypeSymbolicLink {
			return d.changeTimesOfTarget(p, times)
		}
	}
	return d.inParent(p, EINVAL, func(parent int, name *byte) Errno { return setTimesAt(parent, name, atNoFollow, times) })
}

// changeTimesOfTarget follows a link, by opening what it leads to. What cannot be opened to be
// read, or is more than a file when it is, such as a pipe, is left to os.Root, which knows times
// until 2262 and takes one that is zero for one that stays as it is.
func (d *hostDirectory) changeTimesOfTarget(p path, times timeChange) Errno {
	if at, errno := d.stat(p, true); errno != Success {
		return errno
	} else if at.kind == TypeRegularFile || at.kind == TypeDirectory {
		if file, err := d.root.OpenFile(p.name, syscall.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
			defer file.Close()
			return setTimesOfFile(file, times)
		}
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

func setTimesOfFile(file *os.File, times timeChange) Errno {
	return withDescriptor(file, func(fd int) Errno { return setTimesAt(fd, nil, 0, times) })
}

// setTimesAt is utimensat; without a name it is for the descriptor itself.
func setTimesAt(fd int, name *byte, flags int, times timeChange) Errno {
	var list [2]syscall.Timespec
	for i := range list {
		t, now := times.access, times.accessNow
		if i == 1 {
			t, now = times.modification, times.modificationNow
		}
		switch {
		case now: // takes the right to write only, not to own the file
			list[i].Nsec = timeNow
		case t != nil:
			list[i].Sec, list[i].Nsec = t.Unix(), int64(t.Nanosecond())
		default:
			list[i].Nsec = timeOmit
		}
	}
	_, _, number := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(fd), uintptr(unsafe.Pointer(name)),
		uintptr(unsafe.Pointer(&list)), uintptr(flags), 0, 0)
	return callErrno(number)
}

// setAppend sets the flag O_APPEND of an open file. Files are opened without it, as Go refuses to
// write at an offset otherwise.
func setAppend(file *os.File, on bool) Errno {
	return withDescriptor(file, func(fd int) Errno {
		flags, _, number := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
		if number != 0 {
			return callErrno(number)
		}
		if flags &^= syscall.O_APPEND; on {
			flags |= syscall.O_APPEND
		}
		_, _, number = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, flags)
		return callErrno(number)
	})
}

// syncFlags gives the flags of open(2) for those of a descriptor that say how writes are
// synchronised, and O_NONBLOCK, so that opening a pipe does not hold a thread until somebody opens
// its other end; it means nothing for regular files.
func syncFlags(flags uint32) int {
	to := syscall.O_NONBLOCK
	if flags&flagDsync != 0 {
		to |= syscall.O_DSYNC
	}
	if flags&(flagSync|flagRsync) != 0 {
		to |= syscall.O_SYNC
	}
	return to
}

// allocate makes room; where the file system cannot, it makes the file larger at least.
func allocate(file *os.File, offset, length int64) Errno {
	errno := withDescriptor(file, func(fd int) Errno { return callErrno(fallocate(fd, offset, length)) })
	if errno != ENOTSUP && errno != ENOSYS {
		return errno
	}
	info, err := file.Stat()
	if err != nil {
		return errnoOf(err)
	}
	if info.Size() >= offset+length {
		return Success
	}
	return errnoOf(file.Truncate(offset + length))
}

func fallocate(fd int, offset, length int64) syscall.Errno {
	for {
		err := syscall.Fallocate(fd, 0, offset, length)
		if err == nil {
			return 0
		}
		if number, ok := err.(syscall.Errno); !ok || number != syscall.EINTR {
			return number
		}
	}
}

// hostAttributes gives the attributes of a file of the host.
func hostAttributes(info fs.FileInfo) attributes {
	at := attributesOf(info)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		at.dev, at.ino, at.nlink = uint64(stat.Dev), stat.Ino, uint64(stat.Nlink)
		at.atime, at.mtime, at.ctime = nanoseconds(stat.Atim), nanoseconds(stat.Mtim), nanoseconds(stat.Ctim)
	}
	return at
}

// nanoseconds gives a time as guests get it, whose 64 bits have no sign: 0 for what they cannot
// hold, after 2554 and long before 1970.
func nanoseconds(t syscall.Timespec) int64 {
	const latest, earliest = math.MaxUint64 / 1_000_000_000, -(math.MaxInt64 / 1_000_000_000)
	if t.Sec >= latest || t.Sec <= earliest {
		return 0
	}
	return t.Nano()
}

// isTerminal reports whether a character device is a terminal.
func isTerminal(file *os.File) bool {
	var state [64]byte // larger than struct termios
	return withDescriptor(file, func(fd int) Errno {
		_, _, number := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TCGETS, uintptr(unsafe.Pointer(&state)))
		return callErrno(number)
	}) == Success
}
