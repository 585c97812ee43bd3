package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file with a text, and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTextModules gives a module in the text format to each command.
func TestTextModules(t *testing.T) {
	const text = ";; a comment\n(module (func (export \"sum\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"
	path := write(t, "sum.wat", text)
	compiled := filepath.Join(t.TempDir(), "sum.compiled")
	for _, test := range []struct {
		arguments []string
		stdout    string
	}{
		{[]string{"call", path, "sum", "5", "37"}, "42\n"},
		{[]string{"validate", path}, path + ": valid\n"},
		{[]string{"compile", path, "-o", compiled}, ""},
		{[]string{"call", compiled, "sum", "5", "37"}, "42\n"},
	} {
		if stdout, stderr, code := execute(t, nil, test.arguments...); stdout != test.stdout || stderr != "" || code != exitOK {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", test.arguments, code, stdout, stderr)
		}
	}
	if stdout, _, code := execute(t, nil, "inspect", path); !strings.Contains(stdout, "sum  function  (i32, i32) -> (i32)") || code != exitOK {
		t.Errorf("inspect: exit code %d, stdout %q", code, stdout)
	}
	if stdout, stderr, code := execute(t, []byte("\n "+text), "call", "-", "sum", "1", "2"); stdout != "3\n" || code != exitOK {
		t.Errorf("standard input: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestTextErrors shows mistakes in a text, with their places.
func TestTextErrors(t *testing.T) {
	path := write(t, "bad.wat", "(module\n  (func (i32.cosnt 1)))")
	_, stderr, code := execute(t, nil, "validate", path)
	expected := "gowasmer: " + path + ": unknown operator or unexpected token at line 2, column 10:\n      (func (i32.cosnt 1)))\n             ^\n"
	if stderr != expected || code != exitFailure {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, expected)
	}
	path = write(t, "invalid.wat", "(module (func (result i32)))")
	if _, stderr, code := execute(t, nil, "call", path, "f"); !strings.Contains(stderr, "type mismatch") || code != exitFailure {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
