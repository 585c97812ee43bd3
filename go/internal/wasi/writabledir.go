package wasi

// Sandbox-critical: directories of a WritableFS. Every path is resolved here, name by name, before
// the file system is asked: what leads out of the directory, by "..", an absolute link or a link
// that leaves, is refused. A file system that is changed at that moment may follow a link that was
// swapped in, and then decides where it leads; it never gets a name that leads out of itself.

import (
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	pathpkg "path"
	"strings"
	"time"
)

// writableDirectory is a directory of a WritableFS. It is known by its name: when it is renamed,
// the name is what the descriptor stands for.
type writableDirectory struct {
	aDirectory
	fsys     WritableFS
	name     string // as package fs has it; "." is the root
	device   uint64
	readOnly bool
}

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// place is where a path leads: a name that has no symbolic link in it, save at its end if that was
// not to be followed.
type place struct {
	name   string
	info   fs.FileInfo // nil if nothing is there
	proper bool        // it is an entry of a directory, rather than "." or ".." of one
}

func (p *place) kind() FileType { return typeOf(p.info.Mode()) }

// find looks a path up. ENOENT with a place is one where something can be made.
func (d *writableDirectory) find(p path, follow bool) (place, Errno) {
	names, rest, links := []string(nil), p.name, 0
	at := place{name: d.name}
	for {
		part, more, slash := strings.Cut(rest, "/")
		rest = more
		last := strings.Trim(rest, "/") == ""
		switch part {
		case "", ".":
			at.proper = false
		case "..":
			if len(names) == 0 {
				return place{}, EPERM
			}
			names = names[:len(names)-1]
			at = place{name: d.join(names)}
		default:
			at = place{name: d.join(append(names, part)), proper: true}
		}
		if at.info == nil {
			info, err := d.look(at.name)
			if errno := errnoOf(err); errno != Success {
				if errno == ENOENT && at.proper && last && !slash {
					return at, errno
				}
				return place{}, errno
			}
			at.info = info
		}
		switch kind := at.kind(); {
		case kind == TypeSymbolicLink && (!last || slash || follow):
			if links++; links > maxLinks {
				return place{}, ELOOP
			}
			target, err := fs.ReadLink(d.fsys, at.name)
			switch {
			case err != nil:
				return place{}, errnoOf(err)
			case target == "":
				return place{}, ENOENT
			case target[0] == '/':
				return place{}, EPERM
			case len(target)+len(rest) > math.MaxUint16:
				return place{}, ENAMETOOLONG
			}
			if rest = target; slash {
				rest += "/" + more
			}
			at = place{name: d.join(names)}
		case kind != TypeDirectory && (!last || slash):
			return place{}, ENOTDIR
		case last:
			return at, Success
		case at.proper:
			names = append(names, part)
		}
	}
}

func (d *writableDirectory) join(names []string) string {
	return pathpkg.Join(append([]string{d.name}, names...)...)
}

// look describes what has a name, a symbolic link itself.
func (d *writableDirectory) look(name string) (fs.FileInfo, error) {
	info, err := fs.Lstat(d.fsys, name)
	if err == nil && info == nil {
		err = fs.ErrInvalid
	}
	return info, err
}

// describe returns attributes. Without a serial number of the file system's, one is made of the
// name.
func (d *writableDirectory) describe(name string, info fs.FileInfo) attributes {
	at := hostAttributes(info)
	if own, ok := info.Sys().(fileAttributes); ok {
		at.ino, at.nlink = own.Inode(), own.Links()
		at.atime, at.ctime = own.AccessTime().UnixNano(), own.ChangeTime().UnixNano()
	}
	if at.dev = d.device; at.ino == 0 {
		hash := fnv.New64a()
		io.WriteString(hash, name)
		at.ino = max(hash.Sum64(), 1)
	}
	return at
}

func (d *writableDirectory) attributes() (attributes, Errno) {
	info, err := d.look(d.name)
	if err != nil {
		return attributes{}, errnoOf(err)
	}
	return d.describe(d.name, info), Success
}

