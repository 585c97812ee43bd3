package memfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, what string, err, expected error) {
	t.Helper()
	if !errors.Is(err, expected) || (err == nil) != (expected == nil) {
		t.Errorf("%s: %v, expected %v", what, err, expected)
	}
}

func TestFileSystem(t *testing.T) {
	fsys := New(0)
	check(t, fsys.MkdirAll("a/b/c", 0o755))
	check(t, fsys.MkdirAll("a/b", 0o755))
	check(t, fsys.MkdirAll(".", 0o755))
	check(t, fsys.WriteFile("a/file", []byte("hello"), 0o644))
	check(t, fsys.WriteFile("a/b/c/deep", bytes.Repeat([]byte("0123456789"), 20_000), 0o600))
	check(t, fsys.Symlink("b/../file", "a/link"))
	check(t, fsys.Symlink("a", "dirlink"))
	check(t, fstest.TestFS(fsys, "a/file", "a/b/c/deep", "a/link"))
	data, err := fsys.ReadFile("dirlink/link")
	check(t, err)
	if string(data) != "hello" {
		t.Errorf("read %q", data)
	}
	for name, expected := range map[string]error{
		"absent": fs.ErrNotExist, "a/file/x": syscall.ENOTDIR, "../x": fs.ErrInvalid, "/a": fs.ErrInvalid, "a/": fs.ErrInvalid, "": fs.ErrInvalid,
		strings.Repeat("n", 256): syscall.ENAMETOOLONG,
	} {
		_, err := fsys.Stat(name)
		expect(t, name, err, expected)
	}
	expect(t, "Mkdir", fsys.Mkdir("a", 0o777), fs.ErrExist)
	expect(t, "MkdirAll", fsys.MkdirAll("a/file/x", 0o777), syscall.ENOTDIR)
	expect(t, "Remove", fsys.Remove("a"), syscall.ENOTEMPTY)
	expect(t, "Remove of the root", fsys.Remove("."), syscall.EBUSY)
	expect(t, "Rename into itself", fsys.Rename("a", "a/b/x"), syscall.EINVAL)
	expect(t, "Rename over the root", fsys.Rename("a", "."), syscall.EBUSY)
	expect(t, "Link of a directory", fsys.Link("a", "c"), syscall.EPERM)
	_, err = fsys.OpenFile("a", os.O_RDWR, 0)
	expect(t, "writing to a directory", err, syscall.EISDIR)
	check(t, fsys.Rename("a", "c"))
	if _, err := fsys.Stat("c/b/c/deep"); err != nil {
		t.Error(err)
	}
	check(t, fsys.RemoveAll("c"))
	check(t, fsys.RemoveAll("nothing"))
	check(t, fsys.RemoveAll("."))
	if fsys.Used() != 0 {
		t.Errorf("%d bytes are used of nothing", fsys.Used())
	}
}

// TestLinksStayInside: no link leads out, or on forever.
func TestLinksStayInside(t *testing.T) {
	fsys := New(0)
	check(t, fsys.Mkdir("d", 0o777))
	for target, expected := range map[string]error{
		"..": nil, "../..": syscall.EPERM, "/": syscall.EPERM, "/d": syscall.EPERM, "x": syscall.ELOOP, "../d/x": syscall.ELOOP, "../d/./../d": nil,
		"../../d": syscall.EPERM,
	} {
		check(t, fsys.Symlink(target, "d/x"))
		_, err := fsys.Stat("d/x")
		expect(t, target, err, expected)
		_, err = fsys.Lstat("d/x")
		expect(t, target, err, nil)
		check(t, fsys.Remove("d/x"))
	}
}

