//go:build linux

package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func open(t *testing.T, dir string, limit int64) *Cache {
	t.Helper()
	c, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(c *Cache, key Key, module []byte) {
	c.Store(key, func() ([]byte, error) { return module, nil })
}

// get returns the module of a key, or nil.
func get(c *Cache, key Key) (module []byte) {
	c.Load(key, func(found []byte, _ *os.File) error {
		module = bytes.Clone(found)
		return nil
	})
	return module
}

func numbered(n int) Key { return Sum([]byte{byte(n)}, "") }

// expectStats compares the counts, but for the error, which has to be there if something failed.
func expectStats(t *testing.T, c *Cache, expected Stats) {
	t.Helper()
	found := c.Stats()
	if failed := found.LastError != nil; failed != (expected.Rejected+expected.Failed > 0) {
		t.Errorf("the last error is %v", found.LastError)
	}
	found.LastError = nil
	if found != expected {
		t.Errorf("the counts are %+v, expected %+v", found, expected)
	}
}

func TestKeys(t *testing.T) {
	large := bytes.Repeat([]byte("module"), 1<<20)
	keys := map[Key]string{}
	for what, key := range map[string]Key{
		"nothing": Sum(nil, ""), "text": Sum(nil, "a"), "bytes": Sum([]byte("a"), ""), "both": Sum([]byte("a"), "b"),
		"swapped": Sum([]byte("b"), "a"), "a piece": Sum(large[:pieceSize], ""), "more": Sum(large[:pieceSize+1], ""),
		"less": Sum(large[:pieceSize-1], ""), "large": Sum(large, ""), "cut": Sum(large[:len(large)-1], ""),
		"other end":       Sum(append(bytes.Clone(large[:len(large)-1]), 'x'), ""),
		"other beginning": Sum(append([]byte("x"), large[1:]...), ""),
		"pieces swapped":  Sum(append(bytes.Clone(large[pieceSize:2*pieceSize]), large[:pieceSize]...), ""),
		"in order":        Sum(large[:2*pieceSize], ""),
	} {
		if other, ok := keys[key]; ok {
			t.Errorf("%s has the key of %s", what, other)
		}
		keys[key] = what
	}
	if Sum(large, "") != Sum(bytes.Clone(large), "") {
		t.Error("the same bytes have two keys")
	}
}

func TestStoreAndLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := open(t, dir, 0)
	key, module := numbered(1), []byte("machine code")
	if get(c, key) != nil {
		t.Error("an empty folder has a module")
	}
	put(c, key, module)
	if found := get(open(t, dir, 0), key); !bytes.Equal(found, module) {
		t.Errorf("found %q", found)
	}
	if get(c, numbered(2)) != nil {
		t.Error("another key has the module")
	}
	put(c, key, []byte("anew"))
	if found := get(c, key); string(found) != "anew" {
		t.Errorf("found %q", found)
	}
	c.Keep(key, func() ([]byte, error) { t.Error("it is there"); return nil, nil })
	c.Keep(numbered(3), func() ([]byte, error) { return module, nil })
	expectStats(t, c, Stats{Hits: 2, Misses: 2, Stored: 3})
	for path, mode := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, filepath.Join(dir, key.fileName()): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	modules, size, err := c.Usage()
	if modules != 2 || size != int64(len("anew")+len(module)+2*len(key)) || err != nil {
		t.Errorf("%d modules of %d bytes, %v", modules, size, err)
	}
}

// What is not removed by Clear, nor taken for a module.
func TestOtherFilesStay(t *testing.T) {
	c := open(t, t.TempDir(), 100)
	key := numbered(1)
	names := []string{"README", "x.module", key.fileName() + "x", "0123.temporary", strings.Repeat("z", 64) + extension}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(c.Dir(), name), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := numbered(7).fileName()
	if err := os.Mkdir(filepath.Join(c.Dir(), folder), 0o700); err != nil {
		t.Fatal(err)
	}
	put(c, key, []byte("m"))
	put(c, numbered(7), []byte("m"))
	if modules, _, err := c.Usage(); modules != 1 || err != nil {
		t.Errorf("%d modules, %v", modules, err)
	}
	if err := c.Clear(); err != nil {
		t.Error(err)
	}
	if get(c, key) != nil || get(c, numbered(7)) != nil {
		t.Error("there are modules")
	}
	for _, name := range append(names, folder) {
		if _, err := os.Stat(filepath.Join(c.Dir(), name)); err != nil {
			t.Error(err)
		}
	}
	expectStats(t, c, Stats{Misses: 1, Rejected: 1, Stored: 1, Failed: 1})
}

