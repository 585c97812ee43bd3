package wasi

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmer/wasmer/go/internal/memfs"
)

// guest is a guest without code: a memory, calls by name, and a place for what they point to.
// Behind the memory are bytes that nobody may touch.
type guest struct {
	t      testing.TB
	system *System
	whole  []byte
	memory []byte
	ctx    context.Context
	next   uint32    // free place
	old    bool      // whether functions are those of snapshot 0
	dir    string    // of the host, that guests know as "/"
	files  *memfs.FS // or else this; see onEach
}

// onMemory has newGuest make its directories in memory.
var onMemory bool

// onEach runs a test with directories of the host, and with those of a WritableFS.
func onEach(t *testing.T, test func(t *testing.T)) {
	t.Run("host", test)
	t.Run("memory", func(t *testing.T) {
		onMemory = true
		defer func() { onMemory = false }()
		test(t)
	})
}

func (g *guest) Memory() []byte           { return g.memory }
func (g *guest) Context() context.Context { return g.ctx }

const memorySize = 1 << 16

// Descriptors of newGuest.
const (
	fdDir      = 3 // a directory of the host with file ("hello"), dir, dir/inner, link -> file, dirlink -> dir
	fdReadOnly = 4 // the same, read-only
	fdMap      = 5 // a MapFS
)

func newGuest(t testing.TB, change ...func(*Config)) *guest {
	t.Helper()
	g := &guest{t: t, ctx: context.Background(), next: 4096}
	mounts := []Mount{{Guest: "/"}, {Guest: "/ro", ReadOnly: true}}
	if onMemory {
		g.files = memfs.New(64 << 20)
		mounts[0].FS, mounts[1].FS = g.files, g.files
	} else {
		g.dir = t.TempDir()
		mounts[0].Root, mounts[1].Root = openRoot(t, g.dir), openRoot(t, g.dir)
	}
	g.putFile("file", "hello")
	g.putDirectory("dir")
	g.putFile("dir/inner", "inner")
	g.putLink("file", "link")
	g.putLink("dir", "dirlink")
	config := Config{
		Args: []string{"program", "argument"}, Env: []string{"A=1", "B="},
		Mounts: append(mounts, Mount{Guest: "/map", FS: fstest.MapFS{
			"file": {Data: []byte("mapped"), ModTime: time.Unix(5, 6)}, "dir/inner": {Data: []byte("inner")},
		}}),
	}
	for _, f := range change {
		f(&config)
	}
	system, err := New(config)
	must(t, err)
	t.Cleanup(func() { must(t, system.Close()) })
	whole := bytes.Repeat([]byte{0xa5}, memorySize+4096)
	clear(whole[:memorySize])
	g.system, g.whole, g.memory = system, whole, whole[:memorySize:memorySize]
	return g
}

// putFile, putDirectory and putLink make something in the directory of the guest, past WASI.
func (g *guest) putFile(name, text string) {
	g.t.Helper()
	if g.files != nil {
		must(g.t, g.files.WriteFile(name, []byte(text), 0o644))
	} else {
		must(g.t, os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o644))
	}
}

func (g *guest) putDirectory(name string) {
	g.t.Helper()
	if g.files != nil {
		must(g.t, g.files.Mkdir(name, 0o755))
	} else {
		must(g.t, os.Mkdir(filepath.Join(g.dir, name), 0o755))
	}
}

func (g *guest) putLink(target, name string) {
	g.t.Helper()
	if g.files != nil {
		must(g.t, g.files.Symlink(target, name))
	} else {
		must(g.t, os.Symlink(target, filepath.Join(g.dir, name)))
	}
}

