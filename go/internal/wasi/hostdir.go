package wasi

// Sandbox-critical: directories of the host. Every path is resolved by os.Root, which refuses
// whatever leads out of the directory: "..", absolute symbolic links, links that leave, and links
// that are swapped in while it looks. Where os.Root has no method with the meaning that WASI asks
// for, at_linux.go acts on the last name of a path in a directory that was opened by os.Root.

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
)

// hostDirectory is a directory of the host.
type hostDirectory struct {
	aDirectory
	root     *os.Root
	readOnly bool
	borrowed bool // the embedder closes it, or Close of the System
	once     sync.Once
}

func (d *hostDirectory) attributes() (attributes, Errno) {
	info, err := d.root.Stat(".")
	if err != nil {
		return attributes{}, rootErrno(err)
	}
	return hostAttributes(info), Success
}

func (d *hostDirectory) stat(p path, follow bool) (attributes, Errno) {
	look := d.root.Lstat
	if follow {
		look = d.root.Stat
	}
	info, err := look(p.name)
	if err != nil {
		return attributes{}, rootErrno(err)
	}
	return hostAttributes(info), Success
}

func (d *hostDirectory) open(p path, how openMode) (object, Errno) {
	if !how.follow {
		// os.Root follows; a link that is swapped in after this look leads nowhere but inside.
		if info, err := d.root.Lstat(p.name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			switch {
			case how.create && how.exclusive:
				return nil, EEXIST
			case how.directory:
				return nil, ENOTDIR
			}
			return nil, ELOOP
		}
	}
	if how.directory {
		return d.openDirectory(p.name)
	}
	if d.readOnly {
		if errno := d.refuseChange(p, how); errno != Success {
			return nil, errno
		}
		how.create, how.exclusive = false, false
	}
	file, err := d.root.OpenFile(p.name, openFlags(how), 0o666)
	if err != nil {
		return nil, rootErrno(err)
	}
	return d.opened(p, how, file)
}

// refuseChange says why a file cannot be opened so in a directory that is read-only.
func (d *hostDirectory) refuseChange(p path, how openMode) Errno {
	_, errno := d.stat(p, how.follow)
	switch {
	case errno == Success && how.create && how.exclusive:
		return EEXIST
	case errno == ENOENT && how.create, errno == Success && (how.write || how.truncate):
		return EROFS
	}
	return errno
}

func (d *hostDirectory) openDirectory(name string) (object, Errno) {
	// OpenRoot opens whatever has the name, and waits for the other end of a pipe.
	if info, err := d.root.Stat(name); err != nil {
		return nil, rootErrno(err)
	} else if !info.IsDir() {
		return nil, ENOTDIR
	}
	root, err := d.root.OpenRoot(name)
	if err != nil {
		if errno := rootErrno(err); errno != EIO {
			return nil, errno
		}
		return nil, ENOTDIR // swapped for a file
	}
	return &hostDirectory{root: root, readOnly: d.readOnly}, Success
}

// opened makes an object of what was opened, by its type.
func (d *hostDirectory) opened(p path, how openMode, file *os.File) (object, Errno) {
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, errnoOf(err)
	}
	switch {
	case info.IsDir():
		file.Close()
		if how.write || how.truncate {
			return nil, EISDIR
		}
		return d.openDirectory(p.name)
	case info.Mode().IsRegular():
		f := &hostFile{file: file, readOnly: d.readOnly}
		if errno := f.setFlags(how.flags); errno != Success {
			file.Close()
			return nil, errno
		}
		return f, Success
	}
	return newPipe(file, typeOf(info.Mode())), Success
}

// openFlags gives the flags of os.OpenFile. To truncate takes a file that is open for writing, even
// if the guest may not write to it.
func openFlags(how openMode) int {
	flags := os.O_RDONLY
	switch {
	case how.write && !how.read:
		flags = os.O_WRONLY
	case how.write || how.truncate:
		flags = os.O_RDWR
	}
	if how.create {
		flags |= os.O_CREATE
	}
	if how.exclusive {
		flags |= os.O_EXCL
	}
	if how.truncate {
		flags |= os.O_TRUNC
	}
	return flags | syncFlags(how.flags)
}

func (d *hostDirectory) makeDirectory(p path) Errno {
	if d.readOnly {
		return d.readOnlyUnless(p, EEXIST)
	}
	return rootErrno(d.root.Mkdir(p.name, 0o777))
}

// readOnlyUnless is EROFS, or what says more if the path exists already.
func (d *hostDirectory) readOnlyUnless(p path, exists Errno) Errno {
	if _, errno := d.stat(p, false); errno == Success {
		return exists
	} else if errno != ENOENT {
		return errno
	}
	return EROFS
}

func (d *hostDirectory) removeDirectory(p path) Errno {
	if p.slash { // a link is not followed: it is what would be removed
		if errno := mustBeDirectory(d, p, false); errno != Success {
			return errno
		}
	}
	return d.remove(p, true)
}

