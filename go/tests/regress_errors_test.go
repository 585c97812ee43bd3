package tests

import (
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Many goroutines get an error of the engine at the same time. To read it each took another of the
// engine's stacks, of which all were in use: they waited for each other forever.
func TestManyErrorsAtOnce(t *testing.T) {
	text := "(module " + strings.Repeat("(func (param i32) (result i32) local.get 0)", 3_000) + " (oops))"
	within(t, "reading errors", func() {
		inParallel(150, func(int) {
			time.Sleep(time.Millisecond)
			if _, err := wasmer.Wat2Wasm(text); err == nil || !strings.Contains(err.Error(), "oops") && !strings.Contains(err.Error(), "expected") {
				t.Errorf("error %v", err)
			}
		})
	})
}
