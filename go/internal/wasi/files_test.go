package wasi

import (
	"os"
	"testing"
)

func TestReadWriteSeek(t *testing.T) { onEach(t, testReadWriteSeek) }

func testReadWriteSeek(t *testing.T) {
	g := newGuest(t)
	fd := g.mustOpen("new", openCreate, 0)
	g.check("fd_write", g.write(fd, "0123456789"), Success)
	at := g.room(8)
	g.expect(Success, "fd_tell", fd, at)
	if g.u64(at) != 10 {
		t.Errorf("position %d, expected 10", g.u64(at))
	}
	minus := func(n uint64) uint64 { return -n }
	for _, test := range []struct {
		offset, whence, position uint64
		errno                    Errno
	}{
		{2, whenceSet, 2, Success}, {3, whenceCur, 5, Success}, {minus(1), whenceEnd, 9, Success}, {100, whenceEnd, 110, Success},
		{minus(1), whenceSet, 0, EINVAL}, {minus(1000), whenceCur, 0, EINVAL}, {0, 3, 0, EINVAL}, {4, whenceSet, 4, Success},
	} {
		at := g.room(8)
		g.expect(test.errno, "fd_seek", fd, test.offset, test.whence, at)
		if g.u64(at) != test.position {
			t.Errorf("seek %d from %d: position %d, expected %d", int64(test.offset), test.whence, g.u64(at), test.position)
		}
	}
	if text, errno := g.read(fd, 3); text != "456" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
	list, count := g.vectors(make([]byte, 2), nil, make([]byte, 30))
	result := g.room(4)
	g.expect(Success, "fd_pread", fd, list, count, 6, result)
	if g.u32(result) != 4 {
		t.Errorf("fd_pread read %d bytes, expected 4", g.u32(result))
	}
	g.expect(Success, "fd_pread", fd, list, count, 11, result)
	if g.u32(result) != 0 {
		t.Errorf("fd_pread beyond the end read %d bytes", g.u32(result))
	}
	g.expect(EINVAL, "fd_pread", fd, list, count, minus(1), result)
	list, count = g.vectors([]byte("ab"), []byte("cd"))
	g.expect(Success, "fd_pwrite", fd, list, count, 12, result)
	g.expect(EINVAL, "fd_pwrite", fd, list, count, 1<<63, result)
	g.expect(Success, "fd_tell", fd, at)
	if text := g.contents("new"); text != "0123456789\x00\x00abcd" || g.u64(at) != 7 {
		t.Errorf("the file is %q at %d", text, g.u64(at))
	}
	g.expect(Success, "fd_close", fd)
	g.expect(EBADF, "fd_close", fd)
}

// TestAppend: writes go to the end wherever the position is, until the flag is taken away; seeking
// and reading are as usual.
func TestAppend(t *testing.T) { onEach(t, testAppend) }

func testAppend(t *testing.T) {
	g := newGuest(t)
	fd := g.mustOpen("file", 0, flagAppend)
	g.check("fd_write", g.write(fd, "1"), Success)
	g.expect(Success, "fd_seek", fd, 0, whenceSet, g.room(8))
	g.check("fd_write", g.write(fd, "2"), Success)
	at := g.room(8)
	g.expect(Success, "fd_tell", fd, at)
	if text := g.contents("file"); text != "hello12" || g.u64(at) != 7 {
		t.Errorf("the file is %q, the position %d", text, g.u64(at))
	}
	list, count := g.vectors([]byte("3"))
	g.expect(Success, "fd_pwrite", fd, list, count, 0, g.room(4))
	g.expect(Success, "fd_fdstat_set_flags", fd, 0)
	g.expect(Success, "fd_seek", fd, 0, whenceSet, g.room(8))
	g.check("fd_write", g.write(fd, "H"), Success)
	if text := g.contents("file"); text != "Hello123" {
		t.Errorf("the file is %q", text)
	}
	g.expect(Success, "fd_fdstat_set_flags", fd, uint64(flagAppend|flagNonblock))
	g.expect(EINVAL, "fd_fdstat_set_flags", fd, 1<<7)
	g.expect(ENOTSUP, "fd_fdstat_set_flags", fd, uint64(flagSync))
	stat := g.room(24)
	g.expect(Success, "fd_fdstat_get", fd, stat)
	if kind, flags := FileType(g.memory[stat]), g.memory[stat+2]; kind != TypeRegularFile || flags != byte(flagAppend|flagNonblock) {
		t.Errorf("type %d, flags %d", kind, flags)
	}
}

