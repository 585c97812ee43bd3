package wasi

// pathOpen: fd, flags of the lookup, path, flags, rights, inheriting rights, flags of the
// descriptor, where to write its number.
//
// What the file is opened for follows from the rights, as wasi-libc intends: to read with fd_read
// or fd_readdir, to write with fd_write or fd_allocate. More rights than the directory hands on are
// ENOTCAPABLE; of the others, the descriptor gets those that mean something for what was found.
func (s *System) pathOpen(g Guest, a []uint64) Errno {
	oflags, fdflags := uint32(a[4]), uint32(a[7])
	base, inheriting := Rights(a[5]), Rights(a[6])
	d, dir, errno := s.directory(a[0], RightPathOpen)
	if errno != Success {
		return errno
	}
	m := memoryOf(g)
	p, errno := parsePath(m, a[2], a[3])
	if errno != Success {
		return errno
	}
	if _, ok := m.window(uint32(a[8]), 4); !ok {
		return EFAULT
	}
	how := openMode{
		follow:    follows(a[1], p),
		create:    oflags&openCreate != 0,
		exclusive: oflags&openExclusive != 0,
		truncate:  oflags&openTruncate != 0,
		directory: oflags&openDirectory != 0 || p.slash,
		read:      base&(RightFdRead|RightFdReaddir) != 0,
		write:     base&(RightFdWrite|RightFdAllocate) != 0,
		flags:     fdflags,
	}
	switch {
	case oflags&^allOpenFlags != 0 || fdflags&^allFdFlags != 0:
		return EINVAL
	case how.create && !d.has(RightPathCreateFile):
		return ENOTCAPABLE
	case how.truncate && !how.write && !d.has(RightPathFilestatSetSize):
		// Go opens directories without this right, and truncates what it opens through them for
		// writing, which it may write anyway.
		return ENOTCAPABLE
	case (base|inheriting)&^Rights(d.inheriting.Load())&allRights != 0:
		return ENOTCAPABLE
	case how.create && oflags&openDirectory != 0:
		return EINVAL // a directory is not made by opening it
	case how.create && p.slash: // as by open(2), once it has found the directory that the name would be in
		parent, _, _ := p.split()
		return refuseDirectory(dir, path{name: parent}, true)
	case how.directory && (how.truncate || how.write):
		return refuseDirectory(dir, p, how.follow)
	}
	o, errno := dir.open(p, how)
	if errno != Success {
		return errno
	}
	switch o.kind() {
	case TypeDirectory:
		base &= directoryRights
		fdflags = 0
	case TypeRegularFile:
		base, inheriting = base&fileRights, inheriting&fileRights
	default:
		rights := streamRights
		if isDevice(o) {
			rights |= RightFdSeek | RightFdTell
		}
		base, inheriting = base&rights, 0
	}
	fd, errno := s.descriptors.add(newDescriptor(o, base&allRights, inheriting&allRights, fdflags))
	if errno != Success {
		o.close()
		return errno
	}
	memoryOf(g).putUint32(a[8], fd)
	return Success
}

// refuseDirectory is EISDIR for a path that leads to a directory, and what is wrong with any other.
func refuseDirectory(dir directory, p path, follow bool) Errno {
	if errno := mustBeDirectory(dir, p, follow); errno != Success {
		return errno
	}
	return EISDIR
}
