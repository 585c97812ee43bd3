package wasi

import "encoding/binary"

// This file has what changes the table of descriptors, and what tells of directories that are open
// from the beginning.

func (s *System) fdClose(_ Guest, a []uint64) Errno {
	d := s.descriptors.remove(a[0])
	if d == nil {
		return EBADF
	}
	return d.object.close()
}

// fdRenumber: from, to. Unlike dup2, to has to be open, so that a number is never taken from under
// a library that counts on it (specification); preopened directories and standard streams may be
// moved and replaced like others.
func (s *System) fdRenumber(_ Guest, a []uint64) Errno {
	replaced, errno := s.descriptors.renumber(a[0], a[1])
	if replaced != nil {
		replaced.object.close()
	}
	return errno
}

// preopen finds a preopened directory. EBADF for all else ends the search of wasi-libc at startup,
// which takes any other error for a failure.
func (s *System) preopen(fd uint64) (*descriptor, Errno) {
	d := s.descriptors.get(fd)
	if d == nil || !d.preopen {
		return nil, EBADF
	}
	return d, Success
}

// fdPrestatGet: fd, where to write what was opened (0, a directory) and the length of its name.
func (s *System) fdPrestatGet(g Guest, a []uint64) Errno {
	d, errno := s.preopen(a[0])
	if errno != Success {
		return errno
	}
	to, ok := memoryOf(g).window(uint32(a[1]), sizePrestat)
	if !ok {
		return EFAULT
	}
	clear(to)
	binary.LittleEndian.PutUint32(to[4:], uint32(len(d.name)))
	return Success
}

// fdPrestatDirName: fd, buffer, its length. A buffer that is longer than needed is fine.
func (s *System) fdPrestatDirName(g Guest, a []uint64) Errno {
	d, errno := s.preopen(a[0])
	if errno != Success {
		return errno
	}
	to, ok := memoryOf(g).slice(a[1], a[2])
	if !ok {
		return EFAULT
	}
	if len(to) < len(d.name) {
		return ENAMETOOLONG
	}
	copy(to, d.name)
	return Success
}
