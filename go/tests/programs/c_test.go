package programs

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Programs in C, linked with wasi-libc: testdata/guests/wasi.

func dir(host string) wasmer.Wasi {
	return wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: host, Guest: "/"}}}
}

func TestCopy(t *testing.T) {
	module, host := guest(t, "copy"), t.TempDir()
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{0, 1, 65535, 65536, 65537, 1 << 20} {
		data := make([]byte, size)
		random.Read(data)
		from, to := filepath.Join(host, "from"), filepath.Join(host, "to")
		write(t, from, string(data))
		then := time.Unix(1_000_000_000, 123_000)
		if err := os.Chtimes(from, then, then); err != nil {
			t.Fatal(err)
		}
		for _, piece := range []string{"65536", "1000"} {
			expect(t, module, dir(host), output{}, "copy", "/from", "to", piece)
			if copied := must(os.ReadFile(to))(t); !bytes.Equal(copied, data) {
				t.Errorf("%d bytes in pieces of %s: the copy has %d, or others", size, piece, len(copied))
			}
			if info := must(os.Stat(to))(t); !info.ModTime().Equal(then) {
				t.Errorf("the copy is of %v, expected %v", info.ModTime(), then)
			}
		}
	}

	// From a file system in memory, and from a zip archive, whose files cannot be sought in.
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	text := strings.Repeat("some text that can be compressed\n", 10_000)
	file := must(writer.CreateHeader(&zip.FileHeader{Name: "a/b.txt", Method: zip.Deflate, Modified: time.Unix(1e9, 0)}))(t)
	file.Write([]byte(text))
	writer.Close()
	w := dir(host)
	w.Dirs = append(w.Dirs,
		wasmer.WasiDir{Guest: "/zip", FS: must(zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len())))(t)},
		wasmer.WasiDir{Guest: "/map", FS: fstest.MapFS{"b.txt": {Data: []byte(text)}}})
	for _, from := range []string{"/zip/a/b.txt", "/map/b.txt"} {
		expect(t, module, w, output{}, "copy", from, "/copy.txt")
		if copied := must(os.ReadFile(filepath.Join(host, "copy.txt")))(t); string(copied) != text {
			t.Errorf("%s: the copy has %d bytes, expected %d", from, len(copied), len(text))
		}
	}

	for _, test := range []struct{ from, to, stderr string }{
		{"absent", "to", "copy: absent: No such file or directory\n"},
		{"from", "/map/b.txt", "copy: /map/b.txt: Read-only file system\n"},
		{"from", "/absent/to", "copy: /absent/to: No such file or directory\n"},
		{"from", "../../to", "copy: ../../to: Operation not permitted\n"},
	} {
		expect(t, module, w, output{stderr: test.stderr, code: 1}, "copy", test.from, test.to)
	}
	read := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: host, Guest: "/", ReadOnly: true}}}
	expect(t, module, read, output{stderr: "copy: to: Read-only file system\n", code: 1}, "copy", "from", "to")
}