func (d *writableDirectory) stat(p path, follow bool) (attributes, Errno) {
	at, errno := d.find(p, follow)
	if errno != Success {
		return attributes{}, errno
	}
	return d.describe(at.name, at.info), Success
}

func (d *writableDirectory) open(p path, how openMode) (object, Errno) {
	at, errno := d.find(p, how.follow && !(how.create && how.exclusive))
	switch {
	case errno == ENOENT && at.name != "" && how.create:
		if d.readOnly {
			return nil, EROFS
		}
	case errno != Success:
		return nil, errno
	case how.create && how.exclusive:
		return nil, EEXIST
	case at.kind() == TypeSymbolicLink:
		if how.directory {
			return nil, ENOTDIR
		}
		return nil, ELOOP
	case at.kind() == TypeDirectory:
		if how.write || how.truncate || how.create {
			return nil, EISDIR
		}
		return &writableDirectory{fsys: d.fsys, name: at.name, device: d.device, readOnly: d.readOnly}, Success
	case how.directory:
		return nil, ENOTDIR
	case d.readOnly && (how.write || how.truncate):
		return nil, EROFS
	}
	flags := openFlags(openMode{create: how.create && !d.readOnly, exclusive: how.exclusive && !d.readOnly, truncate: how.truncate, read: how.read, write: how.write})
	file, err := d.fsys.OpenFile(at.name, flags&portableFlags, 0o666)
	if err != nil {
		return nil, errnoOf(err)
	}
	f := &writableFile{file: file, directory: d, name: at.name}
	if errno := f.setFlags(how.flags); errno != Success {
		file.Close()
		return nil, errno
	}
	return f, Success
}

// portableFlags are the flags that a WritableFS gets.
const portableFlags = os.O_RDONLY | os.O_WRONLY | os.O_RDWR | os.O_CREATE | os.O_EXCL | os.O_TRUNC

// free looks for a place where something can be made.
func (d *writableDirectory) free(p path) (place, Errno) {
	at, errno := d.find(p, false)
	switch {
	case errno == Success:
		return at, EEXIST
	case errno != ENOENT || at.name == "":
		return at, errno
	case d.readOnly:
		return at, EROFS
	}
	return at, Success
}

func (d *writableDirectory) makeDirectory(p path) Errno {
	at, errno := d.free(p)
	if errno != Success {
		return errno
	}
	return errnoOf(d.fsys.Mkdir(at.name, 0o777))
}

func (d *writableDirectory) removeDirectory(p path) Errno {
	at, errno := d.find(p, false)
	switch {
	case errno != Success:
		return errno
	case at.kind() != TypeDirectory:
		return ENOTDIR
	case !at.proper && strings.HasSuffix(p.name, ".."): // it has in it at least the directory before
		return ENOTEMPTY
	case !at.proper:
		return EINVAL
	case d.readOnly:
		return EROFS
	}
	return errnoOf(d.fsys.Remove(at.name))
}

func (d *writableDirectory) removeFile(p path) Errno {
	at, errno := d.find(p, false)
	switch {
	case errno != Success:
		return errno
	case at.kind() == TypeDirectory:
		return EISDIR
	case p.slash:
		return ENOTDIR
	case d.readOnly:
		return EROFS
	}
	return errnoOf(d.fsys.Remove(at.name))
}

func (d *writableDirectory) readLink(p path) (string, Errno) {
	at, errno := d.find(p, p.slash)
	switch {
	case errno != Success:
		return "", errno
	case p.slash && at.kind() != TypeDirectory:
		return "", ENOTDIR
	case at.kind() != TypeSymbolicLink:
		return "", EINVAL
	}
	target, err := fs.ReadLink(d.fsys, at.name)
	return target, errnoOf(err)
}

// mayCreate is free for links: not under a name with a slash at its end, which stands for a
// directory. As on Linux, a name that is taken by a link is taken wherever the link leads; only the
// slash behind a file, or a link to one, is told first.
func (d *writableDirectory) mayCreate(p path) (place, Errno) {
	at, errno := d.free(p)
	switch {
	case errno == EEXIST && p.slash && mustBeDirectory(d, p, true) == ENOTDIR:
		return at, ENOTDIR
	case p.slash && (errno == Success || errno == EROFS):
		return at, ENOENT
	}
	return at, errno
}

