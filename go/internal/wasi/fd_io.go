package wasi

import "sync"

// This file has reading, writing and seeking.

// fdRead: fd, iovs, their number, where to write the number of bytes.
func (s *System) fdRead(g Guest, a []uint64) Errno {
	if d := s.descriptors.get(a[0]); d != nil && uint32(a[2]) == 1 && d.has(RightFdRead) {
		return readOne(d, g, a[1], a[3])
	}
	d, errno := s.file(a[0], RightFdRead)
	if errno != Success {
		return errno
	}
	return readInto(d, g, a[1], a[2], a[3], -1)
}

// fdPread: as fdRead, with an offset before the last.
func (s *System) fdPread(g Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdRead|RightFdSeek)
	if errno != Success {
		return errno
	}
	if int64(a[3]) < 0 {
		return EINVAL
	}
	return readInto(d, g, a[1], a[2], a[4], int64(a[3]))
}

// readOne is readInto for the usual case: one buffer, at the position of the file.
func readOne(d *descriptor, g Guest, list, result uint64) Errno {
	buffer, ok := memoryOf(g).only(list, result)
	if !ok {
		return EFAULT
	}
	n, errno := 0, Success
	if len(buffer) > 0 {
		n, errno = d.object.read(g.Context(), buffer, d.nonblock())
	}
	if errno != Success && n == 0 {
		return errno
	}
	memoryOf(g).putUint32(result, uint32(n))
	return Success
}

// readInto reads into all buffers, up to the first that is not filled. An error after some bytes
// were read is left for the next call.
func readInto(d *descriptor, g Guest, list, count, result uint64, offset int64) Errno {
	m := memoryOf(g)
	buffers, _, errno := m.vectors(list, count)
	if errno != Success {
		return errno
	}
	if _, ok := m.window(uint32(result), 4); !ok {
		return EFAULT
	}
	total := 0
	for i := range buffers.len() {
		buffer, ok := buffers.at(i)
		if !ok {
			return EFAULT
		}
		if len(buffer) == 0 {
			continue
		}
		var n int
		if offset < 0 {
			n, errno = d.object.read(g.Context(), buffer, total > 0 || d.nonblock())
		} else {
			n, errno = d.object.readAt(buffer, offset+int64(total))
		}
		total += n
		if errno != Success || n < len(buffer) {
			break
		}
	}
	if errno != Success && total == 0 {
		return errno
	}
	memoryOf(g).putUint32(result, uint32(total))
	return Success
}

// fdWrite: fd, iovs, their number, where to write the number of bytes.
func (s *System) fdWrite(g Guest, a []uint64) Errno {
	if d := s.descriptors.get(a[0]); d != nil && uint32(a[2]) == 1 && d.has(RightFdWrite) {
		return writeOne(d, g, a[1], a[3])
	}
	d, errno := s.file(a[0], RightFdWrite)
	if errno != Success {
		return errno
	}
	return s.writeFrom(d, g, a[1], a[2], a[3], -1)
}

// fdPwrite: as fdWrite, with an offset before the last.
func (s *System) fdPwrite(g Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdWrite|RightFdSeek)
	if errno != Success {
		return errno
	}
	if int64(a[3]) < 0 {
		return EINVAL
	}
	return s.writeFrom(d, g, a[1], a[2], a[4], int64(a[3]))
}

// writeOne is writeFrom for the usual case: one buffer, at the position of the file. It goes to a
// Writer without asking for the context.
func writeOne(d *descriptor, g Guest, list, result uint64) Errno {
	m := memoryOf(g)
	buffer, ok := m.only(list, result)
	if !ok {
		return EFAULT
	}
	n, errno := 0, Success
	if len(buffer) > 0 {
		if out, ok := d.object.(*output); ok && out.file == nil {
			n, errno = out.put(buffer)
		} else {
			n, errno = d.object.write(g.Context(), buffer)
		}
	}
	if errno != Success && n == 0 {
		return errno
	}
	m.putUint32(result, uint32(n))
	return Success
}

// gather joins small buffers, so that what a guest writes by one call, which C's streams do in two
// buffers, arrives in one piece. It is used by one call at a time; others go without.
type gather struct {
	mutex  sync.Mutex
	buffer [4096]byte
}

// writeFrom writes all buffers. An error after some bytes were written is left for the next call.
func (s *System) writeFrom(d *descriptor, g Guest, list, count, result uint64, offset int64) Errno {
	m := memoryOf(g)
	buffers, size, errno := m.vectors(list, count)
	if errno != Success {
		return errno
	}
	if _, ok := m.window(uint32(result), 4); !ok {
		return EFAULT
	}
	if size == 0 {
		m.putUint32(result, 0)
		return Success
	}
	total := 0
	if buffers.len() > 1 && size <= uint64(len(s.gather.buffer)) && s.gather.mutex.TryLock() {
		defer s.gather.mutex.Unlock()
		n := 0
		for i := range buffers.len() {
			buffer, _ := buffers.at(i)
			n += copy(s.gather.buffer[n:], buffer)
		}
		total, errno = writePiece(d, g, s.gather.buffer[:n], offset)
	} else {
		for i := 0; i < buffers.len() && errno == Success; i++ {
			buffer, ok := buffers.at(i)
			if !ok {
				return EFAULT
			}
			if len(buffer) == 0 {
				continue
			}
			at, n := offset, 0
			if at >= 0 {
				at += int64(total)
			}
			n, errno = writePiece(d, g, buffer, at)
			total += n
		}
	}
	if errno != Success && total == 0 {
		return errno
	}
	memoryOf(g).putUint32(result, uint32(total))
	return Success
}

func writePiece(d *descriptor, g Guest, piece []byte, offset int64) (int, Errno) {
	if offset < 0 {
		return d.object.write(g.Context(), piece)
	}
	return d.object.writeAt(piece, offset)
}

// fdSeek: fd, offset, whence, where to write the new position.
func (s *System) fdSeek(g Guest, a []uint64) Errno {
	return s.seek(g, a[0], int64(a[1]), int(uint32(a[2])), a[3])
}

// fdSeek0 is fdSeek of snapshot 0, where the numbers of whence are others.
func (s *System) fdSeek0(g Guest, a []uint64) Errno {
	whences := [...]int{whenceCur, whenceEnd, whenceSet}
	if uint32(a[2]) >= uint32(len(whences)) {
		return EINVAL
	}
	return s.seek(g, a[0], int64(a[1]), whences[uint32(a[2])], a[3])
}

func (s *System) seek(g Guest, fd uint64, offset int64, whence int, result uint64) Errno {
	rights := RightFdSeek
	if offset == 0 && whence == whenceCur { // only asks (specification of the right fd_tell)
		rights = RightFdTell
	}
	d, errno := s.file(fd, rights)
	if errno != Success && rights == RightFdTell {
		d, errno = s.file(fd, RightFdSeek)
	}
	if errno != Success {
		return errno
	}
	if whence != whenceSet && whence != whenceCur && whence != whenceEnd {
		return EINVAL
	}
	if _, ok := memoryOf(g).window(uint32(result), 8); !ok {
		return EFAULT
	}
	position, errno := d.object.seek(offset, whence)
	if errno == Success {
		memoryOf(g).putUint64(result, uint64(position))
	}
	return errno
}

// fdTell: fd, where to write the position.
func (s *System) fdTell(g Guest, a []uint64) Errno { return s.seek(g, a[0], 0, whenceCur, a[1]) }
