package perfmap

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/emulator"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

var bodies = []engine.Body{
	{Start: 0x7f001000, End: 0x7f001010, Function: 3, Name: "main"},
	{Start: 0x7f001010, End: 0x7f001010, Function: 4, Name: "empty"},
	{Start: 0x7f001020, End: 0x7f001100, Function: 5},
	{Start: 0x7f001100, End: 0x7f001140, Function: engine.NoFunction},
	{Start: 0x7f001140, End: 0x7f001150, Function: 6, Name: "a\nffff 1 b\x1b[31m\xff"},
}

func TestLines(t *testing.T) {
	const want = `7f001000 10 wasm::m!main
7f001020 e0 wasm::m!function 5
7f001100 40 wasm::m!trampoline
7f001140 10 wasm::m!a?ffff 1 b?[31m?
`
	if got := string(lines("m", bodies)); got != want {
		t.Errorf("lines are\n%swant\n%s", got, want)
	}
	if got := string(lines("", bodies[:1])); got != "7f001000 10 wasm::main\n" {
		t.Errorf("without a module's name the line is %q", got)
	}
	long := engine.Body{Start: 1, End: 2, Name: strings.Repeat("n", 1<<20)}
	if got := lines("", []engine.Body{long}); len(got) > 2*maxName {
		t.Errorf("a long name makes a line of %d bytes", len(got))
	}
}

func TestFile(t *testing.T) {
	var complaints bytes.Buffer
	f := file{path: filepath.Join(t.TempDir(), "perf.map"), complain: &complaints}
	f.add("a", bodies[:1])
	f.add("b", bodies[:1])
	got, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "7f001000 10 wasm::a!main\n7f001000 10 wasm::b!main\n"; string(got) != want {
		t.Errorf("the map is %q, want %q", got, want)
	}
	if info, err := os.Stat(f.path); err != nil {
		t.Error(err)
	} else if runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("the map's mode is %v, want 0600", info.Mode())
	}
	if complaints.Len() != 0 {
		t.Errorf("complained: %s", &complaints)
	}
	if err := f.to.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.add("c", bodies[:1])
	}
	if n := strings.Count(complaints.String(), "\n"); n != 1 {
		t.Errorf("complained %d times that the map cannot be written: %s", n, &complaints)
	}
}

// TestPlanted finds a file, and links, that somebody has put where the map belongs.
func TestPlanted(t *testing.T) {
	for name, plant := range map[string]func(victim, path string) error{
		"a link":          os.Symlink,
		"a dangling link": func(_, path string) error { return os.Symlink(path+".new", path) },
		"a file of another": func(_, path string) error {
			return os.WriteFile(path, []byte("theirs"), 0o666)
		},
	} {
		dir := t.TempDir()
		victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "perf.map")
		if err := os.WriteFile(victim, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := plant(victim, path); err != nil {
			t.Skip(err)
		}
		var complaints bytes.Buffer
		f := file{path: path, complain: &complaints}
		f.add("m", bodies)
		for _, of := range []string{victim, path, path + ".new"} {
			if got, err := os.ReadFile(of); err == nil && string(got) != "theirs" {
				t.Errorf("%s: wrote to %s", name, of)
			}
		}
		if !strings.Contains(complaints.String(), "exists") {
			t.Errorf("%s: complained %q", name, &complaints)
		}
	}
}

// TestUnasked runs this test in processes that were and were not asked for a map.
func TestUnasked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("perf is a tool of Linux")
	}
	if os.Getenv("PERFMAP_CHILD") != "" {
		Add("m", bodies)
		if _, err := os.Lstat(process.path); err == nil {
			os.Remove(process.path)
			os.Exit(10)
		}
		os.Exit(11)
	}
	for value, want := range map[string]int{"": 11, "0": 11, "1": 10} {
		command := emulator.Command(os.Args[0], "-test.run=^TestUnasked$")
		command.Env = append(os.Environ(), "PERFMAP_CHILD=1", variable+"="+value)
		if output, err := command.CombinedOutput(); command.ProcessState.ExitCode() != want {
			t.Errorf("%s=%q: %v, want exit status %d: %s", variable, value, err, want, output)
		}
	}
}
