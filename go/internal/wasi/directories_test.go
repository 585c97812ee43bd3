package wasi

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

func TestDirectories(t *testing.T) { onEach(t, testDirectories) }

func testDirectories(t *testing.T) {
	g := newGuest(t)
	g.check("mkdir", g.path("path_create_directory", fdDir, "made"), Success)
	g.check("mkdir with a slash", g.path("path_create_directory", fdDir, "made/sub/"), Success)
	g.check("mkdir again", g.path("path_create_directory", fdDir, "made"), EEXIST)
	g.check("mkdir over a file", g.path("path_create_directory", fdDir, "file"), EEXIST)
	g.check("mkdir of the root", g.path("path_create_directory", fdDir, "."), EEXIST)
	g.check("rmdir, not empty", g.path("path_remove_directory", fdDir, "made"), ENOTEMPTY)
	g.check("rmdir with a slash", g.path("path_remove_directory", fdDir, "made/sub/"), Success)
	g.check("rmdir", g.path("path_remove_directory", fdDir, "made"), Success)
	g.check("rmdir of nothing", g.path("path_remove_directory", fdDir, "made"), ENOENT)
	g.check("rmdir of a file", g.path("path_remove_directory", fdDir, "file"), ENOTDIR)
	g.check("rmdir of a file with a slash", g.path("path_remove_directory", fdDir, "file/"), ENOTDIR)
	g.check("rmdir of a link", g.path("path_remove_directory", fdDir, "dirlink"), ENOTDIR)
	g.check("rmdir of a link with a slash", g.path("path_remove_directory", fdDir, "dirlink/"), ENOTDIR)
	g.check("rmdir of .", g.path("path_remove_directory", fdDir, "dir/."), EINVAL)
	g.check("unlink of a directory", g.path("path_unlink_file", fdDir, "dir"), EISDIR)
	g.check("unlink of a directory with a slash", g.path("path_unlink_file", fdDir, "dir/"), EISDIR)
	g.check("unlink of a file with a slash", g.path("path_unlink_file", fdDir, "file/"), ENOTDIR)
	g.check("unlink of ..", g.path("path_unlink_file", fdDir, "dir/.."), EISDIR)
	g.check("unlink of a link", g.path("path_unlink_file", fdDir, "link"), Success)
	g.check("unlink", g.path("path_unlink_file", fdDir, "file"), Success)
	g.check("unlink again", g.path("path_unlink_file", fdDir, "file"), ENOENT)
}

func (g *guest) rename(from, to string) Errno {
	p, n := g.text(from)
	q, m := g.text(to)
	return g.call("path_rename", fdDir, p, n, fdDir, q, m)
}

func TestRename(t *testing.T) { onEach(t, testRename) }

func testRename(t *testing.T) {
	tests := []struct {
		from, to string
		errno    Errno
	}{
		{"file", "moved", Success}, {"file", "dir/inner", Success}, {"file", "file", Success},
		{"file", "empty", EISDIR}, {"file", "dir", EISDIR}, {"file", "moved/", ENOTDIR}, {"file/", "moved", ENOTDIR},
		{"dir", "moved", Success}, {"dir/", "moved", Success}, {"dir", "moved/", Success}, {"dir/", "moved/", Success},
		{"dir", "empty", Success}, {"dir", "empty/", Success}, {"empty", "dir", ENOTEMPTY}, {"dir", "file", ENOTDIR}, {"dir", "file/", ENOTDIR},
		{"dir", "dir/sub", EINVAL}, {"absent", "moved", ENOENT}, {"file", "absent/x", ENOENT}, {"file", "link/x", ENOTDIR},
		{"link", "moved", Success}, {"file", "link", Success}, {".", "moved", EBUSY}, {"dir/..", "moved", EBUSY}, {"dir", "empty/..", EBUSY},
	}
	for _, test := range tests {
		g := newGuest(t)
		g.putDirectory("empty")
		if errno := g.rename(test.from, test.to); errno != test.errno {
			t.Errorf("rename %q to %q returned %d, expected %d", test.from, test.to, errno, test.errno)
		}
	}
}

func TestLinks(t *testing.T) { onEach(t, testLinks) }

