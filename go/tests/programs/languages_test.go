package programs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Programs that other compilers have made, each with its own library over WASI: Rust, TinyGo, Zig,
// and C by Zig. They come with the Go module of wazero, whose own tests run them.

// languages are the folders of the programs.
var languages = []string{"cargo-wasi", "tinygo", "zig", "zig-cc"}

// foreignGuests gives the folder of the programs, which it fetches once.
var foreignGuests = sync.OnceValues(func() (string, error) {
	var module struct{ Dir, Error string }
	err := retry(func() error {
		out, err := exec.Command("go", "mod", "download", "-json", "github.com/tetratelabs/wazero@"+wazeroVersion).Output()
		if unreadable := json.Unmarshal(out, &module); unreadable == nil && module.Error != "" {
			err = errors.New(module.Error)
		}
		return err
	})
	return filepath.Join(module.Dir, "imports", "wasi_snapshot_preview1"), err
})

// foreign compiles a program of a language: "wasi" with commands of its own, or "cat".
func foreign(t testing.TB, language, name string) *wasmer.Module {
	t.Helper()
	folder := filepath.Join(must(foreignGuests())(t), "testdata")
	if name == "cat" {
		folder = filepath.Join(folder, "..", "example", "testdata")
	}
	return compile(t, filepath.Join(folder, language, name+".wasm"))
}

func TestLanguagesReadFiles(t *testing.T) {
	files := fstest.MapFS{"sub/test.txt": {Data: []byte("greet filesystem\n")}, "big.txt": {Data: bytes.Repeat([]byte("line\n"), 50_000)}}
	for _, language := range languages {
		module := foreign(t, language, "cat")
		host := t.TempDir()
		if err := os.CopyFS(host, files); err != nil {
			t.Fatal(err)
		}
		for what, w := range map[string]wasmer.Wasi{
			"fs.FS": {Dirs: []wasmer.WasiDir{{Guest: "/", FS: files}}},
			"Host":  dir(host),
		} {
			for _, name := range []string{"sub/test.txt", "big.txt"} {
				if o := run(t, module, w, "cat", name); o.stdout != string(files[name].Data) || o.stderr != "" || o.code != 0 {
					t.Errorf("%s, %s: cat %s: %d bytes, %q, code %d", language, what, name, len(o.stdout), o.stderr, o.code)
				}
			}
		}
	}
}

func TestLanguagesListDirectories(t *testing.T) {
	many := fstest.MapFS{"-": {}, "a-": {}, "ab-": {}, "x/file": {}}
	for i := range 300 { // more than one call of fd_readdir gives
		many["many/"+strings.Repeat("n", 1+i%60)+"-"+string(rune('a'+i%26))+string(rune('a'+i/26))] = &fstest.MapFile{}
	}
	for _, language := range languages {
		module := foreign(t, language, "wasi")
		host := t.TempDir()
		if err := os.CopyFS(host, many); err != nil {
			t.Fatal(err)
		}
		for what, w := range map[string]wasmer.Wasi{"fs.FS": {Dirs: []wasmer.WasiDir{{Guest: "/", FS: many}}}, "Host": dir(host)} {
			list := func(arguments ...string) []string {
				o := run(t, module, w, append([]string{"wasi", "ls"}, arguments...)...)
				if o.stderr != "" || o.code != 0 {
					t.Fatalf("%s, %s: ls %q: %q, code %d", language, what, arguments, o.stderr, o.code)
				}
				lines := strings.Fields(o.stdout)
				for i, line := range lines {
					lines[i] = line[strings.LastIndexByte(line, '/')+1:]
				}
				slices.Sort(lines)
				return slices.DeleteFunc(lines, func(name string) bool { return name == "." || name == ".." })
			}
			// Zig's iterator, like Rust's and TinyGo's, leaves out the dots; readdir(3) does not.
			if names := list("./x"); !slices.Equal(names, []string{"file"}) {
				t.Errorf("%s, %s: ./x has %q", language, what, names)
			}
			if names := list("."); !slices.Equal(names, []string{"-", "a-", "ab-", "many", "x"}) {
				t.Errorf("%s, %s: . has %q", language, what, names)
			}
			if names := list("-"); !slices.Equal(names, []string{"ENOTDIR"}) {
				t.Errorf("%s, %s: a file has %q", language, what, names)
			}
			once := list("./many")
			if len(once) != 300 || len(slices.Compact(slices.Clone(once))) != 300 {
				t.Errorf("%s, %s: ./many has %d names, expected 300", language, what, len(once))
			}
			if language == "tinygo" {
				continue // its library cannot begin anew
			}
			twice := list("./many", "repeat")
			if len(twice) != 600 || !slices.Equal(slices.Compact(twice), once) {
				t.Errorf("%s, %s: ./many has %d names when it is read again, expected 300", language, what, len(twice)-300)
			}
		}
	}
}