func (d *hostDirectory) removeFile(p path) Errno {
	if p.slash {
		at, errno := d.stat(p, false)
		switch {
		case errno != Success:
			return errno
		case at.kind == TypeDirectory:
			return EISDIR
		}
		return ENOTDIR
	}
	return d.remove(p, false)
}

func (d *hostDirectory) readLink(p path) (string, Errno) {
	if p.slash { // a link is followed, and no directory is one
		if errno := mustBeDirectory(d, p, true); errno != Success {
			return "", errno
		}
		return "", EINVAL
	}
	target, err := d.root.Readlink(p.name)
	return target, rootErrno(err)
}

func (d *hostDirectory) symlink(target string, p path) Errno {
	if errno := d.mayCreate(p); errno != Success {
		return errno
	}
	return rootErrno(d.root.Symlink(target, p.name))
}

// mayCreate reports whether a link may be made: not in a read-only directory, and not under a name
// with a slash at its end, which stands for a directory. As on Linux, a name that is taken by a
// link is taken wherever the link leads; only the slash behind a file, or a link to one, is told
// first.
func (d *hostDirectory) mayCreate(p path) Errno {
	_, errno := d.stat(p, false)
	switch {
	case errno == Success && p.slash && mustBeDirectory(d, p, true) == ENOTDIR:
		return ENOTDIR
	case errno == Success:
		return EEXIST
	case errno != ENOENT || p.slash:
		return errno
	}
	if _, errno := isName(d, p); errno != Success {
		return errno
	}
	if d.readOnly {
		return EROFS
	}
	return Success
}

func (d *hostDirectory) link(from path, to directory, p path) Errno {
	target, ok := to.(*hostDirectory)
	if !ok {
		return EXDEV
	}
	if d.readOnly != target.readOnly { // a link would make a file writable that is not
		return EXDEV
	}
	at, errno := d.stat(from, from.slash)
	switch {
	case errno != Success:
		return errno
	case from.slash && at.kind != TypeDirectory:
		return ENOTDIR
	}
	if errno := target.mayCreate(p); errno != Success {
		return errno
	}
	if from.slash { // a directory; linkTo would make a name of the symbolic link that leads there
		return EPERM
	}
	return d.linkTo(from, target, p)
}

func (d *hostDirectory) rename(from path, to directory, p path) Errno {
	target, ok := to.(*hostDirectory)
	if !ok {
		return EXDEV
	}
	here, errno := isName(d, from)
	if errno != Success {
		return errno
	}
	there, errno := isName(target, p)
	switch {
	case errno != Success:
		return errno
	case !here || !there:
		return EBUSY
	}
	at, errno := d.stat(from, false)
	switch {
	case errno != Success:
		return errno
	case (from.slash || p.slash) && at.kind != TypeDirectory:
		return ENOTDIR
	case d.readOnly || target.readOnly:
		return EROFS
	}
	if p.slash {
		if at, errno := target.stat(p, false); errno == Success && at.kind != TypeDirectory {
			return ENOTDIR
		}
	}
	return d.renameTo(from, target, p)
}

func (d *hostDirectory) setTimesOf(p path, follow bool, times timeChange) Errno {
	at, errno := d.stat(p, follow)
	switch {
	case errno != Success:
		return errno
	case p.slash && at.kind != TypeDirectory:
		return ENOTDIR
	case d.readOnly:
		return EROFS
	}
	return d.changeTimes(p, follow, times)
}

func (d *hostDirectory) setTimes(times timeChange) Errno {
	if d.readOnly {
		return EROFS
	}
	return d.changeTimes(path{name: "."}, true, times)
}

func (d *hostDirectory) list() ([]fs.DirEntry, Errno) {
	file, err := d.root.Open(".")
	if err != nil {
		return nil, rootErrno(err)
	}
	defer file.Close()
	entries, err := file.ReadDir(-1)
	if errors.Is(err, fs.ErrNotExist) { // the directory was removed: POSIX has nothing left in it, Linux says ENOENT
		return entries, Success
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errnoOf(err)
	}
	return entries, Success
}

func (d *hostDirectory) inode(entry fs.DirEntry) uint64 {
	info, err := d.root.Lstat(entry.Name())
	if err != nil {
		return 0
	}
	return hostAttributes(info).ino
}

func (d *hostDirectory) sync(bool) Errno {
	file, err := d.root.Open(".")
	if err != nil {
		return rootErrno(err)
	}
	defer file.Close()
	if errno := errnoOf(file.Sync()); errno != EINVAL && errno != EROFS {
		return errno
	}
	return Success
}

func (d *hostDirectory) close() Errno {
	if d.borrowed {
		return Success
	}
	errno := Success
	d.once.Do(func() { errno = errnoOf(d.root.Close()) })
	return errno
}
