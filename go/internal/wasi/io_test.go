package wasi

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"net"
	"slices"
	"testing"
	"testing/fstest"
	"time"
)

// newZip makes a file system whose files can only be read forward.
func newZip(t *testing.T, name, text string) fs.FS {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	file, err := w.Create(name)
	must(t, err)
	_, err = file.Write([]byte(text))
	must(t, err)
	must(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	must(t, err)
	return r
}

func TestFS(t *testing.T) {
	files := fstest.MapFS{"file": {Data: []byte("0123456789"), ModTime: time.Unix(5, 6)}, "dir/inner": {Data: []byte("x")}, "link": {Data: []byte("file"), Mode: fs.ModeSymlink | 0o777}}
	g := newGuest(t, func(c *Config) {
		c.Mounts = append(c.Mounts, Mount{Guest: "/a", FS: files}, Mount{Guest: "/zip", FS: newZip(t, "sub/file", "0123456789")}, Mount{Guest: "/empty", FS: fstest.MapFS{}})
	})
	const fdFS, fdZip, fdEmpty = fdMap + 1, fdMap + 2, fdMap + 3
	for _, where := range []struct {
		fd   uint64
		path string
	}{{fdFS, "file"}, {fdFS, "dir/.././file"}, {fdZip, "sub/file"}} {
		fd, errno := g.open(where.fd, where.path, true, 0, allRights&^(RightFdWrite|RightFdAllocate), 0)
		g.check("path_open", errno, Success)
		if text, _ := g.read(fd, 3); text != "012" {
			t.Errorf("%s: read %q", where.path, text)
		}
		at := g.room(8)
		g.expect(Success, "fd_tell", fd, at)
		list, count := g.vectors(make([]byte, 2))
		g.expect(Success, "fd_pread", fd, list, count, 8, g.room(4))
		if text := string(g.memory[g.u32(list) : g.u32(list)+2]); text != "89" || g.u64(at) != 3 {
			t.Errorf("%s: at an offset %q, position %d", where.path, text, g.u64(at))
		}
		if text, _ := g.read(fd, 2); text != "34" {
			t.Errorf("%s: then read %q", where.path, text)
		}
		g.expect(Success, "fd_seek", fd, ^uint64(0), whenceEnd, at)
		if text, _ := g.read(fd, 5); text != "9" || g.u64(at) != 9 {
			t.Errorf("%s: at the end %q", where.path, text)
		}
		g.expect(EINVAL, "fd_seek", fd, ^uint64(0), whenceSet, at)
		g.expect(EROFS, "fd_filestat_set_size", fd, 0)
		g.expect(EROFS, "fd_filestat_set_times", fd, 0, 0, uint64(setMtime))
		stat := g.room(64)
		g.expect(Success, "fd_filestat_get", fd, stat)
		if at := g.filestat(stat); at.size != 10 || at.kind != TypeRegularFile || at.ino == 0 || where.fd == fdFS && at.mtime != 5_000_000_006 {
			t.Errorf("%s: %+v", where.path, at)
		}
		g.expect(Success, "fd_close", fd)
	}
	open := func(p string, follow bool, oflags uint32, rights Rights) Errno {
		_, errno := g.open(fdFS, p, follow, oflags, rights, 0)
		return errno
	}
	g.check("write", open("file", true, 0, RightFdWrite), EROFS)
	g.check("truncate", open("file", true, openTruncate, 0), EROFS)
	g.check("create", open("new", true, openCreate, 0), EROFS)
	g.check("create exclusively", open("file", true, openCreate|openExclusive, 0), EEXIST)
	g.check("create what is there", open("file", true, openCreate, 0), Success)
	g.check("a file as a directory", open("file", true, openDirectory, 0), ENOTDIR)
	g.check("a file within a file", open("file/x", true, 0, 0), ENOTDIR)
	g.check("a file with a slash", open("file/", true, 0, 0), ENOTDIR)
	g.check("up", open("../file", true, 0, 0), EPERM)
	g.check("up through nothing", open("absent/../file", true, 0, 0), ENOENT)
	g.check("up through a file", open("file/../file", true, 0, 0), ENOTDIR)
	g.check("a directory to write", open("dir", true, 0, RightFdWrite), EISDIR)
	g.check("a link", open("link", false, 0, 0), ELOOP)
	g.check("a link followed", open("link", true, 0, 0), Success)
	dir, errno := g.open(fdFS, "dir", true, 0, RightFdReaddir|RightPathOpen, 0)
	g.check("a directory", errno, Success)
	_, errno = g.open(dir, "inner", true, 0, RightFdRead, 0)
	g.check("a file in it", errno, Success)
	_, errno = g.open(dir, "../file", true, 0, RightFdRead, 0)
	g.check("a file above", errno, EPERM)
	if names, kinds, _ := g.readdir(fdFS, 100, 0); !slices.Equal(names, []string{".", "..", "dir", "file", "link"}) || kinds[4] != TypeSymbolicLink {
		t.Errorf("entries %q, %d", names, kinds)
	}
	if names, _, _ := g.readdir(fdEmpty, 100, 0); len(names) != 2 {
		t.Errorf("entries %q", names)
	}
	p, n := g.text("file")
	q, m := g.text("new")
	g.expect(EROFS, "path_rename", fdFS, p, n, fdFS, q, m)
	g.expect(EXDEV, "path_rename", fdFS, p, n, fdDir, q, m)
	g.expect(EXDEV, "path_link", fdDir, 0, p, n, fdFS, q, m)
	g.expect(EROFS, "path_symlink", p, n, fdFS, q, m)
	g.expect(EEXIST, "path_symlink", q, m, fdFS, p, n)
	g.expect(EROFS, "path_filestat_set_times", fdFS, 0, p, n, 0, 0, uint64(setMtime))
	g.check("mkdir", g.path("path_create_directory", fdFS, "new"), EROFS)
	g.check("mkdir there", g.path("path_create_directory", fdFS, "dir"), EEXIST)
	g.check("unlink", g.path("path_unlink_file", fdFS, "file"), EROFS)
	g.check("unlink of nothing", g.path("path_unlink_file", fdFS, "absent"), ENOENT)
	g.check("rmdir", g.path("path_remove_directory", fdFS, "dir"), EROFS)
	link, length := g.text("link")
	buffer, used := g.room(8), g.room(4)
	g.expect(Success, "path_readlink", fdFS, link, length, buffer, 8, used)
	if text := string(g.memory[buffer : buffer+uint64(g.u32(used))]); text != "file" {
		t.Errorf("readlink gives %q", text)
	}
	g.expect(EINVAL, "path_readlink", fdFS, p, n, buffer, 8, used)
}

// TestSnapshot0: the layouts and numbers that differ.
func TestSnapshot0(t *testing.T) {
	g := newGuest(t)
	g.old = true
	fd := g.mustOpen("file", 0, 0)
	at := g.room(64)
	memory(g.memory).putUint64(at+56, 0x5a5a5a5a5a5a5a5a)
	g.expect(Success, "fd_filestat_get", fd, at)
	if kind, nlink, size := g.memory[at+16], g.u32(at+20), g.u64(at+24); kind != byte(TypeRegularFile) || nlink != 1 || size != 5 || g.u64(at+40) == 0 {
		t.Errorf("type %d, links %d, size %d", kind, nlink, size)
	}
	if g.u64(at+56) != 0x5a5a5a5a5a5a5a5a {
		t.Error("the structure is larger than 56 bytes")
	}
	p, n := g.text("file")
	g.expect(Success, "path_filestat_get", fdDir, 0, p, n, at)
	if g.u64(at+24) != 5 {
		t.Errorf("size %d", g.u64(at+24))
	}
	const cur, end, set = 0, 1, 2
	for _, step := range [][3]uint64{{3, set, 3}, {1, cur, 4}, {2, end, 7}} {
		g.expect(Success, "fd_seek", fd, step[0], step[1], at)
		if g.u64(at) != step[2] {
			t.Errorf("position %d, expected %d", g.u64(at), step[2])
		}
	}
	g.expect(EINVAL, "fd_seek", fd, 0, 3, at)
	if len(Functions(Snapshot0)) != 45 || len(Functions(Snapshot1)) != 46 || Functions("env") != nil {
		t.Errorf("%d and %d functions", len(Functions(Snapshot0)), len(Functions(Snapshot1)))
	}
}

func TestArguments(t *testing.T) {
	g := newGuest(t)
	for _, what := range []struct {
		sizes, get, text string
		count            uint32
	}{{"args_sizes_get", "args_get", "program\x00argument\x00", 2}, {"environ_sizes_get", "environ_get", "A=1\x00B=\x00", 2}} {
		count, size := g.room(4), g.room(4)
		g.expect(Success, what.sizes, count, size)
		list, buffer := g.room(8), g.room(len(what.text))
		g.expect(Success, what.get, list, buffer)
		if text := string(g.memory[buffer : buffer+uint64(g.u32(size))]); text != what.text || g.u32(count) != what.count || uint64(g.u32(list)) != buffer {
			t.Errorf("%s: %q", what.get, text)
		}
	}
}

// TestBadConfigurations: what cannot be is refused at once.
func TestBadConfigurations(t *testing.T) {
	root := openRoot(t, t.TempDir())
	for text, config := range map[string]Config{
		"zero byte in an argument": {Args: []string{"a\x00b"}}, "zero byte in a variable": {Env: []string{"A=\x00"}},
		"no directory": {Mounts: []Mount{{Guest: "/"}}}, "no name": {Mounts: []Mount{{Root: root}}},
		"both": {Mounts: []Mount{{Guest: "/", Root: root, FS: fstest.MapFS{}}}}, "nil listener": {Listeners: make([]net.Listener, 1)},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}
