//go:build linux && (amd64 || arm64) && !gowasmer_static

package engine

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/image"
)

// TestFailingEngine compiles with an engine that really panics and exhausts its stack.
func TestFailingEngine(t *testing.T) {
	bytes, err := os.ReadFile("../../../testdata/guests/sum.wasm")
	if err != nil {
		t.Fatal(err)
	}
	compile := func() error {
		module, err := Compile(context.Background(), bytes, CompileOptions{})
		if err == nil {
			module.Free()
		}
		return err
	}
	if err := compile(); err != nil {
		t.Fatal(err)
	}
	for _, failure := range []struct {
		name string
		how  uintptr
		text string
	}{
		{"panic", image.FailPanic, "bug of the engine: the engine panicked: asked to (src/lib.rs:"},
		{"overflow", image.FailOverflow, "bug of the engine: the engine's stack is exhausted"},
	} {
		for _, entry := range []struct {
			name   string
			number int
		}{
			{"reading", entryCompilationNew},
			{"compiling", entryCompilationRun},
		} {
			t.Run(failure.name+"/"+entry.name, func(t *testing.T) {
				restore := image.FailInstead(entry.number, failure.how)
				defer restore()
				// More often than there are stacks to lose, or heaps that are kept.
				for range 100 {
					var e *Error
					if err := compile(); !errors.As(err, &e) || e.Kind != KindInternal || !strings.HasPrefix(e.Message, failure.text) {
						t.Fatalf("given an engine that fails, got %v, expected an internal error that begins with %q", err, failure.text)
					}
				}
				restore()
				if err := compile(); err != nil {
					t.Errorf("after the failure: %v", err)
				}
			})
		}
	}
}
