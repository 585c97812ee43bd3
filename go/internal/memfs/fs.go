package memfs

import (
	"io/fs"
	"os"
	pathpkg "path"
	"strings"
	"sync"
	"syscall"
	"time"
)

// FS is a file system in memory. It may be used by many goroutines at once.
type FS struct {
	budget budget
	mutex  sync.RWMutex
	root   *node
	inodes uint64
}

// New makes an empty file system that takes a number of bytes at most, 0 for no limit.
func New(maxBytes int64) *FS {
	fsys := &FS{}
	fsys.root = fsys.newNode(fs.ModeDir|0o777, "")
	fsys.root.parent, fsys.root.names = fsys.root, 1
	fsys.budget.used.Store(0) // the root is free
	fsys.budget.limit = max(maxBytes, 0)
	return fsys
}

// Used returns how many bytes are taken.
func (fsys *FS) Used() int64 { return fsys.budget.used.Load() }

const (
	maxLinks  = 40  // how many links a path may lead through
	maxName   = 255 // bytes of a name
	maxTarget = 4096
)

// place is where a path leads.
type place struct {
	directory *node
	name      string // in the directory
	node      *node  // nil if nothing is there
}

// find follows a path; a link at its end only if it is asked to. That nothing is there is no error,
// if it could be made there. The file system is locked.
func (fsys *FS) find(name string, follow bool) (place, error) {
	if !fs.ValidPath(name) {
		return place{}, fs.ErrInvalid
	}
	at, rest, links := fsys.root, name, 0
	for {
		part, more, slash := strings.Cut(rest, "/")
		rest = more
		last := strings.Trim(rest, "/") == ""
		next := at
		switch part {
		case "", ".":
		case "..": // in a link
			if at == fsys.root {
				return place{}, syscall.EPERM
			}
			next = at.parent
		default:
			if len(part) > maxName {
				return place{}, syscall.ENAMETOOLONG
			}
			next = at.inside[part]
		}
		switch {
		case next == nil && (!last || slash):
			return place{}, syscall.ENOENT
		case next == nil:
			return place{at, part, nil}, nil
		case next.isLink() && (!last || slash || follow):
			if links++; links > maxLinks {
				return place{}, syscall.ELOOP
			}
			if strings.HasPrefix(next.target, "/") {
				return place{}, syscall.EPERM
			}
			if rest = next.target; slash {
				rest += "/" + more
			}
		case last && slash && !next.mode.IsDir():
			return place{}, syscall.ENOTDIR
		case last:
			return place{at, part, next}, nil
		case !next.mode.IsDir():
			return place{}, syscall.ENOTDIR
		default:
			at = next
		}
	}
}

// existing is find for what must be there.
func (fsys *FS) existing(name string, follow bool) (place, error) {
	at, err := fsys.find(name, follow)
	if err == nil && at.node == nil {
		err = syscall.ENOENT
	}
	return at, err
}

// free is find for what must not be there.
func (fsys *FS) free(name string) (place, error) {
	at, err := fsys.find(name, false)
	if err == nil && at.node != nil {
		err = syscall.EEXIST
	}
	return at, err
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// locked calls f with the file system locked, to be changed.
func (fsys *FS) locked(op, name string, f func() error) error {
	fsys.mutex.Lock()
	defer fsys.mutex.Unlock()
	return pathError(op, name, f())
}

// put makes a node at a place that is free.
func (fsys *FS) put(at place, mode fs.FileMode, target string) (*node, error) {
	n := fsys.newNode(mode, target)
	if n == nil {
		return nil, syscall.ENOSPC
	}
	if !at.directory.add(at.name, n) {
		n.free()
		return nil, syscall.ENOSPC
	}
	return n, nil
}

// Open opens a file or a directory to be read.
func (fsys *FS) Open(name string) (fs.File, error) { return fsys.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile opens a file as os.OpenFile does.
func (fsys *FS) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	f, err := fsys.open(name, flag, perm)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return f, nil
}

func (fsys *FS) open(name string, flag int, perm fs.FileMode) (*file, error) {
	fsys.mutex.Lock()
	defer fsys.mutex.Unlock()
	exclusive := flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0
	at, err := fsys.find(name, !exclusive)
	if err != nil {
		return nil, err
	}
	writes := flag&(os.O_WRONLY|os.O_RDWR) != 0
	n := at.node
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, syscall.ENOENT
	case n == nil:
		if n, err = fsys.put(at, perm.Perm(), ""); err != nil {
			return nil, err
		}
	case exclusive:
		return nil, syscall.EEXIST
	case n.mode.IsDir() && (writes || flag&(os.O_TRUNC|os.O_CREATE) != 0):
		return nil, syscall.EISDIR
	case flag&os.O_TRUNC != 0 && writes:
		n.mutex.Lock()
		_ = n.data.truncate(0, &fsys.budget)
		n.modified = time.Now()
		n.described = n.modified
		n.mutex.Unlock()
	}
	return newFile(n, name, flag), nil
}

