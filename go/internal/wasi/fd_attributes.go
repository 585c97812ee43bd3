package wasi

import (
	"encoding/binary"
	"math"
	"time"
)

// This file has what descriptors tell of themselves, and what of it can be set.

// fdFdstatGet: fd, where to write type, flags and rights.
func (s *System) fdFdstatGet(g Guest, a []uint64) Errno {
	d := s.descriptors.get(a[0])
	if d == nil {
		return EBADF
	}
	to, ok := memoryOf(g).window(uint32(a[1]), sizeFdstat)
	if !ok {
		return EFAULT
	}
	clear(to)
	to[0] = byte(d.object.kind())
	binary.LittleEndian.PutUint16(to[2:], uint16(d.flags.Load()))
	binary.LittleEndian.PutUint64(to[8:], d.base.Load())
	binary.LittleEndian.PutUint64(to[16:], d.inheriting.Load())
	return Success
}

// fdFdstatSetFlags: fd, flags. The flags that say how writes are synchronised cannot change, as
// with fcntl(2); that they are given as they are is no error.
func (s *System) fdFdstatSetFlags(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdFdstatSetFlags)
	if errno != Success {
		return errno
	}
	flags := uint32(a[1])
	if flags&^allFdFlags != 0 {
		return EINVAL
	}
	const fixed = flagDsync | flagRsync | flagSync
	if flags&fixed&^d.flags.Load() != 0 {
		return ENOTSUP
	}
	flags |= d.flags.Load() & fixed
	if errno := d.object.setFlags(flags); errno != Success {
		return errno
	}
	d.flags.Store(flags)
	return Success
}

// fdFdstatSetRights: fd, rights, inheriting rights. Rights only go.
func (s *System) fdFdstatSetRights(_ Guest, a []uint64) Errno {
	d := s.descriptors.get(a[0])
	if d == nil {
		return EBADF
	}
	if a[1]&^d.base.Load() != 0 || a[2]&^d.inheriting.Load() != 0 {
		return ENOTCAPABLE
	}
	d.base.And(a[1])
	d.inheriting.And(a[2])
	return Success
}

// putFilestat writes attributes in the layout of snapshot 1.
func putFilestat(m memory, pointer uint64, at *attributes) Errno {
	to, ok := m.window(uint32(pointer), 64)
	if !ok {
		return EFAULT
	}
	clear(to)
	binary.LittleEndian.PutUint64(to, at.dev)
	binary.LittleEndian.PutUint64(to[8:], at.ino)
	to[16] = byte(at.kind)
	binary.LittleEndian.PutUint64(to[24:], at.nlink)
	binary.LittleEndian.PutUint64(to[32:], at.size)
	putTimes(to[40:], at)
	return Success
}

// putFilestat0 writes attributes in the layout of snapshot 0, which has 32 bits for the number of
// links.
func putFilestat0(m memory, pointer uint64, at *attributes) Errno {
	to, ok := m.window(uint32(pointer), 56)
	if !ok {
		return EFAULT
	}
	clear(to)
	binary.LittleEndian.PutUint64(to, at.dev)
	binary.LittleEndian.PutUint64(to[8:], at.ino)
	to[16] = byte(at.kind)
	binary.LittleEndian.PutUint32(to[20:], uint32(min(at.nlink, math.MaxUint32)))
	binary.LittleEndian.PutUint64(to[24:], at.size)
	putTimes(to[32:], at)
	return Success
}

func putTimes(to []byte, at *attributes) {
	binary.LittleEndian.PutUint64(to, uint64(at.atime))
	binary.LittleEndian.PutUint64(to[8:], uint64(at.mtime))
	binary.LittleEndian.PutUint64(to[16:], uint64(at.ctime))
}

// fdFilestatGet: fd, where to write the attributes.
func (s *System) fdFilestatGet(g Guest, a []uint64) Errno {
	at, errno := s.fileAttributes(a[0])
	if errno != Success {
		return errno
	}
	return putFilestat(memoryOf(g), a[1], &at)
}

// fdFilestatGet0 is fdFilestatGet of snapshot 0.
func (s *System) fdFilestatGet0(g Guest, a []uint64) Errno {
	at, errno := s.fileAttributes(a[0])
	if errno != Success {
		return errno
	}
	return putFilestat0(memoryOf(g), a[1], &at)
}

func (s *System) fileAttributes(fd uint64) (attributes, Errno) {
	d, errno := s.file(fd, RightFdFilestatGet)
	if errno != Success {
		return attributes{}, errno
	}
	at, errno := d.object.attributes()
	at.kind = d.object.kind()
	return at, errno
}

// fdFilestatSetSize: fd, size.
func (s *System) fdFilestatSetSize(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdFilestatSetSize)
	if errno != Success {
		return errno
	}
	if int64(a[1]) < 0 {
		return EINVAL
	}
	return d.object.truncate(int64(a[1]))
}

// fdFilestatSetTimes: fd, time of access, time of modification, which to set.
func (s *System) fdFilestatSetTimes(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdFilestatSetTimes)
	if errno != Success {
		return errno
	}
	times, errno := s.times(a[1], a[2], uint32(a[3]))
	if errno != Success {
		return errno
	}
	return d.object.setTimes(times)
}

// times reads which times are to be set. That one is asked for twice, by value and as now, is
// EINVAL.
func (s *System) times(atime, mtime uint64, flags uint32) (timeChange, Errno) {
	const bothAtimes, bothMtimes = setAtime | setAtimeNow, setMtime | setMtimeNow
	var change timeChange
	if flags&^allTimeFlags != 0 || flags&bothAtimes == bothAtimes || flags&bothMtimes == bothMtimes {
		return change, EINVAL
	}
	if flags&(setAtimeNow|setMtimeNow) != 0 {
		nanoseconds, _ := s.clock.now(clockRealtime)
		now := time.Unix(0, nanoseconds)
		system := s.clock.Realtime == nil
		if flags&setAtimeNow != 0 {
			change.access, change.accessNow = &now, system
		}
		if flags&setMtimeNow != 0 {
			change.modification, change.modificationNow = &now, system
		}
	}
	if flags&setAtime != 0 {
		t := time.Unix(int64(atime/1e9), int64(atime%1e9))
		change.access = &t
	}
	if flags&setMtime != 0 {
		t := time.Unix(int64(mtime/1e9), int64(mtime%1e9))
		change.modification = &t
	}
	return change, Success
}

// fdAdvise: fd, offset, length, advice. The advice is checked, and not taken.
func (s *System) fdAdvise(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdAdvise)
	if errno != Success {
		return errno
	}
	const advices = 6 // normal, sequential, random, will need, do not need, no reuse
	if uint32(a[3]) >= advices || int64(a[1]) < 0 || int64(a[2]) < 0 {
		return EINVAL
	}
	if d.object.kind() == TypeDirectory {
		return EBADF
	}
	return Success
}

// fdAllocate: fd, offset, length.
func (s *System) fdAllocate(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdAllocate)
	if errno != Success {
		return errno
	}
	offset, length := int64(a[1]), int64(a[2])
	switch {
	case offset < 0 || length <= 0: // posix_fallocate: a length of 0 is invalid
		return EINVAL
	case offset > math.MaxInt64-length:
		return EFBIG
	}
	return d.object.allocate(offset, length)
}

func (s *System) fdSync(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdSync)
	if errno != Success {
		return errno
	}
	return d.object.sync(false)
}

func (s *System) fdDatasync(_ Guest, a []uint64) Errno {
	d, errno := s.file(a[0], RightFdDatasync)
	if errno != Success {
		return errno
	}
	return d.object.sync(true)
}