func testLinks(t *testing.T) {
	g := newGuest(t)
	link := func(from, to string) Errno {
		p, n := g.text(from)
		q, m := g.text(to)
		return g.call("path_link", fdDir, 0, p, n, fdDir, q, m)
	}
	g.check("link", link("file", "hard"), Success)
	a, _ := g.stat("file", 0)
	b, _ := g.stat("hard", 0)
	if a != b || a.nlink != 2 {
		t.Errorf("%+v and %+v", a, b)
	}
	g.check("link over a file", link("file", "hard"), EEXIST)
	g.check("link to itself", link("file", "file"), EEXIST)
	g.check("link over a directory", link("file", "dir"), EEXIST)
	g.check("link of a directory", link("dir", "hard2"), EPERM)
	g.check("link with a slash", link("file", "hard2/"), ENOENT)
	g.check("link from a slash", link("file/", "hard2"), ENOTDIR)
	g.check("link of nothing", link("absent", "hard2"), ENOENT)
	g.check("link over a link", link("file", "link"), EEXIST)
	g.check("link of a link", link("link", "hardlink"), Success)
	if at, _ := g.stat("hardlink", 0); at.kind != TypeSymbolicLink {
		t.Errorf("a hard link of a link is %d", at.kind)
	}
	p, n := g.text("link")
	q, m := g.text("followed")
	g.expect(EINVAL, "path_link", fdDir, 1, p, n, fdDir, q, m)
}

func TestSymlinks(t *testing.T) { onEach(t, testSymlinks) }

func testSymlinks(t *testing.T) {
	g := newGuest(t)
	symlink := func(target, p string) Errno {
		a, b := g.text(target)
		c, d := g.text(p)
		return g.call("path_symlink", a, b, fdDir, c, d)
	}
	g.check("symlink", symlink("dir/inner", "soft"), Success)
	g.check("symlink, dangling", symlink("nowhere/", "dangling"), Success)
	g.check("symlink to itself", symlink("loop", "loop"), Success)
	g.check("symlink out", symlink("../out", "out"), Success) // nothing follows it
	g.check("symlink, absolute", symlink("/etc", "absolute"), EPERM)
	g.check("symlink over a file", symlink("x", "file"), EEXIST)
	g.check("symlink with a slash", symlink("x", "new/"), ENOENT)
	g.check("symlink over a directory with a slash", symlink("x", "dir/"), EEXIST)
	g.check("symlink over a file with a slash", symlink("x", "file/"), ENOTDIR)
	g.check("symlink of nothing", symlink("", "new"), ENOENT)
	readlink := func(p string, size uint64) (string, Errno) {
		pointer, length := g.text(p)
		buffer, used := g.room(int(size)), g.room(4)
		errno := g.call("path_readlink", fdDir, pointer, length, buffer, size, used)
		return string(g.memory[buffer : buffer+uint64(g.u32(used))]), errno
	}
	for _, test := range []struct {
		path, target string
		size         uint64
		errno        Errno
	}{
		{"soft", "dir/inner", 100, Success}, {"soft", "dir/", 4, Success}, {"soft", "", 0, Success}, {"dangling", "nowhere/", 100, Success},
		{"file", "", 10, EINVAL}, {"dir", "", 10, EINVAL}, {"dirlink/", "", 10, EINVAL}, {"absent", "", 10, ENOENT},
	} {
		target, errno := readlink(test.path, test.size)
		if test.size == 4 {
			test.target = test.target[:4]
		}
		if target != test.target || errno != test.errno {
			t.Errorf("readlink of %q gives %q, %d", test.path, target, errno)
		}
	}
	for p, expected := range map[string][2]Errno{
		"soft": {Success, Success}, "dangling": {Success, ENOENT}, "loop": {Success, ELOOP}, "out": {Success, EPERM}, "link": {Success, Success},
		"dirlink/": {Success, Success}, "link/": {ENOTDIR, ENOTDIR},
	} {
		for follow, errno := range expected {
			if _, got := g.stat(p, uint64(follow)); got != errno {
				t.Errorf("attributes of %q (follow %d): %d, expected %d", p, follow, got, errno)
			}
		}
	}
	if _, errno := g.open(fdDir, "loop", true, 0, 0, 0); errno != ELOOP {
		t.Errorf("opening a loop: %d", errno)
	}
	if at, _ := g.stat("dirlink", 1); at.kind != TypeDirectory {
		t.Errorf("dirlink is %d", at.kind)
	}
}

