package memfs

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// node is a file, a directory or a symbolic link. Names and what is a directory's are guarded by
// the mutex of the file system, all else that changes by its own.
type node struct {
	fsys   *FS
	inode  uint64
	mode   fs.FileMode      // never changes
	target string           // of a link; never changes
	names  int              // how many entries lead here
	opens  int              // how many open files do
	inside map[string]*node // of a directory
	parent *node            // likewise
	nested int              // how many directories are among inside

	mutex                         sync.RWMutex
	data                          contents
	accessed, modified, described time.Time
}

// cost is what a node takes of the budget beyond its contents, nameCost what each of its names
// does.
const (
	cost     = 512
	nameCost = 256
)

// newNode makes a node that has no name yet, unless there is no room for it.
func (fsys *FS) newNode(mode fs.FileMode, target string) *node {
	if !fsys.budget.take(cost + int64(len(target))) {
		return nil
	}
	fsys.inodes++
	now := time.Now()
	n := &node{fsys: fsys, inode: fsys.inodes, mode: mode, target: target, accessed: now, modified: now, described: now}
	if mode.IsDir() {
		n.inside = make(map[string]*node)
	}
	return n
}

func (n *node) isLink() bool { return n.mode&fs.ModeSymlink != 0 }

// add gives a node a name in a directory, which must be free; it reports whether there is room.
func (n *node) add(name string, child *node) bool {
	if !n.fsys.budget.take(nameCost) {
		return false
	}
	n.inside[name] = child
	child.names++
	if child.mode.IsDir() {
		child.parent = n
		n.nested++
	}
	n.touch()
	return true
}

// drop takes a name away.
func (n *node) drop(name string) {
	child := n.inside[name]
	delete(n.inside, name)
	n.fsys.budget.give(nameCost)
	if child.mode.IsDir() {
		n.nested--
	}
	child.names--
	child.free()
	n.touch()
}

// touch sets the times of a directory whose entries change.
func (n *node) touch() {
	n.mutex.Lock()
	n.modified = time.Now()
	n.described = n.modified
	n.mutex.Unlock()
}

// free gives back what the node takes once nothing leads to it.
func (n *node) free() {
	if n.names > 0 || n.opens > 0 {
		return
	}
	n.mutex.Lock()
	_ = n.data.truncate(0, &n.fsys.budget)
	n.mutex.Unlock()
	n.fsys.budget.give(cost + int64(len(n.target)))
}

// close ends the use by an open file.
func (n *node) close() {
	n.fsys.mutex.Lock()
	defer n.fsys.mutex.Unlock()
	n.opens--
	n.free()
}

// setTimes sets the times that are not zero.
func (n *node) setTimes(accessed, modified time.Time) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !accessed.IsZero() {
		n.accessed = accessed
	}
	if !modified.IsZero() {
		n.modified = modified
	}
	n.described = time.Now()
}

// info describes the node under a name; the file system is locked.
func (n *node) info(name string) *info {
	n.mutex.RLock()
	defer n.mutex.RUnlock()
	size := n.data.size
	if n.isLink() {
		size = int64(len(n.target))
	}
	links := n.names
	if n.mode.IsDir() { // as Linux counts: by its own ".", and ".." of those in it
		links += 1 + n.nested
	}
	return &info{path.Base(name), size, n.mode, n.inode, uint64(links), n.accessed, n.modified, n.described}
}

// list returns the entries of a directory, by name; the file system is locked.
func (n *node) list() []fs.DirEntry {
	entries := make([]fs.DirEntry, 0, len(n.inside))
	for name, child := range n.inside {
		entries = append(entries, child.info(name))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries
}

// info is a fs.FileInfo and a fs.DirEntry.
type info struct {
	name                          string
	size                          int64
	mode                          fs.FileMode
	inode, links                  uint64
	accessed, modified, described time.Time
}

func (i *info) Name() string               { return i.name }
func (i *info) Size() int64                { return i.size }
func (i *info) Mode() fs.FileMode          { return i.mode }
func (i *info) Type() fs.FileMode          { return i.mode.Type() }
func (i *info) ModTime() time.Time         { return i.modified }
func (i *info) IsDir() bool                { return i.mode.IsDir() }
func (i *info) Info() (fs.FileInfo, error) { return i, nil }
func (i *info) String() string             { return fs.FormatFileInfo(i) }

// Sys returns the info itself: it has what package wasi asks for beyond fs.FileInfo.
func (i *info) Sys() any { return i }

func (i *info) Inode() uint64         { return i.inode }
func (i *info) Links() uint64         { return i.links }
func (i *info) AccessTime() time.Time { return i.accessed }
func (i *info) ChangeTime() time.Time { return i.described }