func TestSizes(t *testing.T) { onEach(t, testSizes) }

func testSizes(t *testing.T) {
	g := newGuest(t)
	fd := g.mustOpen("file", 0, 0)
	size := func(expected uint64) {
		t.Helper()
		at := g.room(64)
		g.expect(Success, "fd_filestat_get", fd, at)
		if got := g.filestat(at); got.size != expected || got.kind != TypeRegularFile || got.nlink != 1 || got.ino == 0 {
			t.Errorf("attributes %+v, expected size %d", got, expected)
		}
	}
	size(5)
	g.expect(Success, "fd_filestat_set_size", fd, 100)
	size(100)
	g.expect(Success, "fd_allocate", fd, 10, 10)
	size(100)
	g.expect(Success, "fd_allocate", fd, 90, 20)
	size(110)
	g.expect(EINVAL, "fd_allocate", fd, 0, 0)
	g.expect(EINVAL, "fd_allocate", fd, 1<<63, 1)
	g.expect(EFBIG, "fd_allocate", fd, 1<<62, 1<<62)
	g.expect(EINVAL, "fd_filestat_set_size", fd, 1<<63)
	g.expect(Success, "fd_filestat_set_size", fd, 0)
	size(0)
	g.expect(Success, "fd_advise", fd, 0, 10, 5)
	g.expect(EINVAL, "fd_advise", fd, 0, 10, 6)
	g.expect(EINVAL, "fd_advise", fd, 1<<63, 10, 0)
	g.expect(Success, "fd_sync", fd)
	g.expect(Success, "fd_datasync", fd)
}

func TestTimes(t *testing.T) { onEach(t, testTimes) }

func testTimes(t *testing.T) {
	g := newGuest(t)
	fd := g.mustOpen("file", 0, 0)
	before, _ := g.stat("file", 0)
	g.expect(Success, "fd_filestat_set_times", fd, 111, 1_000_000_222, uint64(setMtime))
	if now, _ := g.stat("file", 0); now.mtime != 1_000_000_222 || now.atime != before.atime {
		t.Errorf("times %d and %d", now.atime, now.mtime)
	}
	g.expect(Success, "fd_filestat_set_times", fd, 111, 0, uint64(setAtime|setMtimeNow))
	if now, _ := g.stat("file", 0); now.atime != 111 || now.mtime < before.mtime {
		t.Errorf("times %d and %d", now.atime, now.mtime)
	}
	for _, flags := range []uint32{setAtime | setAtimeNow, setMtime | setMtimeNow, 16} {
		p, n := g.text("file")
		g.expect(EINVAL, "fd_filestat_set_times", fd, 1, 1, uint64(flags))
		g.expect(EINVAL, "path_filestat_set_times", fdDir, 0, p, n, 1, 1, uint64(flags))
	}
	set := func(p string, follow uint64) Errno {
		pointer, length := g.text(p)
		return g.call("path_filestat_set_times", fdDir, follow, pointer, length, 5, 7, uint64(setAtime|setMtime))
	}
	g.check("times of a link", set("link", 0), Success)
	link, _ := g.stat("link", 0)
	file, _ := g.stat("link", 1)
	if link.mtime != 7 || link.kind != TypeSymbolicLink || file.mtime == 7 {
		t.Errorf("link %+v, file %+v", link, file)
	}
	g.check("times of a target", set("link", 1), Success)
	if file, _ = g.stat("file", 0); file.mtime != 7 || file.atime != 5 {
		t.Errorf("file %+v", file)
	}
	g.check("times of a directory", set("dir/", 0), Success)
	g.check("times of the root", set(".", 0), Success)
	g.check("times of a file as a directory", set("file/", 0), ENOTDIR)
	g.check("times of nothing", set("absent", 0), ENOENT)
}

