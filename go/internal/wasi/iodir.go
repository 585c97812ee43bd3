package wasi

import (
	"errors"
	"hash/fnv"
	"io"
	"io/fs"
	pathpkg "path"
	"strings"
)

// ioDirectory is a directory of an fs.FS. It cannot be changed: what would is EROFS, once the path
// is found. Package fs knows neither "." nor ".." within a path, so they are resolved here by the
// names alone; what stands before one must be a directory (or a link to one). A file system that
// knows symbolic links (fs.ReadLinkFS) follows them by itself.
type ioDirectory struct {
	aDirectory
	fsys   fs.FS
	name   string // as package fs has it; "." is the root
	device uint64
}

// resolve makes a name for package fs.
func (d *ioDirectory) resolve(p path) (string, Errno) {
	var names []string
	for part := range strings.SplitSeq(p.name, "/") {
		switch part {
		case "":
		case ".", "..":
			if len(names) == 0 {
				if part == "." {
					continue
				}
				return "", EPERM
			}
			info, err := fs.Stat(d.fsys, d.join(names))
			if err != nil {
				return "", errnoOf(err)
			}
			if !info.IsDir() {
				return "", ENOTDIR
			}
			if part == ".." {
				names = names[:len(names)-1]
			}
		default:
			names = append(names, part)
		}
	}
	return d.join(names), Success
}

func (d *ioDirectory) join(names []string) string {
	return pathpkg.Join(append([]string{d.name}, names...)...)
}

// find looks a path up. A file where a directory should be is ENOTDIR, which most file systems do
// not tell from what does not exist.
func (d *ioDirectory) find(p path, follow bool) (name string, info fs.FileInfo, errno Errno) {
	name, errno = d.resolve(p)
	if errno != Success {
		return "", nil, errno
	}
	look := fs.Lstat
	if follow {
		look = fs.Stat
	}
	info, err := look(d.fsys, name)
	if err == nil {
		return name, info, Success
	}
	if errno = errnoOf(err); errno == ENOENT {
		for parent := pathpkg.Dir(name); parent != "."; parent = pathpkg.Dir(parent) {
			if info, err := fs.Stat(d.fsys, parent); err == nil {
				if !info.IsDir() {
					errno = ENOTDIR
				}
				break
			}
		}
	}
	return name, nil, errno
}

// describe gives attributes; the serial number is made of the name.
func (d *ioDirectory) describe(name string, info fs.FileInfo) attributes {
	at := attributesOf(info)
	hash := fnv.New64a()
	io.WriteString(hash, name)
	at.dev, at.ino = d.device, max(hash.Sum64(), 1)
	return at
}

func (d *ioDirectory) attributes() (attributes, Errno) {
	info, err := fs.Stat(d.fsys, d.name)
	if err != nil {
		return attributes{}, errnoOf(err)
	}
	return d.describe(d.name, info), Success
}

func (d *ioDirectory) stat(p path, follow bool) (attributes, Errno) {
	name, info, errno := d.find(p, follow)
	if errno != Success {
		return attributes{}, errno
	}
	return d.describe(name, info), Success
}

func (d *ioDirectory) open(p path, how openMode) (object, Errno) {
	name, info, errno := d.find(p, how.follow)
	switch {
	case errno == ENOENT && how.create:
		return nil, EROFS
	case errno != Success:
		return nil, errno
	case how.create && how.exclusive:
		return nil, EEXIST
	case info.Mode()&fs.ModeSymlink != 0:
		if how.directory {
			return nil, ENOTDIR
		}
		return nil, ELOOP
	case info.IsDir():
		if how.write || how.truncate || how.create {
			return nil, EISDIR
		}
		return &ioDirectory{fsys: d.fsys, name: name, device: d.device}, Success
	case how.directory:
		return nil, ENOTDIR
	case how.write || how.truncate:
		return nil, EROFS
	}
	file, err := d.fsys.Open(name)
	if err != nil {
		return nil, errnoOf(err)
	}
	return &ioFile{file: file, fsys: d.fsys, name: name, about: d.describe(name, info)}, Success
}

// refuse is for what would change the directory: EROFS if the path is there.
func (d *ioDirectory) refuse(p path, follow bool) Errno {
	if _, _, errno := d.find(p, follow); errno != Success {
		return errno
	}
	return EROFS
}

// refuseNew is for what would make something new: EROFS if nothing is there.
func (d *ioDirectory) refuseNew(p path) Errno {
	switch _, _, errno := d.find(p, false); errno {
	case Success:
		return EEXIST
	case ENOENT:
		return EROFS
	default:
		return errno
	}
}

func (d *ioDirectory) makeDirectory(p path) Errno                         { return d.refuseNew(p) }
func (d *ioDirectory) removeDirectory(p path) Errno                       { return d.refuse(p, false) }
func (d *ioDirectory) removeFile(p path) Errno                            { return d.refuse(p, false) }
func (d *ioDirectory) symlink(_ string, p path) Errno                     { return d.refuseNew(p) }
func (d *ioDirectory) setTimes(timeChange) Errno                          { return EROFS }
func (d *ioDirectory) setTimesOf(p path, follow bool, _ timeChange) Errno { return d.refuse(p, follow) }
func (d *ioDirectory) rename(from path, to directory, _ path) Errno       { return d.refuseWith(from, to) }
func (d *ioDirectory) link(from path, to directory, _ path) Errno         { return d.refuseWith(from, to) }

// refuseWith is for what concerns two directories.
func (d *ioDirectory) refuseWith(from path, to directory) Errno {
	errno := d.refuse(from, false)
	if _, ok := to.(*ioDirectory); !ok && errno == EROFS {
		return EXDEV
	}
	return errno
}

func (d *ioDirectory) readLink(p path) (string, Errno) {
	name, info, errno := d.find(p, p.slash)
	if errno != Success {
		return "", errno
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return "", EINVAL
	}
	target, err := fs.ReadLink(d.fsys, name)
	return target, errnoOf(err)
}

func (d *ioDirectory) list() ([]fs.DirEntry, Errno) {
	entries, err := fs.ReadDir(d.fsys, d.name)
	if err != nil && (d.name != "." || !errors.Is(err, fs.ErrNotExist)) {
		return nil, errnoOf(err)
	}
	return entries, Success
}

func (d *ioDirectory) inode(entry fs.DirEntry) uint64 {
	hash := fnv.New64a()
	io.WriteString(hash, pathpkg.Join(d.name, entry.Name()))
	return max(hash.Sum64(), 1)
}