func TestLimit(t *testing.T) {
	c := open(t, t.TempDir(), 10*(100+32))
	age := func(n int, age time.Duration) {
		t.Helper()
		at := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(c.Dir(), numbered(n).fileName()), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 {
		put(c, numbered(n), make([]byte, 100))
		age(n, time.Duration(100-n)*time.Hour)
	}
	if modules, size, _ := c.Usage(); modules != 10 || size != 10*132 {
		t.Fatalf("%d modules of %d bytes", modules, size)
	}
	if get(c, numbered(0)) == nil { // it is used
		t.Error("the oldest is gone")
	}
	put(c, numbered(10), make([]byte, 100))
	for n := range 11 {
		// One too many, and one more, so that a tenth is free.
		if found, expected := get(c, numbered(n)) != nil, n != 1 && n != 2; found != expected {
			t.Errorf("%d is there: %t", n, found)
		}
	}
	put(c, numbered(11), make([]byte, 10*132))
	if get(c, numbered(11)) != nil {
		t.Error("a module larger than the limit is there")
	}
	expectStats(t, c, Stats{Hits: 10, Misses: 3, Stored: 11, Failed: 1, Removed: 2})
	if !strings.Contains(c.Stats().LastError.Error(), "a module of 1352 bytes does not fit in ") {
		t.Error(c.Stats().LastError)
	}
}

// Times are written rarely, and in the past as in the future.
func TestUseIsNoted(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	key := numbered(1)
	path := filepath.Join(c.Dir(), key.fileName())
	put(c, key, []byte("m"))
	for age, noted := range map[time.Duration]bool{time.Minute: false, 2 * time.Hour: true, -24 * time.Hour: true} {
		at := time.Now().Add(-age).Truncate(time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		get(c, key)
		info, err := os.Stat(path)
		if err != nil || info.ModTime().Equal(at) == noted || noted && time.Since(info.ModTime()).Abs() > time.Minute {
			t.Errorf("used after %v, the time is %v, %v", age, info.ModTime(), err)
		}
	}
}

func TestAbandonedFilesAreRemoved(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "new": 0} {
		name, err := temporaryName(Sum([]byte(name), ""))
		if err != nil || !isTemporary(name) {
			t.Fatal(name, err)
		}
		path, at := filepath.Join(c.Dir(), name), time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, []byte("half"), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	put(c, numbered(1), []byte("m"))
	files, err := os.ReadDir(c.Dir())
	if len(files) != 2 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
	if err := c.Clear(); err != nil {
		t.Error(err)
	}
	if _, size, _ := c.Usage(); size != int64(len("half")) {
		t.Errorf("%d bytes are left", size)
	}
}

// This package finds damage around a module; damage inside of it is found by the engine.
func TestDamagedFiles(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	key, other := numbered(1), numbered(2)
	path := filepath.Join(c.Dir(), key.fileName())
	put(c, other, []byte("other"))
	foreign, err := os.ReadFile(filepath.Join(c.Dir(), other.fileName()))
	if err != nil {
		t.Fatal(err)
	}
	whole := append([]byte("module"), key[:]...)
	damaged := map[string][]byte{"empty": {}, "the key alone": key[:], "of another module": foreign, "longer": append(bytes.Clone(whole), 0)}
	for length := 1; length < len(whole); length += 5 {
		damaged[fmt.Sprint("cut to ", length)] = whole[:length]
	}
	for at := len("module"); at < len(whole); at++ {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 0x10
		damaged[fmt.Sprint("flipped at ", at)] = flipped
	}
	for what, contents := range damaged {
		if err := os.WriteFile(path, contents, 0o600); err != nil {
			t.Fatal(err)
		}
		if found := get(c, key); found != nil {
			t.Errorf("%s: found %q", what, found)
		}
	}
	expectStats(t, c, Stats{Stored: 1, Rejected: int64(len(damaged))})
	if c.Load(key, func([]byte, *os.File) error { return errors.New("refused") }) {
		t.Error("a module that is refused is taken")
	}
	put(c, key, []byte("module"))
	if get(c, key) == nil {
		t.Error("the file was not replaced")
	}
}

// Files that are none, or that others could have written.
func TestFilesOfOthers(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	key := numbered(1)
	path := filepath.Join(c.Dir(), key.fileName())
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	whole := append([]byte("module"), key[:]...)
	if err := os.WriteFile(elsewhere, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	write := func() error { return os.WriteFile(path, whole, 0o600) }
	cases := map[string]struct {
		make func() error
		why  string
	}{
		"a link":            {func() error { return os.Symlink(elsewhere, path) }, ""},
		"a folder":          {func() error { return os.Mkdir(path, 0o700) }, "is not a regular file"},
		"a pipe":            {func() error { return syscall.Mkfifo(path, 0o600) }, "is not a regular file"},
		"writable by group": {func() error { return errors.Join(write(), os.Chmod(path, 0o620)) }, "can be written to by others (mode 0620)"},
		"writable by all":   {func() error { return errors.Join(write(), os.Chmod(path, 0o606)) }, "can be written to by others (mode 0606)"},
	}
	if os.Geteuid() == 0 {
		cases["another user's"] = struct {
			make func() error
			why  string
		}{func() error { return errors.Join(write(), os.Chown(path, 1234, 0)) }, "belongs to user 1234, expected user 0, who runs this program, or root"}
	} else {
		cases["unreadable"] = struct {
			make func() error
			why  string
		}{func() error { return errors.Join(write(), os.Chmod(path, 0)) }, "permission denied"}
	}
	for what, test := range cases {
		if err := test.make(); err != nil {
			t.Fatal(what, err)
		}
		before := c.Stats().Rejected
		if found := get(c, key); found != nil {
			t.Errorf("%s: found %q", what, found)
		}
		if s := c.Stats(); s.Rejected != before+1 || !strings.Contains(s.LastError.Error(), test.why) {
			t.Errorf("%s: %+v", what, s)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := func(name string, mode fs.FileMode, owner int) string {
		path := filepath.Join(parent, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if owner >= 0 {
			if err := os.Chown(path, owner, -1); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	cases := []struct {
		dir, why string
		is       error
	}{
		{"", `the cache folder "" cannot be used: the name is empty, expected that of a folder`, nil},
		{file, "not a directory", nil},
		{filepath.Join(file, "x"), "not a directory", syscall.ENOTDIR},
		{folder("group", 0o770, -1), "it can be written to by others (mode 0770), expected by its owner alone: chmod go-w, or choose another", fs.ErrPermission},
		{folder("all", 0o777|fs.ModeSticky, -1), "it can be written to by others (mode 0777)", fs.ErrPermission},
		{"/proc/gowasmer", "no such file or directory", fs.ErrNotExist},
	}
	if os.Geteuid() == 0 {
		cases = append(cases, struct {
			dir, why string
			is       error
		}{folder("other", 0o700, 1234), "it belongs to user 1234, expected user 0, who runs this program, or root", fs.ErrPermission})
	}
	for _, test := range cases {
		c, err := Open(test.dir, 0)
		var e *Error
		if c != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), test.why) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%q: %v", test.dir, err)
		}
		if test.dir != "" && e != nil && e.Dir != test.dir {
			t.Errorf("%q: the folder is %q", test.dir, e.Dir)
		}
	}
	if c := open(t, folder("readable", 0o755, -1), 0); c.Dir() != filepath.Join(parent, "readable") {
		t.Error(c.Dir())
	}
}

// A folder that changes while it is used: nothing fails.
func TestFolderThatChanges(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "cache"), 0)
	key := numbered(1)
	put(c, key, []byte("m"))
	if err := os.RemoveAll(c.Dir()); err != nil {
		t.Fatal(err)
	}
	if modules, _, err := c.Usage(); modules != 0 || err != nil || c.Clear() != nil {
		t.Errorf("%d modules, %v", modules, err)
	}
	if get(c, key) != nil {
		t.Error("it is gone")
	}
	put(c, key, []byte("m"))
	if get(c, key) == nil {
		t.Error("the folder is not made again")
	}
	if err := os.Chmod(c.Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	if get(c, key) != nil {
		t.Error("a folder that others can write to is used")
	}
	put(c, key, []byte("m"))
	expectStats(t, c, Stats{Hits: 1, Misses: 1, Rejected: 1, Stored: 2, Failed: 1})
	if err := c.Clear(); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if err := errors.Join(os.RemoveAll(c.Dir()), os.WriteFile(c.Dir(), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	put(c, key, []byte("m"))
	if get(c, key) != nil || !strings.HasSuffix(c.Stats().LastError.Error(), "not a directory") {
		t.Error(c.Stats().LastError)
	}
}

// What cannot be serialised is not stored.
func TestFailureToSerialize(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	failure := errors.New("no")
	c.Store(numbered(1), func() ([]byte, error) { return nil, failure })
	if s := c.Stats(); s.Failed != 1 || s.LastError != failure {
		t.Errorf("%+v", s)
	}
	if files, err := os.ReadDir(c.Dir()); len(files) != 0 || err != nil {
		t.Error(files, err)
	}
}

// A mapped module stays although its file is removed or replaced.
func TestRemovedWhileInUse(t *testing.T) {
	c := open(t, t.TempDir(), 0)
	key, module := numbered(1), bytes.Repeat([]byte("module"), 10_000)
	put(c, key, module)
	if !c.Load(key, func(found []byte, _ *os.File) error {
		put(c, key, []byte("another"))
		if err := c.Clear(); err != nil {
			return err
		}
		if !bytes.Equal(found, module) {
			return errors.New("it has changed")
		}
		return nil
	}) {
		t.Error(c.Stats().LastError)
	}
}