func (d *writableDirectory) symlink(target string, p path) Errno {
	at, errno := d.mayCreate(p)
	if errno != Success {
		return errno
	}
	fsys, ok := d.fsys.(symlinkFS)
	if !ok {
		return ENOTSUP
	}
	return errnoOf(fsys.Symlink(target, at.name))
}

// other returns a directory of the same file system, or nil.
func (d *writableDirectory) other(to directory) *writableDirectory {
	target, ok := to.(*writableDirectory)
	if !ok || !same(d.fsys, target.fsys) {
		return nil
	}
	return target
}

func (d *writableDirectory) link(from path, to directory, p path) Errno {
	target := d.other(to)
	if target == nil || d.readOnly != target.readOnly { // a link would make a file writable that is not
		return EXDEV
	}
	at, errno := d.find(from, from.slash)
	switch {
	case errno != Success:
		return errno
	case from.slash && at.kind() != TypeDirectory:
		return ENOTDIR
	}
	there, errno := target.mayCreate(p)
	switch {
	case errno != Success:
		return errno
	case at.kind() == TypeDirectory:
		return EPERM
	}
	fsys, ok := d.fsys.(linkFS)
	if !ok {
		return ENOTSUP
	}
	return errnoOf(fsys.Link(at.name, there.name))
}

func (d *writableDirectory) rename(from path, to directory, p path) Errno {
	target := d.other(to)
	if target == nil {
		return EXDEV
	}
	fromName, errno := isName(d, from)
	if errno != Success {
		return errno
	}
	toName, errno := isName(target, p)
	switch {
	case errno != Success:
		return errno
	case !fromName || !toName:
		return EBUSY
	}
	here, errno := d.find(from, false)
	if errno != Success {
		return errno
	}
	there, thereErrno := target.find(p, false)
	switch {
	case thereErrno != Success && there.name == "" && !p.slash:
		return thereErrno
	case (from.slash || p.slash) && here.kind() != TypeDirectory:
		return ENOTDIR
	case d.readOnly || target.readOnly:
		return EROFS
	case p.slash && thereErrno == Success && there.kind() != TypeDirectory:
		return ENOTDIR
	}
	return errnoOf(d.fsys.Rename(here.name, there.name))
}

func (d *writableDirectory) setTimesOf(p path, follow bool, times timeChange) Errno {
	at, errno := d.find(p, follow)
	switch {
	case errno != Success:
		return errno
	case p.slash && at.kind() != TypeDirectory:
		return ENOTDIR
	case d.readOnly:
		return EROFS
	}
	accessed, modified := times.both()
	if at.kind() == TypeSymbolicLink {
		fsys, ok := d.fsys.(linkTimesFS)
		if !ok {
			return ENOTSUP
		}
		return errnoOf(fsys.Lchtimes(at.name, accessed, modified))
	}
	return d.changeTimes(at.name, accessed, modified)
}

func (d *writableDirectory) changeTimes(name string, accessed, modified time.Time) Errno {
	fsys, ok := d.fsys.(timesFS)
	if !ok {
		return ENOTSUP
	}
	return errnoOf(fsys.Chtimes(name, accessed, modified))
}

func (d *writableDirectory) setTimes(times timeChange) Errno {
	return d.setTimesOf(path{name: "."}, true, times)
}

// both returns the times to set, zero for one that stays.
func (t *timeChange) both() (accessed, modified time.Time) {
	if t.access != nil {
		accessed = *t.access
	}
	if t.modification != nil {
		modified = *t.modification
	}
	return accessed, modified
}

func (d *writableDirectory) list() ([]fs.DirEntry, Errno) {
	entries, err := fs.ReadDir(d.fsys, d.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was removed: nothing is left in it
		return nil, errnoOf(err)
	}
	return entries, Success
}

func (d *writableDirectory) inode(entry fs.DirEntry) uint64 {
	info, err := entry.Info()
	if err != nil || info == nil {
		return 0
	}
	return d.describe(pathpkg.Join(d.name, entry.Name()), info).ino
}
