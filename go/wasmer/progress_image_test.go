//go:build !gowasmer_static

package wasmer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// What only the image can do: work is given up in its midst.

// One function that takes seconds does not keep compiling from ending with its deadline, with and
// without progress.
func TestCompileDeadlineInOneFunction(t *testing.T) {
	inChildWithoutPreemption(t)
	bytes := busyModule(1, 60_000)
	expectGivenUp(t, "compiling", func(ctx context.Context) error {
		compiled, err := wasmer.CompileContext(ctx, bytes)
		compiled.Close()
		return err
	})
	expectGivenUp(t, "compiling with progress", func(ctx context.Context) error {
		var told counts
		compiled, err := wasmer.CompileContext(ctx, bytes, wasmer.WithProgress(told.tell))
		compiled.Close()
		if len(told.done) > 0 { // where the machine is slow the deadline comes first
			told.check(t, 2, false)
		}
		return err
	})
}

// The text format likewise.
func TestWat2WasmDeadline(t *testing.T) {
	inChildWithoutPreemption(t)
	text := "(module (func " + strings.Repeat("(drop (i32.add (i32.const 1) (i32.const 2)))", 200_000) + "))"
	expectGivenUp(t, "translating", func(ctx context.Context) error {
		_, err := wasmer.Wat2WasmContext(ctx, text)
		if err != nil {
			checkContains(t, err, "translating the text was given up: context deadline exceeded")
		}
		return err
	})
}
