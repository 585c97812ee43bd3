//go:build linux

package wasi

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/memfs"
)

// The functions on paths beside the system calls of Linux that they stand for. The same operation
// on the same paths, in two equal trees, has the same outcome and leaves equal trees behind. One
// tree is the guest's, the other the working directory of the test. Paths that lead out are not
// among these: they are in escape_test.go.

// difference is an operation with its error on Linux and with that of the guest.
type difference struct {
	operation    string
	linux, guest Errno
}

// intended has the errors that are not those of Linux, with the reasons. What succeeds on one side
// alone is never intended.
var intended = []difference{
	// Where "name/" is a file, or a link to one, Linux says that it exists. The official test suite
	// of WASI (path_symlink_trailing_slashes) wants to hear that it is no directory, which is an
	// error that POSIX has for this as well.
	{"symlink", EEXIST, ENOTDIR},
	{"link", EEXIST, ENOTDIR},
	// A path with a slash at its end is refused as that of a directory, to whatever would create a
	// file. Linux sees first that "./" exists.
	{"open to make", EEXIST, EISDIR},
	// Linux refuses a link in the same way if its target has a slash at its end. Here it is os.Root
	// that follows the link, and says what it finds there: a file, or nothing.
	{"open to create", EISDIR, ENOTDIR},
	{"open to create", EISDIR, ENOENT},
}

// touched is the time that operations set. No file has it before.
var touched = time.Unix(1_000_000_000, 0)

// buildTree makes of a directory what every case begins with. What is there and as it should be
// stays, because new files are what takes the time. The files differ in size, so that one that was
// moved is known again. All permissions are asked for, here and by operations: the umask takes the
// same from both sides.
func buildTree(t *testing.T, dir string, begin []found) {
	t.Helper()
	for _, item := range listTree(t, dir) {
		if item.name != "" && !slices.Contains(begin, item) {
			must(t, os.RemoveAll(dir+item.name))
		}
	}
	unlessThere := func(name string, create func(name string) error) {
		t.Helper()
		name = filepath.Join(dir, name)
		if _, err := os.Lstat(name); err != nil {
			must(t, create(name))
		}
	}
	for _, name := range []string{"dir", "empty"} {
		unlessThere(name, func(name string) error { return os.Mkdir(name, 0o777) })
	}
	for name, text := range map[string]string{"file": "hello", "other": "others", "dir/inner": "in here"} {
		unlessThere(name, func(name string) error { return os.WriteFile(name, []byte(text), 0o666) })
	}
	for name, target := range linksOfTree {
		unlessThere(name, func(name string) error { return os.Symlink(target, name) })
	}
	must(t, os.RemoveAll(filepath.Join(dir, "hard"))) // it may be what is left of another file
	must(t, os.Link(filepath.Join(dir, "file"), filepath.Join(dir, "hard")))
}

var linksOfTree = map[string]string{
	"link": "file", "filelink": "file/", "dirlink": "dir", "emptylink": "empty/", "dangling": "absent", "newlink": "absent/", "loop": "loop",
	"deep": "dir/../dirlink/inner", "dir/back": "../file",
}

// pathsToTry gives paths that lead to all that is in the tree, and to what is not, in several
// spellings.
func pathsToTry() []string {
	paths := []string{".", "./", "./file", "dir//inner", "dir/../file", "dir/../absent", "dirlink/../file", "emptylink/../dirlink/inner"}
	for _, name := range []string{
		"file", "dir", "empty", "dir/inner", "dir/back", "link", "filelink", "dirlink", "emptylink", "dangling", "newlink", "loop", "deep", "absent",
		"file/x", "dirlink/inner", "dangling/x", "loop/x", "absent/x", strings.Repeat("long", 64),
	} {
		for _, suffix := range []string{"", "/", "/.", "/..", "//", "/./"} {
			paths = append(paths, name+suffix)
		}
	}
	return paths
}

// secondPaths are where links are made, and where things are moved to.
var secondPaths = []string{
	"other", "other/", "hard", "dir", "dir/", "dir/.", "empty", "empty/", "empty/x", "dirlink/", "dangling", "dangling/", "loop/x",
	"absent", "absent/", "absent/.", "absent/x", "file/x", ".",
}

// found is what can be told of a file that is the same in equal trees.
type found struct {
	name, target string
	kind         FileType
	links, size  uint64
	mode         fs.FileMode
	touched      bool
}

// foundBy and foundAt give what Linux and a guest are told. The size of a directory is the file
// system's affair.
func foundBy(info fs.FileInfo, err error) (found, Errno) {
	if err != nil {
		return found{}, errnoOf(err)
	}
	f := found{kind: typeOf(info.Mode()), links: hostAttributes(info).nlink}
	if !info.IsDir() {
		f.size = uint64(info.Size())
	}
	return f, Success
}

