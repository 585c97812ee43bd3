package wasmer_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// guest reads one of the modules of testdata/guests.
func guest(t testing.TB, name string) []byte {
	t.Helper()
	bytes, err := wasmer.ReadBytes(guestFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func guestFile(name string) string {
	return filepath.Join("..", "..", "testdata", "guests", name+".wasm")
}

// instantiate makes an instance that is closed with the test.
func instantiate(t testing.TB, bytes []byte, imports *wasmer.Imports) wasmer.Instance {
	t.Helper()
	instance, err := wasmer.NewInstanceWithImports(bytes, imports)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Close)
	return instance
}

// call calls an exported function that must not fail.
func call(t testing.TB, instance wasmer.Instance, name string, arguments ...interface{}) wasmer.Value {
	t.Helper()
	f := instance.Exports[name]
	if f == nil {
		t.Fatalf("there is no exported function %s", name)
	}
	value, err := f(arguments...)
	if err != nil {
		t.Fatalf("%s%v: %v", name, arguments, err)
	}
	return value
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

// checkText compares the text of an error.
func checkText(t *testing.T, err error, expected string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, expected %q", expected)
	} else if err.Error() != expected {
		t.Errorf("the error is\n%s\nexpected\n%s", err, expected)
	}
}

// checkContains looks for a part of the text of an error.
func checkContains(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, expected one with %q", part)
	} else if !strings.Contains(err.Error(), part) {
		t.Errorf("the error is\n%s\nexpected it to contain\n%s", err, part)
	}
}

// settle collects garbage until a condition holds, and fails after some seconds.
func settle(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still not after 20 s", what)
		}
		runtime.GC()
	}
}

// baseline waits for what earlier tests have dropped, and returns the counts of the engine.
func baseline() engine.Stats {
	stats := engine.ReadStats()
	for {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		next := engine.ReadStats()
		if next == stats {
			return stats
		}
		stats = next
	}
}

// module puts a binary module together from sections.
func module(sections ...[]byte) []byte {
	bytes := []byte("\x00asm\x01\x00\x00\x00")
	for _, section := range sections {
		bytes = append(bytes, section...)
	}
	return bytes
}

// section makes a section of items that are counted.
func section(id byte, items ...[]byte) []byte {
	body := leb(len(items))
	for _, item := range items {
		body = append(body, item...)
	}
	return append(append([]byte{id}, leb(len(body))...), body...)
}

func leb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func name(s string) []byte { return append(leb(len(s)), s...) }

func join(parts ...[]byte) []byte {
	var all []byte
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

// body makes a function's code without locals.
func body(code ...byte) []byte {
	code = append(append([]byte{0}, code...), 0x0b)
	return append(leb(len(code)), code...)
}

// writeFile writes a file that is removed with the test.
func writeFile(t *testing.T, bytes []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
