//go:build linux && (amd64 || arm64)

package wasmer_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// spinGuest keeps a processor busy with a guest.
//
//go:noinline
func spinGuest(t *testing.T, run func(...interface{}) (wasmer.Value, error), duration time.Duration) {
	for end := time.Now().Add(duration); time.Now().Before(end); {
		if _, err := run(); err != nil {
			t.Fatal(err)
		}
	}
}

// A profile names the guest's function and the Go function that has called it, although the module
// is closed before the profile ends.
func TestCPUProfile(t *testing.T) {
	var file bytes.Buffer
	if err := wasmer.StartCPUProfile(&file); err != nil {
		t.Fatal(err)
	}
	instance := must(wasmer.NewInstance(guest(t, "fib_recursive")))(t)
	spinGuest(t, instance.Exports["app_main"], 500*time.Millisecond)
	instance.Close()
	if err := wasmer.StartCPUProfile(io.Discard); err == nil || !strings.Contains(err.Error(), "is being taken already") {
		t.Errorf("a second profile: %v", err)
	}
	if err := wasmer.StopCPUProfile(); err != nil {
		t.Fatal(err)
	}
	names := unzip(t, file.Bytes())
	for _, name := range []string{"fib_recursive", "wasmer_test.spinGuest"} {
		if !strings.Contains(names, name) {
			t.Errorf("the profile does not name %q", name)
		}
	}
}

// unzip returns what a profile holds. Names stand in it as they are.
func unzip(t *testing.T, file []byte) string {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCPUProfileErrors(t *testing.T) {
	if err := wasmer.StopCPUProfile(); err != nil {
		t.Errorf("stopping none: %v", err)
	}
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Skip(err) // go test -cpuprofile
	}
	err := wasmer.StartCPUProfile(io.Discard)
	pprof.StopCPUProfile()
	if err == nil || !strings.Contains(err.Error(), "cpu profiling already in use") {
		t.Errorf("beside a profile of package runtime/pprof: %v", err)
	}
	full := errors.New("the disk is full")
	if err := wasmer.StartCPUProfile(failingWriter{full}); err != nil {
		t.Fatal(err)
	}
	if err := wasmer.StopCPUProfile(); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
	if err := wasmer.StartCPUProfile(io.Discard); err != nil {
		t.Errorf("a profile after a failed one: %v", err)
	}
	if err := wasmer.StopCPUProfile(); err != nil {
		t.Error(err)
	}
}

// failingWriter fails.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
