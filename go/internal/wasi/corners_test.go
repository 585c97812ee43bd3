package wasi

import (
	"math"
	"testing"
)

// Corners that programs rarely get to, where runtimes have been seen to differ. What is expected is
// POSIX's, or that of the specification.

// TestDirectoryWithoutRights: a right that is lacking is ENOTCAPABLE, not an error of the
// descriptor.
func TestDirectoryWithoutRights(t *testing.T) { onEach(t, testDirectoryWithoutRights) }

func testDirectoryWithoutRights(t *testing.T) {
	g := newGuest(t)
	fd, errno := g.open(fdDir, "dir", true, openDirectory, 0, 0)
	g.check("path_open", errno, Success)
	g.expect(ENOTCAPABLE, "fd_filestat_get", fd, g.room(64))
	g.expect(ENOTCAPABLE, "fd_filestat_set_times", fd, 0, 0, 0)
	g.expect(ENOTCAPABLE, "fd_sync", fd)
	g.expect(ENOTCAPABLE, "fd_datasync", fd)
	g.expect(ENOTCAPABLE, "fd_fdstat_set_flags", fd, 0)
	g.expect(ENOTCAPABLE, "fd_readdir", fd, g.room(100), 100, 0, g.room(4))
	_, errno = g.read(fd, 1)
	g.check("fd_read", errno, EISDIR)
	g.check("fd_write", g.write(fd, "x"), EISDIR)
}

// TestSyncOfDirectory: both ways.
func TestSyncOfDirectory(t *testing.T) { onEach(t, testSyncOfDirectory) }

func testSyncOfDirectory(t *testing.T) {
	g := newGuest(t)
	for _, fd := range []uint64{fdDir, fdReadOnly, fdMap} {
		g.expect(Success, "fd_sync", fd)
		g.expect(Success, "fd_datasync", fd)
	}
}

// TestRemovedDirectory: an open directory that was removed has nothing left in it.
func TestRemovedDirectory(t *testing.T) { onEach(t, testRemovedDirectory) }

func testRemovedDirectory(t *testing.T) {
	g := newGuest(t)
	g.putDirectory("gone")
	fd := g.mustOpen("gone", openDirectory, 0)
	g.check("path_remove_directory", g.path("path_remove_directory", fdDir, "gone"), Success)
	if names, _, _ := g.readdir(fd, 1000, 0); len(names) > 2 {
		t.Errorf("entries %q", names)
	}
	_, errno := g.open(fd, "new", true, openCreate, RightFdWrite, 0)
	g.check("path_open", errno, ENOENT)
}

// TestFarTimes: times are numbers without a sign, up to the year 2554; what cannot be held is 0.
func TestFarTimes(t *testing.T) { onEach(t, testFarTimes) }

func testFarTimes(t *testing.T) {
	g := newGuest(t)
	for _, path := range []string{"file", "link"} {
		setFarTimes(t, g, path)
	}
}

func setFarTimes(t *testing.T, g *guest, path string) {
	t.Helper()
	p, n := g.text(path)
	for _, time := range []uint64{0, 1, 1_700_000_000_123_456_789, math.MaxInt64, math.MaxInt64 + 1, 11_644_473_600_000_000_000} {
		g.expect(Success, "path_filestat_set_times", fdDir, uint64(lookupFollow), p, n, time, time, uint64(setAtime|setMtime))
		at, errno := g.stat("file", 1)
		g.check("path_filestat_get", errno, Success)
		if at.atime != at.mtime || at.mtime != time && at.mtime != 0 && !coarse(at.mtime, time) {
			t.Errorf("times %d and %d, expected %d", at.atime, at.mtime, time)
		}
	}
}

// coarse reports whether a file system keeps a time as another: cut to what it can hold, or to
// seconds.
func coarse(kept, set uint64) bool {
	const latest = 15_032_385_535_999_999_999 // of ext4
	return kept/1e9 == set/1e9 || kept < set && set > latest || kept < 1<<34*1e9 && set > math.MaxInt64
}

// TestDotsBehindFiles: what stands before "." has to be a directory.
func TestDotsBehindFiles(t *testing.T) { onEach(t, testDotsBehindFiles) }