func TestOpen(t *testing.T) { onEach(t, testOpen) }

func testOpen(t *testing.T) {
	read, both := RightFdRead, RightFdRead|RightFdWrite
	tests := []struct {
		path   string
		follow bool
		oflags uint32
		rights Rights
		errno  Errno
	}{
		{"file", false, 0, read, Success},
		{"file", false, 0, 0, Success},
		{"./dir//../file", false, 0, read, Success},
		{"absent", false, 0, read, ENOENT},
		{"absent/file", false, openCreate, read, ENOENT},
		{"file/inner", false, 0, read, ENOTDIR},
		{"file", false, openDirectory, read, ENOTDIR},
		{"file/", false, 0, read, ENOTDIR},
		{"file///", true, 0, read, ENOTDIR},
		{"dir", false, 0, read, Success},
		{"dir/", false, 0, read, Success},
		{"dir///", false, openDirectory, 0, Success},
		{".", false, openDirectory, read, Success},
		{"dir", false, openDirectory, both, EISDIR},
		{"dir", false, 0, both, EISDIR},
		{"dir", false, openTruncate, 0, EISDIR},
		{"dir", false, openCreate, 0, EISDIR},
		{"file", false, openDirectory | openTruncate, 0, ENOTDIR},
		{"new", false, openDirectory | openCreate, 0, EINVAL},
		{"new/", false, openCreate, both, EISDIR},
		{"new1", false, openCreate, 0, Success},
		{"new2", false, openCreate | openExclusive, both, Success},
		{"file", false, openCreate, read, Success},
		{"file", false, openCreate | openExclusive, read, EEXIST},
		{"link", false, openCreate | openExclusive, read, EEXIST},
		{"link", true, openCreate | openExclusive, read, EEXIST},
		{"link", false, 0, read, ELOOP},
		{"link", true, 0, both, Success},
		{"dirlink", false, openDirectory, 0, ENOTDIR},
		{"dirlink", true, openDirectory, 0, Success},
		{"dirlink/", false, 0, 0, Success},
		{"dirlink/inner", false, 0, 0, Success},
		{"link/", false, 0, 0, ENOTDIR},
		{"", false, 0, 0, ENOENT},
		{"a\x00b", false, 0, 0, EINVAL},
		{"\xff", false, 0, 0, EILSEQ},
		{string(make([]byte, 5000)), false, 0, 0, ENAMETOOLONG},
		{"file", false, 1 << 5, 0, EINVAL},
	}
	for _, test := range tests {
		g := newGuest(t)
		_, errno := g.open(fdDir, test.path, test.follow, test.oflags, test.rights, 0)
		if errno != test.errno {
			t.Errorf("path_open of %.20q (follow %v, flags %d, rights %d) returned %d, expected %d",
				test.path, test.follow, test.oflags, test.rights, errno, test.errno)
		}
	}
}

func TestTruncateByOpening(t *testing.T) { onEach(t, testTruncateByOpening) }

func testTruncateByOpening(t *testing.T) {
	g := newGuest(t)
	if _, errno := g.open(fdDir, "file", false, openTruncate, 0, 0); errno != Success || g.contents("file") != "" {
		t.Errorf("path_open returned %d, the file is %q", errno, g.contents("file"))
	}
	g.expect(Success, "fd_fdstat_set_rights", fdDir, uint64(directoryRights&^RightPathFilestatSetSize), uint64(allRights))
	if _, errno := g.open(fdDir, "file", false, openTruncate, 0, 0); errno != ENOTCAPABLE {
		t.Errorf("path_open without the right returned %d", errno)
	}
}

