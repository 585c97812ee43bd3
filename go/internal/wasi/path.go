package wasi

// Sandbox-critical: which paths of guests are accepted. What they lead to is decided by the
// directory (hostdir.go, iodir.go).

import (
	"strings"
	"unicode/utf8"
)

// path is a path of a guest, relative to a directory: not empty, without zero bytes, UTF-8.
type path struct {
	name string // without slashes at the end

	// slash says that there were some: it stands for a directory then, and a symbolic link at its
	// end is followed (POSIX, 4.16).
	slash bool
}

// maxPath is PATH_MAX of Linux and wasi-libc.
const maxPath = 4096

// parsePath reads a path from guest memory. Absolute paths are EPERM: wasi-libc makes them relative
// to a preopened directory before it asks.
func parsePath(m memory, pointer, length uint64) (path, Errno) {
	bytes, ok := m.slice(pointer, length)
	switch {
	case !ok:
		return path{}, EFAULT
	case len(bytes) == 0:
		return path{}, ENOENT
	case len(bytes) >= maxPath:
		return path{}, ENAMETOOLONG
	}
	text := string(bytes)
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return path{}, EINVAL
	case !utf8.ValidString(text): // paths are strings, and strings UTF-8 (specification)
		return path{}, EILSEQ
	case text[0] == '/':
		return path{}, EPERM
	}
	name := strings.TrimRight(text, "/")
	return path{name, len(name) < len(text)}, Success
}

// split gives the directory that the path ends in, and the name there. The name is not proper if it
// is "." or "..": it names no entry of that directory.
func (p path) split() (parent, name string, proper bool) {
	parent, name = ".", p.name
	if i := strings.LastIndexByte(p.name, '/'); i >= 0 {
		parent, name = p.name[:i], p.name[i+1:]
	}
	return parent, name, name != "." && name != ".."
}

// lookup gets what nearly all functions on paths begin with.
func (s *System) lookup(g Guest, fd, pointer, length uint64, rights Rights) (directory, path, Errno) {
	_, dir, errno := s.directory(fd, rights)
	if errno != Success {
		return nil, path{}, errno
	}
	p, errno := parsePath(memoryOf(g), pointer, length)
	return dir, p, errno
}

// mustBeDirectory reports whether a path leads to a directory: ENOTDIR, or why it leads to nothing.
// With follow, a link at its end is followed.
func mustBeDirectory(dir directory, p path, follow bool) Errno {
	at, errno := dir.stat(p, follow)
	if errno == Success && at.kind != TypeDirectory {
		errno = ENOTDIR
	}
	return errno
}

// isName reports whether a path names an entry, rather than ending in "." or "..", of a directory
// that is there.
func isName(dir directory, p path) (bool, Errno) {
	parent, _, proper := p.split()
	if parent == "." {
		return proper, Success
	}
	return proper, mustBeDirectory(dir, path{name: parent}, true)
}

// follows reads the flags of a lookup.
func follows(flags uint64, p path) bool { return uint32(flags)&lookupFollow != 0 || p.slash }

// pathCreateDirectory: fd, path. wasi-libc's mkdir has no mode that it could pass on.
func (s *System) pathCreateDirectory(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[0], a[1], a[2], RightPathCreateDirectory)
	if errno != Success {
		return errno
	}
	return dir.makeDirectory(p)
}

// pathRemoveDirectory: fd, path.
func (s *System) pathRemoveDirectory(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[0], a[1], a[2], RightPathRemoveDirectory)
	if errno != Success {
		return errno
	}
	return dir.removeDirectory(p)
}

// pathUnlinkFile: fd, path. A directory is EISDIR, as on Linux; POSIX has EPERM, wasi-libc's remove
// tells both from the rest.
func (s *System) pathUnlinkFile(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[0], a[1], a[2], RightPathUnlinkFile)
	if errno != Success {
		return errno
	}
	return dir.removeFile(p)
}

