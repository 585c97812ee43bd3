package tests

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Programs for other systems build, so that a program for several does not stop to build for one.
func TestOtherSystemsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the packages many times")
	}
	for _, system := range []string{"windows/amd64", "windows/arm64", "darwin/amd64", "darwin/arm64", "freebsd/amd64",
		"linux/386", "linux/arm", "linux/arm64", "linux/riscv64", "linux/s390x", "js/wasm", "wasip1/wasm"} {
		t.Run(strings.ReplaceAll(system, "/", "-"), func(t *testing.T) {
			buildFor(t, system, os.DevNull, "../cmd/gowasmer")
		})
	}
}

// buildFor builds a package for a system.
func buildFor(t *testing.T, system, out, pkg string) {
	t.Helper()
	goos, goarch, _ := strings.Cut(system, "/")
	command := exec.Command("go", "build", "-o", out, pkg)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
}

// On a system that is not supported the first use says so: WASI is one, and this package runs its
// programs.
func TestFirstUseOnAnotherSystem(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program.wasm")
	buildFor(t, "wasip1/wasm", program, "../cmd/gowasmer")
	bytes, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	var out strings.Builder
	config := &wasmer.Wasi{Args: []string{"gowasmer", "validate", "-"}, Stdin: strings.NewReader("\x00asm\x01\x00\x00\x00"), Stdout: &out, Stderr: &out}
	var exit *wasmer.ExitError
	if err := config.Run(t.Context(), &module); !errors.As(err, &exit) || exit.Code == 0 {
		t.Errorf("the program ended with %v, expected a failure", err)
	}
	if !strings.Contains(out.String(), "wasip1/wasm is not supported; it runs on linux/amd64 and linux/arm64") {
		t.Errorf("the program says %q", out.String())
	}
}

// Here it is supported.
func TestFirstUseHere(t *testing.T) {
	if _, err := wasmer.Compile([]byte("\x00asm\x01\x00\x00\x00")); errors.Is(err, wasmer.ErrUnsupportedPlatform) {
		t.Error(err)
	}
}