// TestRights takes the rights of descriptors away, after which functions are refused, and cannot be
// given back.
func TestRights(t *testing.T) { onEach(t, testRights) }

func testRights(t *testing.T) {
	g, file, listener, conn := newExampleGuest(t)
	for _, fd := range []uint64{fdDir, file, listener, conn} {
		g.expect(Success, "fd_fdstat_set_rights", fd, 0, 0)
		g.expect(ENOTCAPABLE, "fd_fdstat_set_rights", fd, 1, 0)
		g.expect(ENOTCAPABLE, "fd_fdstat_set_rights", fd, 0, 1)
	}
	free := map[string]bool{"fd_fdstat_get": true, "fd_fdstat_set_rights": true, "fd_prestat_get": true, "fd_prestat_dir_name": true, "fd_renumber": true, "fd_close": true}
	for _, e := range examples(file, listener, conn) {
		takes := false
		for _, kind := range e.kinds {
			takes = takes || kind == 'f' || kind == 'd' || kind == 's'
		}
		if takes && !free[e.name] {
			g.expect(ENOTCAPABLE, e.name, e.args(g)...)
		}
	}
}

func TestRightsAreHandedOn(t *testing.T) { onEach(t, testRightsAreHandedOn) }

func testRightsAreHandedOn(t *testing.T) {
	g := newGuest(t)
	g.expect(Success, "fd_fdstat_set_rights", fdDir, uint64(directoryRights), uint64(RightFdRead|RightPathOpen))
	p, n := g.text("file")
	open := func(base, inheriting Rights) Errno {
		return g.call("path_open", fdDir, 0, p, n, 0, uint64(base), uint64(inheriting), 0, g.room(4))
	}
	g.check("fewer rights", open(RightFdRead, 0), Success)
	g.check("more rights", open(RightFdRead|RightFdWrite, 0), ENOTCAPABLE)
	g.check("more inheriting rights", open(RightFdRead, RightFdWrite), ENOTCAPABLE)

	// What a descriptor was opened for, it can be used for.
	g = newGuest(t)
	reader, _ := g.open(fdDir, "file", false, 0, RightFdRead, 0)
	g.check("writing to a reader", g.write(reader, "x"), ENOTCAPABLE)
	writer, _ := g.open(fdDir, "file", false, 0, RightFdWrite, 0)
	_, errno := g.read(writer, 1)
	g.check("reading from a writer", errno, ENOTCAPABLE)
	stat := g.room(24)
	g.expect(Success, "fd_fdstat_get", reader, stat)
	if Rights(g.u64(stat+8)) != RightFdRead {
		t.Errorf("rights %x", g.u64(stat+8))
	}
}

// TestDirectoryDescriptors: what works on files only says so.
func TestDirectoryDescriptors(t *testing.T) { onEach(t, testDirectoryDescriptors) }

func testDirectoryDescriptors(t *testing.T) {
	g := newGuest(t)
	for _, fd := range []uint64{fdDir, fdReadOnly, fdMap} {
		_, errno := g.read(fd, 1)
		g.check("fd_read", errno, EISDIR)
		g.check("fd_write", g.write(fd, "x"), EISDIR)
		list, count := g.vectors([]byte("x"))
		g.expect(EISDIR, "fd_pread", fd, list, count, 0, g.room(4))
		g.expect(EISDIR, "fd_pwrite", fd, list, count, 0, g.room(4))
		g.expect(EBADF, "fd_seek", fd, 0, whenceSet, g.room(8))
		g.expect(EBADF, "fd_tell", fd, g.room(8))
		g.expect(EISDIR, "fd_allocate", fd, 0, 1)
		g.expect(EISDIR, "fd_filestat_set_size", fd, 0)
		at := g.room(64)
		g.expect(Success, "fd_filestat_get", fd, at)
		if got := g.filestat(at); got.kind != TypeDirectory || got.ino == 0 {
			t.Errorf("attributes %+v", got)
		}
	}
	g.expect(Success, "fd_sync", fdDir)
}