func (s *System) pathAttributes(g Guest, a []uint64) (attributes, Errno) {
	dir, p, errno := s.lookup(g, a[0], a[2], a[3], RightPathFilestatGet)
	if errno != Success {
		return attributes{}, errno
	}
	at, errno := dir.stat(p, follows(a[1], p))
	if errno == Success && p.slash && at.kind != TypeDirectory {
		errno = ENOTDIR
	}
	return at, errno
}

// pathFilestatGet: fd, flags, path, where to write the attributes.
func (s *System) pathFilestatGet(g Guest, a []uint64) Errno {
	at, errno := s.pathAttributes(g, a)
	if errno != Success {
		return errno
	}
	return putFilestat(memoryOf(g), a[4], &at)
}

// pathFilestatGet0 is pathFilestatGet of snapshot 0.
func (s *System) pathFilestatGet0(g Guest, a []uint64) Errno {
	at, errno := s.pathAttributes(g, a)
	if errno != Success {
		return errno
	}
	return putFilestat0(memoryOf(g), a[4], &at)
}

// pathFilestatSetTimes: fd, flags, path, time of access, time of modification, which to set.
// Without the flag to follow, the times of a symbolic link itself are set.
func (s *System) pathFilestatSetTimes(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[0], a[2], a[3], RightPathFilestatSetTimes)
	if errno != Success {
		return errno
	}
	times, errno := s.times(a[4], a[5], uint32(a[6]))
	if errno != Success {
		return errno
	}
	return dir.setTimesOf(p, follows(a[1], p), times)
}

// pathLink: fd, flags, path, new fd, new path. To follow a symbolic link is refused, as other
// runtimes do: wasi-libc's link does not ask for it.
func (s *System) pathLink(g Guest, a []uint64) Errno {
	dir, from, errno := s.lookup(g, a[0], a[2], a[3], RightPathLinkSource)
	if errno != Success {
		return errno
	}
	to, p, errno := s.lookup(g, a[4], a[5], a[6], RightPathLinkTarget)
	if errno != Success {
		return errno
	}
	if uint32(a[1]) != 0 {
		return EINVAL
	}
	return dir.link(from, to, p)
}

// pathRename: fd, path, new fd, new path.
func (s *System) pathRename(g Guest, a []uint64) Errno {
	dir, from, errno := s.lookup(g, a[0], a[1], a[2], RightPathRenameSource)
	if errno != Success {
		return errno
	}
	to, p, errno := s.lookup(g, a[3], a[4], a[5], RightPathRenameTarget)
	if errno != Success {
		return errno
	}
	return dir.rename(from, to, p)
}

// pathSymlink: target, fd, path. A target that is an absolute path is EPERM: it could only lead
// out, and would fool programs of the host that follow it.
func (s *System) pathSymlink(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[2], a[3], a[4], RightPathSymlink)
	if errno != Success {
		return errno
	}
	target, errno := parsePath(memoryOf(g), a[0], a[1])
	if errno != Success {
		return errno
	}
	text := target.name
	if target.slash {
		text += "/"
	}
	return dir.symlink(text, p)
}

// pathReadlink: fd, path, buffer, its length, where to write how many bytes were used. A target
// that does not fit is cut, as by readlink(2).
func (s *System) pathReadlink(g Guest, a []uint64) Errno {
	dir, p, errno := s.lookup(g, a[0], a[1], a[2], RightPathReadlink)
	if errno != Success {
		return errno
	}
	m := memoryOf(g)
	buffer, ok := m.slice(a[3], a[4])
	if !ok {
		return EFAULT
	}
	if _, ok := m.window(uint32(a[5]), 4); !ok {
		return EFAULT
	}
	target, errno := dir.readLink(p)
	if errno != Success {
		return errno
	}
	m.putUint32(a[5], uint32(copy(buffer, target)))
	return Success
}
