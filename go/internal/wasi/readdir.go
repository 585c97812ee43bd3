package wasi

import (
	"encoding/binary"
	"io/fs"
	"sync"
	"unicode/utf8"
)

// listing is the entries of a directory as fd_readdir gives them out. It is taken when reading
// begins, at cookie 0, so that cookies mean the same entry until it begins again, however the
// directory changes: removing what was read skips nothing.
type listing struct {
	mutex   sync.Mutex
	entries []fs.DirEntry // nil if none was taken
}

// fdReaddir: fd, buffer, its length, cookie, where to write how many bytes were used. A cookie is
// the number of entries before; "." and ".." come first. The entry that does not fit is cut, which
// tells the guest that there are more: only at the end are there bytes left in the buffer
// (specification). Entries whose names are not UTF-8 are left out, as no path could name them.
func (s *System) fdReaddir(g Guest, a []uint64) Errno {
	d, dir, errno := s.directory(a[0], RightFdReaddir)
	switch errno {
	case Success:
	case ENOTDIR: // what is open but no directory; programs, TinyGo's for one, count on what wasmtime and wazero say
		return EBADF
	default:
		return errno
	}
	m := memoryOf(g)
	buffer, ok := m.slice(a[1], a[2])
	if !ok {
		return EFAULT
	}
	if _, ok := m.window(uint32(a[4]), 4); !ok {
		return EFAULT
	}
	entries, errno := d.listing.take(dir, a[3] == 0)
	if errno != Success {
		return errno
	}
	used := 0
	for cookie := a[3]; cookie < uint64(len(entries))+2 && used < len(buffer); cookie++ {
		used += putEntry(buffer[used:], dir, entries, cookie)
	}
	m.putUint32(a[4], uint32(used))
	return Success
}

// take gives the entries, read anew if asked for or never read.
func (l *listing) take(dir directory, anew bool) ([]fs.DirEntry, Errno) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.entries != nil && !anew {
		return l.entries, Success
	}
	all, errno := dir.list()
	if errno != Success {
		return nil, errno
	}
	entries := make([]fs.DirEntry, 0, len(all))
	for _, entry := range all {
		if utf8.ValidString(entry.Name()) {
			entries = append(entries, entry)
		}
	}
	l.entries = entries
	return entries, Success
}

// putEntry writes what fits of an entry, and returns how much.
func putEntry(to []byte, dir directory, entries []fs.DirEntry, cookie uint64) int {
	var head [sizeDirent]byte
	name, kind, ino := ".", TypeDirectory, uint64(0)
	switch cookie {
	case 0:
		if at, errno := dir.attributes(); errno == Success {
			ino = at.ino
		}
	case 1:
		name = ".." // its serial number may be one outside of what the guest may see
	default:
		entry := entries[cookie-2]
		name, kind = entry.Name(), typeOf(entry.Type())
		if len(to) >= sizeDirent { // else the guest asks again anyway
			ino = dir.inode(entry)
		}
	}
	binary.LittleEndian.PutUint64(head[:], cookie+1)
	binary.LittleEndian.PutUint64(head[8:], ino)
	binary.LittleEndian.PutUint32(head[16:], uint32(len(name)))
	head[20] = byte(kind)
	n := copy(to, head[:])
	return n + copy(to[n:], name)
}
