package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What programs may change, and what file systems can do.
var (
	_ wasmer.WritableFS = (*wasmer.MemoryFS)(nil)
	_ wasmer.SymlinkFS  = (*wasmer.MemoryFS)(nil)
	_ wasmer.LinkFS     = (*wasmer.MemoryFS)(nil)
	_ wasmer.TimesFS    = (*wasmer.MemoryFS)(nil)
	_ fs.StatFS         = (*wasmer.MemoryFS)(nil)
	_ fs.ReadDirFS      = (*wasmer.MemoryFS)(nil)
	_ fs.ReadFileFS     = (*wasmer.MemoryFS)(nil)
)

func TestWasiMemoryFS(t *testing.T) {
	module, memory := tool(t), wasmer.NewMemoryFS(1<<20)
	if err := memory.WriteFile("given.txt", []byte("given"), 0o600); err != nil {
		t.Fatal(err)
	}
	writable := wasmer.Wasi{Dirs: []wasmer.WasiDir{{FS: memory}}}
	readOnly := wasmer.Wasi{Dirs: []wasmer.WasiDir{{FS: memory, ReadOnly: true}}}
	for _, test := range []struct {
		w              wasmer.Wasi
		arguments      string
		stdout, stderr string
	}{
		{writable, "cat /given.txt", "given", ""},
		{writable, "write /a.txt text", "", ""},
		{writable, "cat a.txt", "text", ""},
		{writable, "mkdir /sub", "", ""},
		{writable, "rename /a.txt /sub/b.txt", "", ""},
		{writable, "list /", "given.txt\nsub\n", ""},
		{readOnly, "list /sub", "b.txt\n", ""},
		{readOnly, "write /sub/b.txt x", "", "/sub/b.txt: Read-only file system\n"},
		{readOnly, "write /new x", "", "/new: Read-only file system\n"},
		{readOnly, "remove /sub/b.txt", "", "/sub/b.txt: Read-only file system\n"},
		{writable, "cat /../outside", "", "/../outside: Operation not permitted\n"},
		{writable, "cat /absent", "", "/absent: No such file or directory\n"},
		{writable, "remove /sub", "", "/sub: Directory not empty\n"},
		{writable, "remove /sub/b.txt", "", ""},
		{writable, "remove /sub", "", ""},
	} {
		stdout, stderr, err := runTool(t, module, test.w, strings.Fields(test.arguments)...)
		if stdout != test.stdout || stderr != test.stderr || (err != nil) != (test.stderr != "") {
			t.Errorf("%s: %q, %q, %v; expected %q, %q", test.arguments, stdout, stderr, err, test.stdout, test.stderr)
		}
	}
	// More than there may be is not written.
	small := wasmer.NewMemoryFS(2000)
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{{FS: small}}}
	_, _, _ = runTool(t, module, w, "write", "/file", strings.Repeat("x", 3000)) // it does not look
	if data, err := small.ReadFile("file"); len(data) != 0 || err != nil || small.Used() > 2000 {
		t.Errorf("%d bytes, %v, %d bytes used", len(data), err, small.Used())
	}
	if err := small.WriteFile("more", make([]byte, 2000), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the error is %v", err)
	}
}

// TestWasiMemoryFSIsShared: programs at the same time, and the host, use one file system.
func TestWasiMemoryFSIsShared(t *testing.T) {
	module, memory := tool(t), wasmer.NewMemoryFS(0)
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{{FS: memory}}}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for round := range 5 {
				name := fmt.Sprint("f", i, ".", round)
				if _, stderr, err := runTool(t, module, w, "write", "/"+name, name); err != nil {
					t.Error(stderr, err)
				}
				if _, stderr, err := runTool(t, module, w, "rename", "/"+name, "/moved-"+name); err != nil {
					t.Error(stderr, err)
				}
				if data, err := memory.ReadFile("moved-" + name); err != nil || string(data) != name {
					t.Errorf("%q, %v", data, err)
				}
			}
		})
	}
	group.Wait()
	if entries := must(memory.ReadDir("."))(t); len(entries) != 40 {
		t.Errorf("%d files", len(entries))
	}
}

func TestMemoryFS(t *testing.T) {
	var memory wasmer.MemoryFS
	testMemoryFS(t, &memory)
	testMemoryFS(t, wasmer.NewMemoryFS(1<<20))
}

func testMemoryFS(t *testing.T, memory *wasmer.MemoryFS) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	check(memory.MkdirAll("a/b", 0o755))
	check(memory.Mkdir("c", 0o755))
	check(memory.WriteFile("a/b/file", []byte("text"), 0o644))
	check(memory.Symlink("a/b/file", "soft"))
	check(memory.Link("a/b/file", "hard"))
	check(memory.Rename("hard", "c/hard"))
	check(fstest.TestFS(memory, "a/b/file", "soft", "c/hard"))
	info := must(memory.Stat("soft"))(t)
	about := info.Sys().(wasmer.FileAttributes)
	other := must(memory.Stat("c/hard"))(t).Sys().(wasmer.FileAttributes)
	if about.Links() != 2 || about.Inode() != other.Inode() || about.AccessTime().IsZero() || about.ChangeTime().IsZero() {
		t.Errorf("%+v", about)
	}
	check(memory.Chtimes("soft", info.ModTime(), info.ModTime().Add(-1)))
	check(memory.Lchtimes("soft", info.ModTime(), info.ModTime().Add(-2)))
	if now, link := must(memory.Stat("soft"))(t), must(memory.Lstat("soft"))(t); now.ModTime().Sub(info.ModTime()) != -1 || link.ModTime().Sub(info.ModTime()) != -2 {
		t.Errorf("%v, %v", now, link)
	}
	if target := must(memory.ReadLink("soft"))(t); target != "a/b/file" {
		t.Errorf("the link leads to %q", target)
	}
	file := must(memory.OpenFile("c/hard", os.O_RDWR|os.O_TRUNC, 0))(t)
	must(fmt.Fprint(file.(interface{ Write([]byte) (int, error) }), "new"))(t)
	check(file.Close())
	if data := must(memory.ReadFile("soft"))(t); string(data) != "new" {
		t.Errorf("read %q", data)
	}
	check(memory.Remove("soft"))
	check(memory.RemoveAll("."))
	if _, err := memory.Open("a"); !errors.Is(err, fs.ErrNotExist) || memory.Used() != 0 {
		t.Errorf("%v, %d bytes used", err, memory.Used())
	}
}

// A program writes a file that is nowhere on a disk.
func ExampleMemoryFS() {
	module := exampleTool()
	defer module.Close()

	memory := wasmer.NewMemoryFS(1 << 20) // 1 MiB at most
	var output bytes.Buffer
	w := wasmer.Wasi{
		Args:   []string{"tool", "write", "/report.txt", "all is well"},
		Stdout: &output,
		Dirs:   []wasmer.WasiDir{{Guest: "/", FS: memory}},
	}
	if err := w.Run(context.Background(), &module); err != nil {
		log.Fatal(err)
	}
	report, err := memory.ReadFile("report.txt")
	fmt.Printf("%s, %v\n", report, err)
	// Output: all is well, <nil>
}