func TestOpenFilesOutliveTheirNames(t *testing.T) {
	fsys := New(0)
	opened, err := fsys.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	check(t, err)
	_, err = fsys.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	expect(t, "exclusively", err, fs.ErrExist)
	f := opened.(*file)
	_, err = io.WriteString(f, "hello")
	check(t, err)
	check(t, fsys.Remove("f"))
	if fsys.Used() == 0 {
		t.Error("nothing is used while the file is open")
	}
	_, err = f.Seek(1, io.SeekStart)
	check(t, err)
	if data, err := io.ReadAll(f); err != nil || string(data) != "ello" {
		t.Errorf("read %q, %v", data, err)
	}
	check(t, f.Close())
	expect(t, "closing again", f.Close(), fs.ErrClosed)
	_, err = f.Read(nil)
	expect(t, "reading a closed file", err, fs.ErrClosed)
	if fsys.Used() != 0 {
		t.Errorf("%d bytes are used after the file was closed", fsys.Used())
	}
	// One that is dropped is closed by the garbage collector.
	_, err = fsys.OpenFile("f", os.O_CREATE|os.O_WRONLY, 0o600)
	check(t, err)
	check(t, fsys.Remove("f"))
	for deadline := time.Now().Add(10 * time.Second); fsys.Used() != 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		runtime.GC()
	}
	if fsys.Used() != 0 {
		t.Error("a file that was dropped is still open")
	}
}

func TestLimit(t *testing.T) {
	const limit = 1 << 20
	fsys := New(limit)
	opened, err := fsys.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
	check(t, err)
	f := opened.(*file)
	n, err := f.Write(make([]byte, 2*limit))
	expect(t, "a large write", err, syscall.ENOSPC)
	if n != 0 {
		t.Errorf("%d bytes were written of what can never fit", n)
	}
	written := 0
	for {
		n, err := f.Write(make([]byte, 100_000))
		if written += n; err != nil {
			expect(t, "filling", err, syscall.ENOSPC)
			break
		}
	}
	if written < limit*9/10 || written > limit || fsys.Used() > limit {
		t.Errorf("%d bytes were written, %d are used", written, fsys.Used())
	}
	expect(t, "a name", fsys.Mkdir("d", 0o777), nil)
	made := 0
	for ; ; made++ {
		if err := fsys.Mkdir(fmt.Sprint(made), 0o777); err != nil {
			expect(t, "directories", err, syscall.ENOSPC)
			break
		}
	}
	check(t, f.Truncate(0))
	check(t, fsys.Mkdir("more", 0o777))
	// Holes take nothing, but no file is larger than the limit: who reads it needs as much.
	expect(t, "a hole", f.Truncate(limit), nil)
	expect(t, "a larger one", f.Truncate(limit+1), syscall.ENOSPC)
	expect(t, "a negative size", f.Truncate(-1), syscall.EINVAL)
	_, err = f.WriteAt([]byte{1}, limit)
	expect(t, "a write behind it", err, syscall.ENOSPC)
	check(t, f.Close())
	check(t, fsys.RemoveAll("."))
	if fsys.Used() != 0 {
		t.Errorf("%d bytes are used of nothing", fsys.Used())
	}
	unlimited := New(0)
	check(t, unlimited.WriteFile("f", nil, 0o600))
	opened, err = unlimited.OpenFile("f", os.O_RDWR, 0)
	check(t, err)
	for _, offset := range []int64{maxFileSize, 1<<63 - 1} {
		_, err = opened.(*file).WriteAt([]byte{1}, offset)
		expect(t, "far behind", err, syscall.EFBIG)
	}
}