func foundAt(file filestat) found {
	if file.kind == TypeDirectory {
		file.size = 0
	}
	return found{kind: file.kind, links: file.nlink, size: file.size}
}

// listTree gives a directory and what is in it, in the order of the names.
func listTree(t *testing.T, dir string) (list []found) {
	t.Helper()
	must(t, filepath.Walk(dir, func(name string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		item, _ := foundBy(info, nil)
		item.name, item.mode, item.touched = name[len(dir):], info.Mode(), info.ModTime().Equal(touched)
		if item.kind == TypeSymbolicLink {
			item.target, err = os.Readlink(name)
		}
		list = append(list, item)
		return err
	}))
	return list
}

// operation is something that both sides do with a path, or with two, of which the second is from a
// list.
type operation struct {
	name         string
	seconds      []string
	linux, guest func(p, q string) (found, Errno)
}

// operationsOf gives all of them.
func operationsOf(g *guest) []operation {
	call := func(name string, args ...any) Errno { // a string stands for its pointer and length
		var list []uint64
		for _, arg := range args {
			switch arg := arg.(type) {
			case string:
				pointer, length := g.text(arg)
				list = append(list, pointer, length)
			case int:
				list = append(list, uint64(arg))
			}
		}
		return g.call(name, list...)
	}
	change := func(name string, seconds []string, linux func(p, q string) error, guest func(p, q string) Errno) operation {
		return operation{name, seconds, func(p, q string) (found, Errno) { return found{}, errnoOf(linux(p, q)) },
			func(p, q string) (found, Errno) { return found{}, guest(p, q) }}
	}
	alone := []string{""} // for what takes no second path
	setTimes := func(name string, flags, lookup int) operation {
		return operation{name, alone, func(p, _ string) (found, Errno) {
			const workingDirectory = -100 // AT_FDCWD
			return found{}, setTimesAt(workingDirectory, &append([]byte(p), 0)[0], flags, timeChange{access: &touched, modification: &touched})
		}, func(p, _ string) (found, Errno) {
			at := int(touched.UnixNano())
			return found{}, call("path_filestat_set_times", fdDir, lookup, p, at, at, int(setAtime|setMtime))
		}}
	}
	stat := func(name string, linux func(p string) (fs.FileInfo, error), lookup uint64) operation {
		return operation{name, alone, func(p, _ string) (found, Errno) { return foundBy(linux(p)) }, func(p, _ string) (found, Errno) {
			file, errno := g.stat(p, lookup)
			return foundAt(file), errno
		}}
	}
	open := func(name string, flags int, oflags uint32, rights Rights) operation {
		return operation{name, alone, func(p, _ string) (found, Errno) {
			file, err := os.OpenFile(p, flags, 0o666)
			if err != nil {
				return found{}, errnoOf(err)
			}
			defer file.Close()
			return foundBy(file.Stat())
		}, func(p, _ string) (found, Errno) {
			fd, errno := g.open(fdDir, p, flags&syscall.O_NOFOLLOW == 0, oflags, rights|RightFdFilestatGet, 0)
			if errno != Success {
				return found{}, errno
			}
			at := g.room(64)
			g.expect(Success, "fd_filestat_get", fd, at)
			g.expect(Success, "fd_close", fd)
			return foundAt(g.filestat(at)), Success
		}}
	}
	const read, write, both = RightFdRead, RightFdWrite, RightFdRead | RightFdWrite
	return []operation{
		change("mkdir", alone, func(p, _ string) error { return syscall.Mkdir(p, 0o777) },
			func(p, _ string) Errno { return call("path_create_directory", fdDir, p) }),
		change("rmdir", alone, func(p, _ string) error { return syscall.Rmdir(p) }, func(p, _ string) Errno { return call("path_remove_directory", fdDir, p) }),
		change("unlink", alone, func(p, _ string) error { return syscall.Unlink(p) }, func(p, _ string) Errno { return call("path_unlink_file", fdDir, p) }),
		change("symlink", alone, func(p, _ string) error { return syscall.Symlink("to", p) },
			func(p, _ string) Errno { return call("path_symlink", "to", fdDir, p) }),
		change("link", secondPaths, syscall.Link, func(p, q string) Errno { return call("path_link", fdDir, 0, p, fdDir, q) }),
		change("rename", secondPaths, syscall.Rename, func(p, q string) Errno { return call("path_rename", fdDir, p, fdDir, q) }),
		setTimes("utimes", 0, int(lookupFollow)),
		setTimes("lutimes", atNoFollow, 0),
		stat("stat", os.Stat, uint64(lookupFollow)),
		stat("lstat", os.Lstat, 0),
		{"readlink", alone, func(p, _ string) (found, Errno) {
			buffer := make([]byte, 100)
			n, err := syscall.Readlink(p, buffer)
			return found{target: string(buffer[:max(n, 0)])}, errnoOf(err)
		}, func(p, _ string) (found, Errno) {
			buffer, used := g.room(100), g.room(4)
			errno := call("path_readlink", fdDir, p, int(buffer), 100, int(used))
			return found{target: string(g.memory[buffer:][:g.u32(used)])}, errno
		}},
		open("open", os.O_RDONLY, 0, read),
		open("open to write", os.O_WRONLY, 0, write),
		open("open to truncate", os.O_RDWR|os.O_TRUNC, openTruncate, both),
		open("open to read and truncate", os.O_RDONLY|os.O_TRUNC, openTruncate, read),
		open("open to create", os.O_RDWR|os.O_CREATE, openCreate, both),
		open("open to make", os.O_RDWR|os.O_CREATE|os.O_EXCL, openCreate|openExclusive, both),
		open("open, no link", os.O_RDONLY|syscall.O_NOFOLLOW, 0, read),
		open("open to write, no link", os.O_RDWR|syscall.O_NOFOLLOW, 0, both),
		open("open to create, no link", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, openCreate, both),
		open("open a directory", os.O_RDONLY|syscall.O_DIRECTORY, openDirectory, read),
		open("open a directory to write", os.O_RDWR|syscall.O_DIRECTORY, openDirectory, both),
		open("open a directory, no link", os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, openDirectory, read),
	}
}

