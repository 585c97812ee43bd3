package wasi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/memfs"
)

// plainFS is a WritableFS that has nothing more, and whose files can be read and written only.
type plainFS struct{ inner *memfs.FS }

func (f plainFS) Open(name string) (fs.File, error)         { return f.OpenFile(name, os.O_RDONLY, 0) }
func (f plainFS) Mkdir(name string, perm fs.FileMode) error { return f.inner.Mkdir(name, perm) }
func (f plainFS) Remove(name string) error                  { return f.inner.Remove(name) }
func (f plainFS) Rename(from, to string) error              { return f.inner.Rename(from, to) }
func (f plainFS) OpenFile(name string, flag int, perm fs.FileMode) (fs.File, error) {
	if name == "dir/broken" {
		return nil, errors.New("an error without a name")
	}
	file, err := f.inner.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		return file, nil
	}
	return plainFile{file.(readWriter)}, err
}

type readWriter interface {
	fs.File
	Write([]byte) (int, error)
}

type plainFile struct{ readWriter }

func newPlainGuest(t *testing.T) (*guest, *memfs.FS) {
	inner := memfs.New(0)
	g := newGuest(t, func(c *Config) { c.Mounts[0] = Mount{Guest: "/", FS: plainFS{inner}} })
	must(t, inner.Mkdir("dir", 0o777))
	must(t, inner.WriteFile("file", []byte("hello"), 0o666))
	must(t, inner.WriteFile("dir/broken", nil, 0o666))
	return g, inner
}

// TestPlainFileSystem: what a file system cannot do, programs are told.
func TestPlainFileSystem(t *testing.T) {
	g, inner := newPlainGuest(t)
	fd := g.mustOpen("dir/../file", 0, 0)
	text, errno := g.read(fd, 3)
	g.check("fd_read", errno, Success)
	if text != "hel" {
		t.Errorf("read %q", text)
	}
	g.check("fd_write", g.write(fd, "p"), Success)
	if data, err := inner.ReadFile("file"); err != nil || string(data) != "helpo" {
		t.Errorf("the file is %q, %v", data, err)
	}
	g.expect(ESPIPE, "fd_seek", fd, 1, whenceSet, g.room(8))
	list, count := g.vectors([]byte("x"))
	g.expect(ENOTSUP, "fd_pread", fd, list, count, 0, g.room(4))
	g.expect(ENOTSUP, "fd_pwrite", fd, list, count, 0, g.room(4))
	g.expect(ENOTSUP, "fd_filestat_set_size", fd, 1)
	g.expect(Success, "fd_allocate", fd, 0, 1)
	g.expect(ENOTSUP, "fd_allocate", fd, 0, 100)
	g.expect(ENOTSUP, "fd_filestat_set_times", fd, 1, 1, uint64(setMtime))
	g.expect(Success, "fd_sync", fd)
	g.expect(Success, "fd_fdstat_set_flags", fd, uint64(flagAppend))
	g.check("fd_write", g.write(fd, "x"), ESPIPE) // it cannot go to the end
	at := g.room(64)
	g.expect(Success, "fd_filestat_get", fd, at)
	if got := g.filestat(at); got.size != 5 || got.ino == 0 {
		t.Errorf("attributes %+v", got)
	}
	g.expect(Success, "fd_close", fd)
	p, n := g.text("file")
	q, m := g.text("new")
	g.expect(ENOTSUP, "path_symlink", p, n, fdDir, q, m)
	g.expect(ENOTSUP, "path_link", fdDir, 0, p, n, fdDir, q, m)
	g.expect(ENOTSUP, "path_filestat_set_times", fdDir, 0, p, n, 1, 1, uint64(setMtime))
	_, errno = g.open(fdDir, "dir/broken", false, 0, RightFdRead, 0)
	g.check("an error without a name", errno, EIO)
	g.check("rename", g.rename("file", "dir/moved"), Success)
	names, _, _ := g.readdir(fdDir, 1000, 0)
	if fmt.Sprint(names) != "[. .. dir]" {
		t.Errorf("entries %q", names)
	}
	g.check("unlink", g.path("path_unlink_file", fdDir, "dir/moved"), Success)
	// The file system is another than that of the other directory.
	g.check("rename to another", g.call("path_rename", fdDir, p, n, fdReadOnly, q, m), EXDEV)
}

// TestHammerWritable: many guests use one file system at once; nothing panics, and it stays whole.
func TestHammerWritable(t *testing.T) {
	fsys := memfs.New(1 << 20)
	must(t, fsys.MkdirAll("d/e", 0o777))
	duration := 300 * time.Millisecond
	if testing.Short() {
		duration /= 3
	}
	ctx, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	guests := make([]*guest, 6)
	for i := range guests {
		guests[i] = newGuest(t, func(c *Config) { c.Mounts[0] = Mount{Guest: "/", FS: fsys}; c.Mounts = c.Mounts[:1] })
	}
	var group sync.WaitGroup
	for i, g := range guests {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 2))
			names := []string{"a", "b", "d/a", "d/e/a", "d", "d/e", "d/../a", "l/a", "l", "d/l/../a", "../out", "d/e/../../b/"}
			name := func() string { return names[random.IntN(len(names))] }
			for ctx.Err() == nil {
				p, n := g.text(name())
				q, m := g.text(name())
				switch random.IntN(9) {
				case 0:
					g.call("path_rename", fdDir, p, n, fdDir, q, m)
				case 1:
					g.call("path_link", fdDir, 0, p, n, fdDir, q, m)
				case 2:
					g.call("path_symlink", p, n, fdDir, q, m)
				case 3:
					g.call("path_unlink_file", fdDir, p, n)
				case 4:
					g.call("path_create_directory", fdDir, p, n)
				case 5:
					g.call("path_remove_directory", fdDir, p, n)
				case 6:
					g.call("path_filestat_get", fdDir, 1, p, n, g.room(64))
					g.call("path_filestat_set_times", fdDir, 0, p, n, 5, 6, uint64(setAtime|setMtime))
					g.call("path_readlink", fdDir, p, n, g.room(20), 20, g.room(4))
				default:
					fd, errno := g.open(fdDir, name(), true, openCreate*uint32(random.IntN(2)), RightFdRead|RightFdWrite|RightFdSeek, flagAppend*uint32(random.IntN(2)))
					if errno != Success {
						continue
					}
					g.call("fd_seek", fd, uint64(random.IntN(20_000)), whenceSet, g.room(8))
					list, count := g.vectors([]byte("some text"))
					g.call("fd_write", fd, list, count, g.room(4))
					g.call("fd_pread", fd, list, count, 3, g.room(4))
					g.call("fd_readdir", fd, g.room(200), 200, 0, g.room(4))
					g.expect(Success, "fd_close", fd)
				}
			}
			g.guarded()
		})
	}
	group.Wait()
	must(t, fsys.RemoveAll("."))
	if fsys.Used() != 0 {
		t.Errorf("%d bytes are used of nothing", fsys.Used())
	}
}