// TestAgainstTheSystem compares random operations on a file with those on one of the host.
func TestAgainstTheSystem(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	fsys := New(0)
	opened, err := fsys.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o600)
	check(t, err)
	ours := opened.(*file)
	theirs, err := os.Create(filepath.Join(t.TempDir(), "f"))
	check(t, err)
	defer theirs.Close()
	for i := range 3000 {
		offset, length := random.Int64N(400_000), random.IntN(100_000)
		if random.IntN(2) == 0 {
			length %= 100
		}
		a, b := make([]byte, length), make([]byte, length)
		var n, m int
		var err, wrong error
		switch random.IntN(5) {
		case 0:
			for j := range a {
				a[j] = byte(random.Uint32())
			}
			n, err = ours.WriteAt(a, offset)
			m, wrong = theirs.WriteAt(a, offset)
			b = a
		case 1:
			n, err = ours.ReadAt(a, offset)
			m, wrong = theirs.ReadAt(b, offset)
		case 2:
			err, wrong = ours.Truncate(offset), theirs.Truncate(offset)
		case 3:
			x, e := ours.Seek(offset, io.SeekStart)
			y, w := theirs.Seek(offset, io.SeekStart)
			n, m, err, wrong = int(x), int(y), e, w
		case 4:
			n, err = ours.Read(a)
			m, wrong = theirs.Read(b)
		}
		if n != m || err != wrong || !bytes.Equal(a, b) {
			t.Fatalf("seed %d, step %d: %d (%v), expected %d (%v)", seed, i, n, err, m, wrong)
		}
	}
	ourData, err := fsys.ReadFile("f")
	check(t, err)
	theirData, err := os.ReadFile(theirs.Name())
	check(t, err)
	if !bytes.Equal(ourData, theirData) {
		t.Errorf("seed %d: the files differ", seed)
	}
}

// TestHammer uses one file system from many goroutines, and finds it whole.
func TestHammer(t *testing.T) {
	fsys := New(8 << 20)
	check(t, fsys.Mkdir("d", 0o777))
	check(t, fsys.Mkdir("e", 0o777))
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			name := func() string { return [...]string{"d/", "e/", ""}[random.IntN(3)] + string(rune('p'+random.IntN(4))) }
			buffer := make([]byte, 3000)
			for range rounds {
				switch random.IntN(10) {
				case 0:
					_ = fsys.Rename(name(), name())
				case 1:
					_ = fsys.Link(name(), name())
				case 2:
					_ = fsys.Symlink(name(), name())
				case 3:
					_ = fsys.Remove(name())
				case 4:
					_ = fsys.Mkdir(name(), 0o777)
				case 5:
					_, _ = fsys.ReadDir(name())
					_ = fsys.Chtimes(name(), time.Now(), time.Time{})
				case 6:
					_, _ = fsys.Stat(name())
					_, _ = fsys.ReadFile(name())
				case 7:
					_ = fsys.RemoveAll(name())
				default:
					f, err := fsys.OpenFile(name(), os.O_RDWR|os.O_CREATE|[...]int{0, os.O_APPEND, os.O_TRUNC}[random.IntN(3)], 0o600)
					if err != nil {
						continue
					}
					file := f.(*file)
					_, _ = file.WriteAt(buffer[:random.IntN(3000)], random.Int64N(200_000))
					_, _ = file.Seek(0, io.SeekEnd)
					_, _ = file.Write(buffer)
					_, _ = file.ReadAt(buffer, random.Int64N(200_000))
					_ = file.Truncate(random.Int64N(100_000))
					_, _ = file.Stat()
					_ = file.Close()
				}
			}
		})
	}
	group.Wait()
	check(t, fsys.RemoveAll("."))
	if used := fsys.Used(); used != 0 {
		t.Errorf("%d bytes are used of nothing", used)
	}
}

// TestAppendsAreWhole: what several files append at once is there, each piece whole.
func TestAppendsAreWhole(t *testing.T) {
	fsys := New(0)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			f, err := fsys.OpenFile("log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			for range 500 {
				if _, err := f.(io.Writer).Write(fmt.Appendf(nil, "line of %d\n", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	data, err := fsys.ReadFile("log")
	check(t, err)
	for i := range 4 {
		if n := strings.Count(string(data), fmt.Sprintf("line of %d\n", i)); n != 500 {
			t.Errorf("%d lines of %d", n, i)
		}
	}
}