func TestList(t *testing.T) {
	module, host := guest(t, "list"), t.TempDir()
	write(t, filepath.Join(host, "b", "deep", "file.txt"), "12345")
	write(t, filepath.Join(host, "a.txt"), "")
	write(t, filepath.Join(host, "\xff\xfe"), "x") // no string to the specification, and so not seen
	if err := os.Symlink("../a.txt", filepath.Join(host, "b", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(host, "out")); err != nil {
		t.Fatal(err)
	}
	expect(t, module, dir(host), output{stdout: "f 0 /a.txt\nd - /b\nd - /b/deep\nf 5 /b/deep/file.txt\nl - /b/link -> ../a.txt\nl - /out -> /etc\n"},
		"list", "")
	expect(t, module, dir(host), output{stderr: "list: /out: Operation not permitted\n", code: 1}, "list", "/out")
	expect(t, module, dir(host), output{stderr: "list: /a.txt: Not a directory\n", code: 1}, "list", "/a.txt")

	// More entries than one call of fd_readdir gives, here and in a file system in memory.
	many, files := t.TempDir(), fstest.MapFS{}
	var lines []string
	for i := range 3000 {
		name := fmt.Sprintf("file-%04d-%s", i, strings.Repeat("x", i%200))
		write(t, filepath.Join(many, name), strings.Repeat("y", i%7))
		files[name] = &fstest.MapFile{Data: make([]byte, i%7)}
		lines = append(lines, fmt.Sprintf("f %d /many/%s\n", i%7, name))
	}
	for _, d := range []wasmer.WasiDir{{Host: many, Guest: "/many"}, {FS: files, Guest: "/many"}} {
		expect(t, module, wasmer.Wasi{Dirs: []wasmer.WasiDir{d}}, output{stdout: strings.Join(lines, "")}, "list", "/many")
	}
}

func TestSort(t *testing.T) {
	module, host := guest(t, "sort"), t.TempDir()
	random := rand.New(rand.NewChaCha8([32]byte{2}))
	var lines []string
	for range 20_000 {
		lines = append(lines, strings.Repeat(string(rune('a'+random.IntN(26))), 1+random.IntN(40))+"\n")
	}
	text := strings.Join(lines, "")
	slices.Sort(lines)
	sorted := strings.Join(lines, "")
	write(t, filepath.Join(host, "text"), text)
	expect(t, module, dir(host), output{}, "sort", "text", "sorted", "100000") // in memory
	expect(t, module, dir(host), output{}, "sort", "text", "merged", "300")    // by 67 files
	for _, name := range []string{"sorted", "merged"} {
		if string(must(os.ReadFile(filepath.Join(host, name)))(t)) != sorted {
			t.Errorf("%s is not sorted", name)
		}
	}
	if names := must(os.ReadDir(host))(t); len(names) != 3 {
		t.Errorf("the runs are left: %v", names)
	}
	w := dir(host)
	w.Stdin = strings.NewReader(text)
	expect(t, module, w, output{stdout: sorted}, "sort", "-", "-", "1000")
	w.Stdin = strings.NewReader(text)
	w.Dirs[0].ReadOnly = true
	expect(t, module, w, output{stderr: "sort: sort.run0: Read-only file system\n", code: 1}, "sort", "-", "-", "1000")
}

func TestDatabase(t *testing.T) {
	module, host := guest(t, "database"), t.TempDir()
	file := filepath.Join(host, "db")
	do := func(expected output, commands ...string) {
		t.Helper()
		w := dir(host)
		w.Stdin = strings.NewReader(strings.Join(commands, "\n"))
		expect(t, module, w, expected, "database", "/db")
	}
	do(output{stdout: "(none)\n1\ntwo words\n2\n"}, "get a", "set a 1", "get a", "set b two words", "get b", "count")
	do(output{stdout: "1\n3\na 1\n"}, "get a", "set a 3", "get a", "delete b", "list")
	do(output{stdout: "1\n(none)\n"}, "count", "get b")

	// 2,000 names, each changed; what compacting leaves is smaller, and the same.
	var commands []string
	for i := range 4000 {
		commands = append(commands, fmt.Sprintf("set name%d %s", i*7919%2000, strings.Repeat("v", i%300)))
	}
	do(output{stdout: "2001\n"}, append(commands, "count")...)
	before := must(os.Stat(file))(t).Size()
	do(output{stdout: strings.Repeat("v", 2000%300) + "\n"}, "compact", "get name0")
	if after := must(os.Stat(file))(t).Size(); after >= before*3/4 {
		t.Errorf("%d bytes before compacting, %d after", before, after)
	}

	// A record that was cut off goes; the one before stays.
	do(output{}, "set z last", "set zz after the last")
	if err := os.Truncate(file, must(os.Stat(file))(t).Size()-3); err != nil {
		t.Fatal(err)
	}
	do(output{stdout: "last\n(none)\n2002\n", stderr: "database: 21 bytes of a record that was cut off are removed\n"}, "get z", "get zz", "count")
	do(output{stdout: "last\n"}, "get z")

	write(t, file, "something else that is long enough")
	do(output{stderr: "database: /db: not a database\n", code: 1}, "get a")
}