func openRoot(t testing.TB, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	must(t, err)
	t.Cleanup(func() { root.Close() })
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call calls a function by its name.
func (g *guest) call(name string, args ...uint64) Errno {
	g.t.Helper()
	namespace := Snapshot1
	if g.old {
		namespace = Snapshot0
	}
	for _, f := range Functions(namespace) {
		if f.Name == name {
			if len(args) != len(f.Params) {
				g.t.Fatalf("%s takes %d arguments, given %d", name, len(f.Params), len(args))
			}
			return f.Call(g.system, g, append(args, 0))
		}
	}
	g.t.Fatalf("no function %s", name)
	return 0
}

// expect calls a function and checks what it returns.
func (g *guest) expect(expected Errno, name string, args ...uint64) {
	g.t.Helper()
	if errno := g.call(name, args...); errno != expected {
		g.t.Errorf("%s%v returned %d, expected %d", name, args, errno, expected)
	}
}

// place copies bytes into the memory and returns where they are.
func (g *guest) place(data []byte) uint64 {
	at := (g.next + 7) &^ 7
	if int(at)+len(data) > memorySize {
		at = 4096
	}
	copy(g.memory[at:], data)
	g.next = at + uint32(len(data))
	return uint64(at)
}

// room makes place for n bytes of zeros.
func (g *guest) room(n int) uint64 { return g.place(make([]byte, n)) }

// text places a string and returns pointer and length.
func (g *guest) text(s string) (uint64, uint64) { return g.place([]byte(s)), uint64(len(s)) }

func (g *guest) u32(at uint64) uint32 { return binary.LittleEndian.Uint32(g.memory[at:]) }
func (g *guest) u64(at uint64) uint64 { return binary.LittleEndian.Uint64(g.memory[at:]) }

// vectors places buffers and the list of them.
func (g *guest) vectors(buffers ...[]byte) (list, count uint64) {
	var items []byte
	for _, buffer := range buffers {
		items = binary.LittleEndian.AppendUint32(items, uint32(g.place(buffer)))
		items = binary.LittleEndian.AppendUint32(items, uint32(len(buffer)))
	}
	return g.place(items), uint64(len(buffers))
}

// path calls a function whose arguments are a descriptor and a path.
func (g *guest) path(name string, fd uint64, p string) Errno {
	g.t.Helper()
	pointer, length := g.text(p)
	return g.call(name, fd, pointer, length)
}

// open opens a path, and says what path_open returned.
func (g *guest) open(fd uint64, p string, follow bool, oflags uint32, rights Rights, flags uint32) (uint64, Errno) {
	g.t.Helper()
	pointer, length := g.text(p)
	result := g.room(4)
	lookup := uint64(0)
	if follow {
		lookup = 1
	}
	errno := g.call("path_open", fd, lookup, pointer, length, uint64(oflags), uint64(rights), uint64(allRights), uint64(flags), result)
	return uint64(g.u32(result)), errno
}

// mustOpen opens a path for reading and writing with all rights.
func (g *guest) mustOpen(p string, oflags uint32, flags uint32) uint64 {
	g.t.Helper()
	rights := allRights
	if oflags&openDirectory != 0 {
		rights &^= RightFdWrite | RightFdAllocate
	}
	fd, errno := g.open(fdDir, p, true, oflags, rights, flags)
	if errno != Success {
		g.t.Fatalf("path_open of %q returned %d", p, errno)
	}
	return fd
}

// read reads up to n bytes.
func (g *guest) read(fd uint64, n int) (string, Errno) {
	g.t.Helper()
	list, count := g.vectors(make([]byte, n))
	result := g.room(4)
	errno := g.call("fd_read", fd, list, count, result)
	at := g.u32(list)
	return string(g.memory[at : at+g.u32(result)]), errno
}

// write writes a string.
func (g *guest) write(fd uint64, s string) Errno {
	g.t.Helper()
	list, count := g.vectors([]byte(s))
	result := g.room(4)
	errno := g.call("fd_write", fd, list, count, result)
	if errno == Success && int(g.u32(result)) != len(s) {
		g.t.Errorf("fd_write wrote %d of %d bytes", g.u32(result), len(s))
	}
	return errno
}

// contents reads a file past WASI.
func (g *guest) contents(name string) string {
	g.t.Helper()
	if g.files != nil {
		data, err := g.files.ReadFile(name)
		must(g.t, err)
		return string(data)
	}
	data, err := os.ReadFile(filepath.Join(g.dir, name))
	must(g.t, err)
	return string(data)
}

// check compares an errno.
func (g *guest) check(what string, errno, expected Errno) {
	g.t.Helper()
	if errno != expected {
		g.t.Errorf("%s returned %d, expected %d", what, errno, expected)
	}
}

// guarded fails if something was written behind the memory.
func (g *guest) guarded() {
	g.t.Helper()
	for _, b := range g.whole[memorySize:] {
		if b != 0xa5 {
			g.t.Fatal("bytes behind the memory were changed")
		}
	}
}

// filestat are the attributes that a guest reads.
type filestat struct {
	dev, ino, nlink, size, atime, mtime, ctime uint64
	kind                                       FileType
}

func (g *guest) stat(p string, follow uint64) (filestat, Errno) {
	g.t.Helper()
	pointer, length := g.text(p)
	at := g.room(64)
	errno := g.call("path_filestat_get", fdDir, follow, pointer, length, at)
	return g.filestat(at), errno
}

func (g *guest) filestat(at uint64) filestat {
	return filestat{
		dev: g.u64(at), ino: g.u64(at + 8), kind: FileType(g.memory[at+16]), nlink: g.u64(at + 24), size: g.u64(at + 32),
		atime: g.u64(at + 40), mtime: g.u64(at + 48), ctime: g.u64(at + 56),
	}
}
