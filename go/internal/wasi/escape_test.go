package wasi

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// newPrison makes a guest whose directory lies beside a secret one, with links that lead there.
func newPrison(t *testing.T) (g *guest, secret string) {
	g = newGuest(t)
	secret = t.TempDir()
	must(t, os.WriteFile(filepath.Join(secret, "secret"), []byte("secret"), 0o644))
	g.putLink(secret, "absolute")
	relative := ".." + secret // of a directory in memory
	if g.files == nil {
		var err error
		relative, err = filepath.Rel(g.dir, secret)
		must(t, err)
	}
	g.putLink(relative, "relative")
	g.putLink(relative+"/secret", "tosecret")
	g.putLink(relative+"/made", "dangling")
	g.putLink("..", "up")
	g.putLink("/", "root")
	return g, secret
}

func (g *guest) expectFailure(what string, errno Errno) {
	g.t.Helper()
	if errno == Success {
		g.t.Errorf("%s succeeded", what)
	}
}

// unharmed fails if anything in the secret directory has changed.
func unharmed(t *testing.T, secret string) {
	t.Helper()
	entries, err := os.ReadDir(secret)
	must(t, err)
	data, err := os.ReadFile(filepath.Join(secret, "secret"))
	must(t, err)
	info, err := os.Stat(filepath.Join(secret, "secret"))
	must(t, err)
	if len(entries) != 1 || string(data) != "secret" || info.ModTime().Unix() < 1_000_000 {
		t.Fatalf("the secret directory was changed: %v, %q, %v", entries, data, info.ModTime())
	}
}

// TestEscapes tries every function that takes a path with paths that lead out.
func TestEscapes(t *testing.T) { onEach(t, testEscapes) }

func testEscapes(t *testing.T) {
	g, secret := newPrison(t)
	name := strings.TrimPrefix(secret, "/") // by which it is found from the root
	up := strings.Repeat("../", strings.Count(g.dir, "/")+5)
	paths := []string{
		"/", "/" + name + "/secret", "..", "../", "../x", "dir/../..", "dir/../../x", up + name + "/secret", "dir/" + up + name + "/secret",
		"absolute/secret", "relative/secret", "tosecret", "tosecret/", "dangling", "up/x", "up/", "up/..", "root/" + name + "/secret", "root/", "absolute/", "relative/..",
		"absolute/new", "relative/new", "dir/../absolute/secret", "dirlink/../../x",
	}
	subdir := g.mustOpen("dir", openDirectory, 0)
	for _, fd := range []uint64{fdDir, fdReadOnly, subdir, fdMap} {
		for _, p := range paths {
			name := strings.TrimRight(p, "/")
			link := name == "tosecret" || name == "dangling" // a link itself may be replaced
			if link && fd == subdir {
				continue // it is not there
			}
			for _, rights := range []Rights{0, RightFdRead, RightFdWrite, RightFdRead | RightFdWrite} {
				for oflags := range allOpenFlags + 1 {
					if opened, errno := g.open(fd, p, true, oflags, rights, 0); errno == Success {
						t.Errorf("path_open of %q (flags %d, rights %d) by %d succeeded", p, oflags, rights, fd)
						g.call("fd_close", opened)
					}
				}
			}
			pointer, length := g.text(p)
			here, n := g.text("stolen")
			file, m := g.text("file")
			if fd == subdir || fd == fdMap { // where the paths are that do not lead out
				file, m = g.text("inner")
			}
			for what, errno := range map[string]Errno{
				"path_filestat_get":       g.call("path_filestat_get", fd, 1, pointer, length, g.room(64)),
				"path_filestat_set_times": g.call("path_filestat_set_times", fd, 1, pointer, length, 1, 1, 5),
				"path_link to":            g.call("path_link", fd, 0, file, m, fd, pointer, length),
			} {
				if errno == Success {
					t.Errorf("%s %q by %d succeeded", what, p, fd)
				}
			}
			if !link {
				g.expectFailure("path_rename to "+p, g.call("path_rename", fd, file, m, fd, pointer, length))
			}
			if strings.Contains(name, "/") {
				for what, errno := range map[string]Errno{
					"path_link of":          g.call("path_link", fd, 0, pointer, length, fd, here, n),
					"path_rename of":        g.call("path_rename", fd, pointer, length, fd, here, n),
					"path_create_directory": g.path("path_create_directory", fd, p),
					"path_remove_directory": g.path("path_remove_directory", fd, p),
					"path_unlink_file":      g.path("path_unlink_file", fd, p),
					"path_readlink":         g.call("path_readlink", fd, pointer, length, g.room(8), 8, g.room(4)),
					"path_symlink":          g.call("path_symlink", file, m, fd, pointer, length),
				} {
					if errno == Success {
						t.Errorf("%s %q by %d succeeded", what, p, fd)
					}
				}
			}
		}
	}
	unharmed(t, secret)
	g.check("an absolute path", g.path("path_unlink_file", fdDir, "/x"), EPERM)
	g.check("a path that leaves", g.path("path_unlink_file", fdDir, "../x"), EPERM)
	_, errno := g.open(fdDir, "absolute/secret", true, 0, 0, 0)
	g.check("a link that leaves", errno, EPERM)
}