func TestRenumber(t *testing.T) { onEach(t, testRenumber) }

func testRenumber(t *testing.T) {
	g := newGuest(t)
	first, second := g.mustOpen("file", 0, 0), g.mustOpen("dir/inner", 0, 0)
	g.expect(Success, "fd_renumber", first, second)
	g.expect(EBADF, "fd_close", first)
	if text, _ := g.read(second, 10); text != "hello" {
		t.Errorf("read %q", text)
	}
	g.expect(EBADF, "fd_renumber", second, first)
	g.expect(Success, "fd_renumber", second, second)
	for from := range uint64(3) { // standard streams can be moved
		to := g.mustOpen("file", 0, 0)
		g.expect(Success, "fd_renumber", from, to)
		g.expect(EBADF, "fd_fdstat_get", from, g.room(24))
		g.expect(Success, "fd_fdstat_get", to, g.room(24))
	}
	dir := g.mustOpen("dir", openDirectory, 0)
	g.expect(Success, "fd_renumber", dir, fdDir)
	g.expect(EBADF, "fd_prestat_get", fdDir, g.room(8))
	if again, errno := g.open(fdDir, "inner", false, 0, RightFdRead, 0); errno != Success || again != 2 {
		t.Errorf("opened %d (%d), expected the lowest free descriptor", again, errno)
	}
}

func TestPreopens(t *testing.T) { onEach(t, testPreopens) }

func testPreopens(t *testing.T) {
	g := newGuest(t)
	for i, name := range []string{"/", "/ro", "/map"} {
		fd := uint64(fdDir + i)
		at := g.room(8)
		g.expect(Success, "fd_prestat_get", fd, at)
		if g.u32(at) != 0 || int(g.u32(at+4)) != len(name) {
			t.Errorf("prestat of %d: %d, %d", fd, g.u32(at), g.u32(at+4))
		}
		buffer := g.room(16)
		g.expect(ENAMETOOLONG, "fd_prestat_dir_name", fd, buffer, uint64(len(name))-1)
		g.expect(Success, "fd_prestat_dir_name", fd, buffer, 16)
		if text := string(g.memory[buffer : buffer+uint64(len(name))]); text != name {
			t.Errorf("name of %d: %q", fd, text)
		}
	}
	g.expect(EBADF, "fd_prestat_get", fdMap+1, g.room(8)) // ends wasi-libc's search
	g.expect(EBADF, "fd_prestat_get", 0, g.room(8))
	g.expect(Success, "fd_close", fdDir)
	g.expect(EBADF, "fd_prestat_get", fdDir, g.room(8))
}

// TestManyDescriptors opens descriptors up to the limit and again after closing one.
func TestManyDescriptors(t *testing.T) {
	table := descriptors{limit: 5000}
	for i := range table.limit {
		if fd, errno := table.add(newDescriptor(&output{}, 0, 0, 0)); errno != Success || int(fd) != i {
			t.Fatalf("descriptor %d: %d, %d", i, fd, errno)
		}
	}
	if _, errno := table.add(newDescriptor(&output{}, 0, 0, 0)); errno != EMFILE {
		t.Errorf("one too many: %d", errno)
	}
	table.remove(777)
	if fd, errno := table.add(newDescriptor(&output{}, 0, 0, 0)); errno != Success || fd != 777 {
		t.Errorf("after removing: %d, %d", fd, errno)
	}
}

// TestReadOnly: nothing changes a read-only directory of the host, or a file opened through it.
func TestReadOnly(t *testing.T) { onEach(t, testReadOnly) }