// readdir reads entries until a buffer is not full, and returns names, types and serial numbers.
func (g *guest) readdir(fd, size, cookie uint64) (names []string, kinds []FileType, inodes []uint64) {
	g.t.Helper()
	for {
		buffer, used := g.room(int(size)), g.room(4)
		g.expect(Success, "fd_readdir", fd, buffer, size, cookie, used)
		data := g.memory[buffer : buffer+uint64(g.u32(used))]
		full := uint64(len(data)) == size
		for len(data) >= sizeDirent {
			length := int(binary.LittleEndian.Uint32(data[16:]))
			if len(data) < sizeDirent+length {
				break
			}
			cookie = binary.LittleEndian.Uint64(data)
			inodes = append(inodes, binary.LittleEndian.Uint64(data[8:]))
			kinds = append(kinds, FileType(data[20]))
			names = append(names, string(data[sizeDirent:sizeDirent+length]))
			data = data[sizeDirent+length:]
		}
		if !full {
			return names, kinds, inodes
		}
	}
}

func TestReaddir(t *testing.T) { onEach(t, testReaddir) }

func testReaddir(t *testing.T) {
	g := newGuest(t)
	if g.files == nil {
		g.putFile("bad\xff", "") // has no name for a guest
	}
	for _, size := range []uint64{35, 64, 100, 4096} {
		names, kinds, inodes := g.readdir(fdDir, size, 0)
		if !slices.Equal(names[:2], []string{".", ".."}) {
			t.Fatalf("names %q", names)
		}
		expected := map[string]FileType{"file": TypeRegularFile, "dir": TypeDirectory, "link": TypeSymbolicLink, "dirlink": TypeSymbolicLink}
		if len(names) != 2+len(expected) {
			t.Errorf("names %q", names)
		}
		for i, name := range names {
			if name == ".." {
				continue
			}
			at, errno := g.stat(name, 0)
			if errno != Success || at.ino != inodes[i] || at.kind != kinds[i] || i > 1 && kinds[i] != expected[name] {
				t.Errorf("%s: type %d, number %d; by path %+v", name, kinds[i], inodes[i], at)
			}
		}
		rest, _, _ := g.readdir(fdDir, size, 3)
		if !slices.Equal(rest, names[3:]) {
			t.Errorf("from cookie 3 %q, expected %q", rest, names[3:])
		}
	}
	used := g.room(4)
	for _, cookie := range []uint64{100, 1 << 63, 1<<64 - 1} {
		g.expect(Success, "fd_readdir", fdDir, g.room(64), 64, cookie, used)
		if g.u32(used) != 0 {
			t.Errorf("%d bytes behind the end", g.u32(used))
		}
	}
	for size := range uint64(30) { // cut at any place
		g.expect(Success, "fd_readdir", fdDir, g.room(64), size, 0, used)
		if uint64(g.u32(used)) != size {
			t.Errorf("a buffer of %d bytes has %d", size, g.u32(used))
		}
	}
}

// TestReaddirWhileRemoving: cookies stay what they are, while entries that were read are removed;
// reading from the beginning sees what there is.
func TestReaddirWhileRemoving(t *testing.T) { onEach(t, testReaddirWhileRemoving) }

func testReaddirWhileRemoving(t *testing.T) {
	g := newGuest(t)
	const files = 500
	for i := range files {
		g.putFile(fmt.Sprint("dir/f", i), "")
	}
	fd := g.mustOpen("dir", openDirectory, 0)
	seen := map[string]bool{}
	for cookie := uint64(0); ; {
		buffer, used := g.room(200), g.room(4)
		g.expect(Success, "fd_readdir", fd, buffer, 200, cookie, used)
		data := g.memory[buffer : buffer+uint64(g.u32(used))]
		full := len(data) == 200
		for len(data) >= sizeDirent && len(data) >= sizeDirent+int(data[16]) {
			cookie = binary.LittleEndian.Uint64(data)
			name := string(data[sizeDirent : sizeDirent+int(data[16])])
			data = data[sizeDirent+int(data[16]):]
			if seen[name] {
				t.Fatalf("%s comes twice", name)
			}
			seen[name] = true
			if name[0] == 'f' {
				g.check("unlink", g.path("path_unlink_file", fd, name), Success)
			}
		}
		if !full {
			break
		}
	}
	if len(seen) != files+3 {
		t.Errorf("%d entries, expected %d", len(seen), files+3)
	}
	if names, _, _ := g.readdir(fd, 200, 0); len(names) != 3 {
		t.Errorf("left are %q", names)
	}
}