// TestEscapeBySwapping changes a directory into a link that leads out, and back, while a guest uses
// paths through it.
func TestEscapeBySwapping(t *testing.T) {
	g, secret := newPrison(t)
	swapped, away, link := filepath.Join(g.dir, "swapped"), filepath.Join(g.dir, "away"), filepath.Join(g.dir, "lure")
	must(t, os.Mkdir(swapped, 0o755))
	must(t, os.WriteFile(filepath.Join(swapped, "secret"), []byte("inside"), 0o644))
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			os.Symlink(secret, link)
			os.Rename(swapped, away)
			os.Rename(link, swapped)
			os.Remove(swapped)
			os.Rename(away, swapped)
		}
	})
	for range rounds {
		if fd, errno := g.open(fdDir, "swapped/secret", true, 0, RightFdRead, 0); errno == Success {
			if text, _ := g.read(fd, 10); text != "inside" && text != "" {
				t.Fatalf("read %q", text)
			}
			g.call("fd_close", fd)
		}
		if fd, errno := g.open(fdDir, "swapped/made", true, openCreate|openTruncate, RightFdWrite, 0); errno == Success {
			g.write(fd, "made")
			g.call("fd_close", fd)
		}
		g.path("path_create_directory", fdDir, "swapped/directory")
		g.path("path_remove_directory", fdDir, "swapped/directory")
		p, n := g.text("swapped/made")
		q, m := g.text("swapped/other")
		g.call("path_rename", fdDir, p, n, fdDir, q, m)
		g.call("path_link", fdDir, 0, q, m, fdDir, p, n)
		g.call("path_filestat_set_times", fdDir, 1, p, n, 1, 1, 5)
		g.path("path_unlink_file", fdDir, "swapped/made")
		g.path("path_unlink_file", fdDir, "swapped/other")
		if fd, errno := g.open(fdDir, "swapped", true, openDirectory, directoryRights, 0); errno == Success {
			g.path("path_unlink_file", fd, "made")
			names, _, _ := g.readdir(fd, 4096, 0)
			for _, name := range names {
				if name == "secret" {
					if inner, errno := g.open(fd, "secret", false, 0, RightFdRead, 0); errno == Success {
						if text, _ := g.read(inner, 10); text != "inside" {
							t.Fatalf("read %q", text)
						}
						g.call("fd_close", inner)
					}
				}
			}
			g.call("fd_close", fd)
		}
	}
	close(stop)
	swapper.Wait()
	unharmed(t, secret)
}

// TestAcrossDirectories: what a guest has open it may move between, if none is read-only.
func TestAcrossDirectories(t *testing.T) {
	other := t.TempDir()
	g := newGuest(t, func(c *Config) { c.Mounts = append(c.Mounts, Mount{Guest: "/other", Root: openRoot(t, other)}) })
	const fdOther = fdMap + 1
	p, n := g.text("file")
	q, m := g.text("linked")
	g.expect(Success, "path_link", fdDir, 0, p, n, fdOther, q, m)
	g.expect(Success, "path_rename", fdDir, p, n, fdOther, p, n)
	g.expect(EXDEV, "path_rename", fdOther, p, n, fdMap, p, n)
	g.expect(EXDEV, "path_link", fdOther, 0, p, n, fdMap, q, m)
	up, length := g.text("../file")
	g.expect(EPERM, "path_rename", fdOther, p, n, fdDir, up, length)
	g.expect(EPERM, "path_link", fdOther, 0, p, n, fdDir, up, length)
	for _, name := range []string{"file", "linked"} {
		if data, err := os.ReadFile(filepath.Join(other, name)); err != nil || string(data) != "hello" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}