// Mkdir makes a directory.
func (fsys *FS) Mkdir(name string, perm fs.FileMode) error {
	return fsys.locked("mkdir", name, func() error {
		at, err := fsys.free(name)
		if err == nil {
			_, err = fsys.put(at, fs.ModeDir|perm.Perm(), "")
		}
		return err
	})
}

// MkdirAll makes a directory, and those that lead to it; it is no error if it is there.
func (fsys *FS) MkdirAll(name string, perm fs.FileMode) error {
	return fsys.locked("mkdir", name, func() error {
		if !fs.ValidPath(name) {
			return fs.ErrInvalid
		}
		for end := 0; end < len(name); end++ {
			next := strings.IndexByte(name[end:], '/')
			if end += next; next < 0 {
				end = len(name)
			}
			at, err := fsys.find(name[:end], true)
			switch {
			case err != nil:
				return err
			case at.node == nil:
				if _, err := fsys.put(at, fs.ModeDir|perm.Perm(), ""); err != nil {
					return err
				}
			case !at.node.mode.IsDir():
				return syscall.ENOTDIR
			}
		}
		return nil
	})
}

// Remove removes a file, a link or an empty directory.
func (fsys *FS) Remove(name string) error {
	return fsys.locked("remove", name, func() error {
		at, err := fsys.existing(name, false)
		switch {
		case err != nil:
			return err
		case at.node == fsys.root:
			return syscall.EBUSY
		case len(at.node.inside) > 0:
			return syscall.ENOTEMPTY
		}
		at.directory.drop(at.name)
		return nil
	})
}

// RemoveAll removes a file, or a directory with all that is in it; it is no error if it is not
// there.
func (fsys *FS) RemoveAll(name string) error {
	return fsys.locked("remove", name, func() error {
		at, err := fsys.find(name, false)
		switch {
		case err != nil && err != syscall.ENOENT:
			return err
		case err != nil || at.node == nil:
			return nil
		case at.node == fsys.root:
			at.node.empty()
			return nil
		}
		at.node.empty()
		at.directory.drop(at.name)
		return nil
	})
}

// empty removes all that is in a directory, without a recursion whose depth others choose.
func (n *node) empty() {
	for at := n; ; {
		deeper := false
		for name, child := range at.inside {
			if len(child.inside) > 0 {
				at, deeper = child, true
				break
			}
			at.drop(name)
		}
		if !deeper {
			if at == n {
				return
			}
			at = at.parent
		}
	}
}

// Rename moves what has one name to another, over what is there: a file over a file, a directory
// over an empty one (POSIX, rename).
func (fsys *FS) Rename(oldName, newName string) error {
	fsys.mutex.Lock()
	defer fsys.mutex.Unlock()
	if err := fsys.rename(oldName, newName); err != nil {
		return &os.LinkError{Op: "rename", Old: oldName, New: newName, Err: err}
	}
	return nil
}

func (fsys *FS) rename(oldName, newName string) error {
	from, err := fsys.existing(oldName, false)
	if err != nil {
		return err
	}
	to, err := fsys.find(newName, false)
	switch {
	case err != nil:
		return err
	case from.node == fsys.root || to.node == fsys.root:
		return syscall.EBUSY
	case from.node == to.node:
		return nil
	}
	if from.node.mode.IsDir() {
		switch {
		case to.directory.isIn(from.node):
			return syscall.EINVAL
		case to.node != nil && !to.node.mode.IsDir():
			return syscall.ENOTDIR
		case to.node != nil && len(to.node.inside) > 0:
			return syscall.ENOTEMPTY
		}
	} else if to.node != nil && to.node.mode.IsDir() {
		if from.directory.isIn(to.node) { // as Linux says
			return syscall.ENOTEMPTY
		}
		return syscall.EISDIR
	}
	if to.node != nil {
		to.directory.drop(to.name)
	}
	// One name goes before another comes, so that there is room for it.
	delete(from.directory.inside, from.name)
	to.directory.inside[to.name] = from.node
	if from.node.mode.IsDir() {
		from.node.parent = to.directory
		from.directory.nested--
		to.directory.nested++
	}
	from.directory.touch()
	to.directory.touch()
	return nil
}

