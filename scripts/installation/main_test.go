package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// library is a module of the same shape as the real one: it answers, and compiles nothing.
var library = map[string]string{
	"go.mod": "module github.com/gowasmer/wasmer\n\ngo 1.25\n",
	"go/wasmer/wasmer.go": `// Package wasmer answers.
package wasmer

import "os"

type Instance struct {
	Exports map[string]func(...any) (any, error)
}

type Imports struct{ last any }

func ReadBytes(path string) ([]byte, error) { return os.ReadFile(path) }

func NewInstance(bytes []byte) (*Instance, error) {
	answer := func(...any) (any, error) { return ANSWER, nil }
	return &Instance{map[string]func(...any) (any, error){"sum": answer, "add1": answer}}, nil
}

func NewImports() *Imports { return all }

var all = new(Imports)

func (i *Imports) Append(_ string, _, pointer any) (*Imports, error) { i.last = pointer; return i, nil }

func (i *Imports) Close() {}

func NewInstanceWithImports(bytes []byte, _ *Imports) (*Instance, error) { return NewInstance(bytes) }

func (i *Instance) Close() {}
`,
	"testdata/guests/sum.wasm":               "\x00asm",
	"testdata/guests/imported_function.wasm": "\x00asm",
	"benchmarks/x/go.mod":                    "module github.com/gowasmer/wasmer/benchmarks/x\n",
}

// repository writes the library into a folder that git knows.
func repository(t *testing.T, answer string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range library {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "ANSWER", answer)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, arguments := range [][]string{{"init", "-q"}, {"add", "."}} {
		if _, err := git(root, arguments...); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// prove makes a proof with the caller's build cache: what is tested is the proof.
func prove(t *testing.T, o options) *proof {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	o.zipLimit, o.sizeLimit, o.processes = 6, 11, 3
	folder := t.TempDir()
	u, err := newUser(folder, strings.TrimSpace(string(cache)))
	if err != nil {
		t.Fatal(err)
	}
	return &proof{options: o, folder: folder, sandbox: u}
}

func TestStepsPass(t *testing.T) {
	p := prove(t, options{root: repository(t, "42")})
	for _, s := range steps {
		if s.name == "systems" && testing.Short() {
			continue
		}
		shown, err := s.run(p)
		t.Log(s.name, shown, err)
		if err != nil && !strings.HasPrefix(err.Error(), errLeftOut.Error()) {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if p.module.omitted != 1 {
		t.Errorf("%d files omitted, expected that of the other module", p.module.omitted)
	}
}

// A program that answers wrongly, is too large, or cannot be built fails its step.
func TestStepsFail(t *testing.T) {
	p := prove(t, options{root: repository(t, "43")})
	for _, s := range []func(*proof) (string, error){(*proof).static, (*proof).vendor, (*proof).figures} {
		if shown, err := s(p); err == nil || !strings.Contains(err.Error(), `expected "42\n"`) {
			t.Errorf("got %q and %v, expected the wrong answer", shown, err)
		}
	}
	p.sizeLimit, p.zipLimit = 0.1, 0.0001
	for _, s := range []func(*proof) (string, error){(*proof).zip, (*proof).size} {
		if shown, err := s(p); err == nil || !strings.Contains(err.Error(), "expected at most") {
			t.Errorf("got %q and %v, expected that it is too large", shown, err)
		}
	}
	p = prove(t, options{root: repository(t, "(")})
	if shown, err := p.static(); err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("got %q and %v, expected Go's error", shown, err)
	}
}

func TestLinksAreRefused(t *testing.T) {
	root := repository(t, "42")
	if err := os.Symlink("go.mod", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := git(root, "add", "."); err != nil {
		t.Fatal(err)
	}
	if _, err := pack(root, t.TempDir()); err == nil || !strings.Contains(err.Error(), "link is no regular file") {
		t.Errorf("got %v, expected that the link is refused", err)
	}
}

func TestStaticallyLinked(t *testing.T) {
	if err := staticallyLinked("/bin/sh", runtime.GOARCH); err == nil {
		t.Error("/bin/sh is taken for statically linked")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if goarch, _ := other(); staticallyLinked(self, goarch) == nil {
		t.Errorf("this machine's program is taken for one for %s", goarch)
	}
}

// The emulator that scripts/arm64.sh has fetched goes before the system's, and the flag's before
// that.
func TestEmulator(t *testing.T) {
	root, system := t.TempDir(), t.TempDir()
	t.Setenv("PATH", system)
	p := &proof{options: options{root: root}}
	expect := func(want string) {
		t.Helper()
		if got := p.emulator("arm64", "aarch64"); got != want {
			t.Errorf("got %q, expected %q", got, want)
		}
	}
	expect("")
	for _, path := range []string{filepath.Join(system, "qemu-aarch64-static"), filepath.Join(root, "build", "arm64", "qemu")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		expect(path)
	}
	p.qemu = "mine"
	expect("mine")
}

func TestUnknownStep(t *testing.T) {
	if _, err := run(options{root: ".", only: "zip,zap"}); err == nil || err.Error() != `no step "zap"` {
		t.Errorf("got %v", err)
	}
}