func testReadOnly(t *testing.T) {
	g := newGuest(t)
	open := func(p string, oflags uint32, rights Rights) Errno {
		_, errno := g.open(fdReadOnly, p, true, oflags, rights, 0)
		return errno
	}
	g.check("open to read", open("file", 0, RightFdRead), Success)
	g.check("open to write", open("file", 0, RightFdWrite), EROFS)
	g.check("open to truncate", open("file", openTruncate, RightFdRead), EROFS)
	g.check("open to truncate through a link", open("link", openTruncate, RightFdRead), EROFS)
	g.check("open to create what is there", open("file", openCreate, RightFdRead), Success)
	g.check("open to create", open("new", openCreate, RightFdRead), EROFS)
	g.check("open to create exclusively", open("file", openCreate|openExclusive, RightFdRead), EEXIST)
	g.check("open in a directory", open("dir/new", openCreate, RightFdWrite), EROFS)
	g.check("mkdir", g.path("path_create_directory", fdReadOnly, "new"), EROFS)
	g.check("mkdir there", g.path("path_create_directory", fdReadOnly, "dir"), EEXIST)
	g.check("unlink", g.path("path_unlink_file", fdReadOnly, "file"), EROFS)
	g.check("rmdir", g.path("path_remove_directory", fdReadOnly, "dir"), EROFS)
	p, n := g.text("file")
	q, m := g.text("new")
	for _, to := range []uint64{fdReadOnly, fdDir, fdMap} {
		errno := EROFS
		if to == fdMap {
			errno = EXDEV
		}
		g.expect(errno, "path_rename", fdReadOnly, p, n, to, q, m)
		if to == fdDir {
			errno = EXDEV
		}
		g.expect(errno, "path_link", fdReadOnly, 0, p, n, to, q, m)
	}
	g.expect(EROFS, "path_rename", fdDir, p, n, fdReadOnly, q, m)
	g.expect(EXDEV, "path_link", fdDir, 0, p, n, fdReadOnly, q, m)
	g.expect(EROFS, "path_symlink", p, n, fdReadOnly, q, m)
	g.expect(EROFS, "path_filestat_set_times", fdReadOnly, 0, p, n, 1, 1, uint64(setMtime))
	g.expect(EROFS, "fd_filestat_set_times", fdReadOnly, 1, 1, uint64(setMtime))
	file, _ := g.open(fdReadOnly, "file", false, 0, allRights&^(RightFdWrite|RightFdAllocate), 0)
	g.expect(EROFS, "fd_filestat_set_size", file, 0)
	g.expect(EROFS, "fd_filestat_set_times", file, 1, 1, uint64(setMtime))
	g.check("fd_write", g.write(file, "x"), ENOTCAPABLE)
	dir, errno := g.open(fdReadOnly, "dir", false, openDirectory, directoryRights, 0)
	g.check("open a directory", errno, Success)
	g.check("mkdir in it", g.path("path_create_directory", dir, "new"), EROFS)
	if text := g.contents("file"); text != "hello" {
		t.Errorf("the file is %q", text)
	}
	if _, errno := g.stat("new", 0); errno != ENOENT {
		t.Errorf("something new is there: %d", errno)
	}
}

// TestMaxFiles: a guest opens as many files as it may, and another one when it has closed one.
func TestMaxFiles(t *testing.T) {
	if _, err := New(Config{MaxFiles: -1}); err == nil {
		t.Error("a negative number of files is no error")
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	system, err := New(Config{Mounts: []Mount{{Guest: "/", Root: root}}, MaxFiles: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	add := func() (uint32, Errno) { return system.descriptors.add(newDescriptor(&output{}, 0, 0, 0)) }
	for _, want := range []uint32{4, 5} {
		if fd, errno := add(); fd != want || errno != Success {
			t.Errorf("descriptor %d, error %d, expected %d", fd, errno, want)
		}
	}
	if _, errno := add(); errno != EMFILE {
		t.Errorf("one too many: error %d, expected EMFILE", errno)
	}
	system.descriptors.remove(4)
	if fd, errno := add(); fd != 4 || errno != Success {
		t.Errorf("after closing one: %d, error %d", fd, errno)
	}
}