// TestLanguagesSeeNoTerminal: streams of Go and directories are no terminals. (bin/gowasmer's are
// those of the process.)
func TestLanguagesSeeNoTerminal(t *testing.T) {
	const expected = "stdin isatty: false\nstdout isatty: false\nstderr isatty: false\n/ isatty: false\n"
	for _, language := range languages {
		expect(t, foreign(t, language, "wasi"), dir(t.TempDir()), output{stdout: expected}, "wasi", "stat")
	}
}

func TestLanguagesAccept(t *testing.T) {
	for _, language := range []string{"cargo-wasi", "zig-cc"} { // the others' libraries have no sockets
		module := foreign(t, language, "wasi")
		listener := must(net.Listen("tcp", "127.0.0.1:0"))(t)
		sent := make(chan error, 1)
		go func() {
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err == nil {
				_, err = conn.Write([]byte("hello\x00"))
				defer conn.Close()
			}
			sent <- err
		}()
		o := run(t, module, wasmer.Wasi{Listeners: []net.Listener{listener}}, "wasi", "sock")
		if err := <-sent; err != nil || strings.Trim(o.stdout, "\x00\n") != "hello" || o.stderr != "" {
			t.Errorf("%s: %+v, %v", language, o, err)
		}
		listener.Close()
	}
}

func TestCByZig(t *testing.T) {
	module, host := foreign(t, "zig-cc", "wasi"), dir(t.TempDir())
	with := func(input string) wasmer.Wasi {
		w := host
		w.Stdin = strings.NewReader(input)
		return w
	}
	silent, quiet := must2(os.Pipe())(t)
	defer silent.Close()
	defer quiet.Close()
	waiting := host
	waiting.Stdin = silent
	for _, test := range []struct {
		w        wasmer.Wasi
		command  string
		expected string
	}{
		{host, "open-rdonly", "OK\n"},
		{host, "open-wronly", "OK\n"},
		{host, "sleepmillis 1", "OK\n"},
		{with("text"), "poll", "STDIN\n"},
		{with("text"), "poll 0 100", "STDIN\n"},
		{waiting, "poll", "NOINPUT\n"},
		{waiting, "poll 0 20", "NOINPUT\n"},
	} {
		expect(t, module, test.w, output{stdout: test.expected}, append([]string{"wasi"}, strings.Fields(test.command)...)...)
	}
	if _, err := quiet.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	expect(t, module, waiting, output{stdout: "STDIN\n"}, "wasi", "poll", "600", "0")
	// One that waits forever ends with its context.
	for what, arguments := range map[string][]string{"poll": {"wasi", "poll", "3600", "0"}, "sleep": {"wasi", "sleepmillis", "999"}} {
		silent, quiet := must2(os.Pipe())(t)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		w := wasmer.Wasi{Stdin: silent, Args: arguments}
		if err := w.Run(ctx, module); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
		quiet.Close()
		silent.Close()
	}
}

// must2 is must for two values.
func must2[A, B any](a A, b B, err error) func(testing.TB) (A, B) {
	return func(t testing.TB) (A, B) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
}