// isIn reports whether a directory is another one or lies in it.
func (n *node) isIn(other *node) bool {
	for ; n != other; n = n.parent {
		if n == n.parent { // the root
			return false
		}
	}
	return true
}

// Link gives a file, or a symbolic link itself, another name.
func (fsys *FS) Link(oldName, newName string) error {
	fsys.mutex.Lock()
	defer fsys.mutex.Unlock()
	if err := fsys.link(oldName, newName); err != nil {
		return &os.LinkError{Op: "link", Old: oldName, New: newName, Err: err}
	}
	return nil
}

func (fsys *FS) link(oldName, newName string) error {
	from, err := fsys.existing(oldName, false)
	if err != nil {
		return err
	}
	to, err := fsys.free(newName)
	switch {
	case err != nil:
		return err
	case from.node.mode.IsDir():
		return syscall.EPERM
	case !to.directory.add(to.name, from.node):
		return syscall.ENOSPC
	}
	return nil
}

// Symlink makes a symbolic link.
func (fsys *FS) Symlink(target, name string) error {
	fsys.mutex.Lock()
	defer fsys.mutex.Unlock()
	at, err := fsys.free(name)
	switch {
	case err != nil:
	case target == "":
		err = syscall.ENOENT
	case len(target) >= maxTarget:
		err = syscall.ENAMETOOLONG
	default:
		_, err = fsys.put(at, fs.ModeSymlink|0o777, target)
	}
	if err != nil {
		return &os.LinkError{Op: "symlink", Old: target, New: name, Err: err}
	}
	return nil
}

// see calls f with what a path leads to.
func (fsys *FS) see(op, name string, follow bool, f func(n *node) error) error {
	fsys.mutex.RLock()
	defer fsys.mutex.RUnlock()
	at, err := fsys.existing(name, follow)
	if err == nil {
		err = f(at.node)
	}
	return pathError(op, name, err)
}

// ReadLink returns where a symbolic link leads.
func (fsys *FS) ReadLink(name string) (target string, err error) {
	err = fsys.see("readlink", name, false, func(n *node) error {
		if target = n.target; !n.isLink() {
			return syscall.EINVAL
		}
		return nil
	})
	return target, err
}

// Stat describes a file, the one that a symbolic link leads to.
func (fsys *FS) Stat(name string) (fs.FileInfo, error) { return fsys.stat("stat", name, true) }

// Lstat describes a file, or a symbolic link itself.
func (fsys *FS) Lstat(name string) (fs.FileInfo, error) { return fsys.stat("lstat", name, false) }

func (fsys *FS) stat(op, name string, follow bool) (about fs.FileInfo, err error) {
	err = fsys.see(op, name, follow, func(n *node) error { about = n.info(pathpkg.Base(name)); return nil })
	return about, err
}

// Chtimes sets the times that are not zero.
func (fsys *FS) Chtimes(name string, accessed, modified time.Time) error {
	return fsys.see("chtimes", name, true, func(n *node) error { n.setTimes(accessed, modified); return nil })
}

// Lchtimes is Chtimes of a symbolic link itself.
func (fsys *FS) Lchtimes(name string, accessed, modified time.Time) error {
	return fsys.see("lchtimes", name, false, func(n *node) error { n.setTimes(accessed, modified); return nil })
}

// ReadDir returns the entries of a directory, by name.
func (fsys *FS) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = fsys.see("readdir", name, true, func(n *node) error {
		if !n.mode.IsDir() {
			return syscall.ENOTDIR
		}
		entries = n.list()
		return nil
	})
	return entries, err
}

// ReadFile returns the contents of a file.
func (fsys *FS) ReadFile(name string) (data []byte, err error) {
	err = fsys.see("open", name, true, func(n *node) error {
		if n.mode.IsDir() {
			return syscall.EISDIR
		}
		n.mutex.RLock()
		defer n.mutex.RUnlock()
		data = make([]byte, n.data.size)
		_, _ = n.data.readAt(data, 0)
		return nil
	})
	return data, err
}

// WriteFile writes a file, which is made or emptied before.
func (fsys *FS) WriteFile(name string, data []byte, perm fs.FileMode) error {
	f, err := fsys.open(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return pathError("open", name, err)
	}
	_, err = f.Write(data)
	_ = f.Close()
	return err
}