func testDotsBehindFiles(t *testing.T) {
	g := newGuest(t)
	for _, fd := range []uint64{fdDir, fdReadOnly, fdMap} {
		for path, errno := range map[string]Errno{"file/.": ENOTDIR, "absent/.": ENOENT, "file/./x": ENOTDIR, "dir/.": EISDIR} {
			if errno == EISDIR && fd != fdDir {
				errno = EROFS
				if fd == fdReadOnly {
					errno = EISDIR
				}
			}
			g.check("path_unlink_file "+path, g.path("path_unlink_file", fd, path), errno)
		}
		for path, errno := range map[string]Errno{"file/.": ENOTDIR, "absent/.": ENOENT} {
			g.check("path_remove_directory "+path, g.path("path_remove_directory", fd, path), errno)
			_, opened := g.open(fd, path, true, 0, 0, 0)
			g.check("path_open "+path, opened, errno)
		}
		_, errno := g.open(fd, "dir/./inner", true, 0, RightFdRead, 0)
		g.check("path_open dir/./inner", errno, Success)
		_, errno = g.open(fd, "./dir/.", true, 0, 0, 0)
		g.check("path_open ./dir/.", errno, Success)
	}
	if text := g.contents("file"); text != "hello" {
		t.Errorf("the file is %q", text)
	}
}

// TestErrorsOfLinks: which of several reasons is told.
func TestErrorsOfLinks(t *testing.T) { onEach(t, testErrorsOfLinks) }

func testErrorsOfLinks(t *testing.T) {
	g := newGuest(t)
	g.putLink("nowhere", "dangling")
	g.putLink("loop", "loop")
	buffer, used := g.room(10), g.room(4)
	for path, errno := range map[string]Errno{
		"link": Success, "dangling": Success, "file": EINVAL, "dir": EINVAL, "file/": ENOTDIR, "link/": ENOTDIR, "dirlink/": EINVAL, "dangling/": ENOENT, "loop/": ELOOP,
	} {
		p, n := g.text(path)
		if got := g.call("path_readlink", fdDir, p, n, buffer, 10, used); got != errno {
			t.Errorf("path_readlink of %s returned %d, expected %d", path, got, errno)
		}
	}
	two := func(name, from, to string) Errno {
		p, n := g.text(from)
		q, m := g.text(to)
		switch name {
		case "path_symlink":
			return g.call(name, p, n, fdDir, q, m)
		case "path_link":
			return g.call(name, fdDir, 0, p, n, fdDir, q, m)
		}
		return g.call(name, fdDir, p, n, fdDir, q, m)
	}
	for _, test := range []struct {
		name, from, to string
		errno          Errno
	}{
		{"path_symlink", "x", "dirlink/", EEXIST}, {"path_symlink", "x", "link/", ENOTDIR}, {"path_symlink", "x", "absent/", ENOENT},
		{"path_link", "file", "dirlink/", EEXIST}, {"path_link", "absent", "link", ENOENT}, {"path_link", "dirlink/", "new", EPERM},
		{"path_link", "dir", "new", EPERM}, {"path_link", "file/", "new", ENOTDIR}, {"path_link", "file", "dir/..", EEXIST},
		{"path_rename", "file", "absent/x/.", ENOENT}, {"path_rename", "file", "dir/.", EBUSY}, {"path_rename", "file", "dir/..", EBUSY},
		{"path_rename", "dir/.", "new", EBUSY}, {"path_rename", "absent/x", "new", ENOENT}, {"path_rename", "file/x", "new", ENOTDIR},
		{"path_rename", "file", "file/x", ENOTDIR}, {"path_rename", "dir", "../x", EPERM}, {"path_rename", "..", "new", EBUSY},
	} {
		if got := two(test.name, test.from, test.to); got != test.errno {
			t.Errorf("%s of %s and %s returned %d, expected %d", test.name, test.from, test.to, got, test.errno)
		}
	}
	if _, errno := g.stat("new", 0); errno != ENOENT {
		t.Error("something was made")
	}
}