// buildMemory is buildTree for a file system in memory.
func buildMemory(t *testing.T, fsys *memfs.FS) {
	t.Helper()
	must(t, fsys.RemoveAll("."))
	must(t, fsys.Chtimes(".", time.Now(), time.Now()))
	for _, name := range []string{"dir", "empty"} {
		must(t, fsys.Mkdir(name, 0o755))
	}
	for name, text := range map[string]string{"file": "hello", "other": "others", "dir/inner": "in here"} {
		must(t, fsys.WriteFile(name, []byte(text), 0o644))
	}
	for name, target := range linksOfTree {
		must(t, fsys.Symlink(target, name))
	}
	must(t, fsys.Link("file", "hard"))
}

// listMemory is listTree for a file system in memory. It has the permissions that the umask leaves.
func listMemory(t *testing.T, fsys *memfs.FS, umask fs.FileMode) (list []found) {
	t.Helper()
	must(t, fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := fsys.Lstat(name)
		if err != nil {
			return err
		}
		item := found{kind: typeOf(info.Mode()), links: info.Sys().(fileAttributes).Links(), mode: info.Mode(), touched: info.ModTime().Equal(touched)}
		if item.kind != TypeSymbolicLink {
			item.mode &^= umask
		}
		if item.kind != TypeDirectory {
			item.size = uint64(info.Size())
		}
		if name != "." {
			item.name = "/" + name
		}
		if item.kind == TypeSymbolicLink {
			item.target, err = fsys.ReadLink(name)
		}
		list = append(list, item)
		return err
	}))
	return list
}

// TestPathsAsLinux tries every operation on every path. Shortened, it takes every seventh case, and
// may not come upon each intended difference.
func TestPathsAsLinux(t *testing.T) { onEach(t, testPathsAsLinux) }

func testPathsAsLinux(t *testing.T) {
	g, native := newGuest(t), t.TempDir()
	t.Chdir(native)
	buildTree(t, native, nil)
	begin := listTree(t, native)
	build, list := func() { buildTree(t, g.dir, begin) }, func() []found { return listTree(t, g.dir) }
	if g.files != nil {
		umask := fs.FileMode(syscall.Umask(0))
		syscall.Umask(int(umask))
		build, list = func() { buildMemory(t, g.files) }, func() []found { return listMemory(t, g.files, umask) }
	}
	build()
	seen, cases := map[difference]bool{}, 0
	for _, o := range operationsOf(g) {
		for _, p := range pathsToTry() {
			for _, q := range o.seconds {
				if cases++; testing.Short() && cases%7 != 0 {
					continue
				}
				expected, linux := o.linux(p, q)
				got, errno := o.guest(p, q)
				d := difference{o.name, linux, errno}
				seen[d] = true
				if linux != errno && !slices.Contains(intended, d) || got != expected {
					t.Errorf("%s %q %q returned %d and %+v, expected %d and %+v", o.name, p, q, errno, got, linux, expected)
				}
				left, right := begin, list()
				if linux == Success { // what fails on Linux changes nothing
					left = listTree(t, native)
				}
				if !slices.Equal(right, left) {
					t.Errorf("%s %q %q left %+v, expected %+v", o.name, p, q, right, left)
				}
				if !slices.Equal(left, begin) || !slices.Equal(right, begin) {
					buildTree(t, native, begin)
					build()
				}
			}
		}
	}
	for _, d := range intended {
		if !seen[d] && !testing.Short() && g.files == nil {
			t.Errorf("there is no difference %+v any more", d)
		}
	}
}
