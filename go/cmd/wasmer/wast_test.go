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
	expected := "wasmer: " + path + ": unknown operator or unexpected token at line 2, column 10:\n      (func (i32.cosnt 1)))\n             ^\n"
	if stderr != expected || code != exitFailure {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, expected)
	}
	path = write(t, "invalid.wat", "(module (func (result i32)))")
	if _, stderr, code := execute(t, nil, "call", path, "f"); !strings.Contains(stderr, "type mismatch") || code != exitFailure {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestScripts runs scripts that pass, that fail, that use what is not supported, and texts that are no scripts.
func TestScripts(t *testing.T) {
	good := write(t, "good.wast", `(module (import "spectest" "print_i32" (func $p (param i32)))
  (func (export "f") (param i32) (result i32) (call $p (local.get 0)) (local.get 0)))
(assert_return (invoke "f" (i32.const 7)) (i32.const 7))
(assert_invalid (module (func (result i32))) "type mismatch")`)
	bad := write(t, "bad.wast", `(module (func (export "f") (result f32) (f32.const nan:0x200000)))
(assert_return (invoke "f") (f32.const nan:canonical))
(assert_malformed (module quote "(func)") "unexpected token")`)
	unsupported := write(t, "unsupported.wast", "(module (type (struct)) (func (export \"f\")))\n(assert_return (invoke \"f\"))")
	noScript := write(t, "none.wast", "(module)\n(assert)")
	for _, test := range []struct {
		arguments      []string
		stdout, stderr string
		code           int
	}{
		{[]string{good}, "7 : i32\n" + good + ": 2 assertions and 1 commands passed\n", "", exitOK},
		{
			[]string{bad}, bad + ":2: assert_return: result 0: expected f32 nan:canonical, got f32 0x7fa00000\n" +
				bad + ":3: assert_malformed: expected a validation error (\"unexpected token\"), the module was compiled\n" +
				bad + ": 0 assertions and 1 commands passed, 1 modules were accepted that had to be refused, 1 failed\n",
			"wasmer: 2 of 3 directives did not pass\n", exitFailure,
		},
		{
			[]string{unsupported}, unsupported + ":1: module: refused, as the proposal garbage collection is not supported\n" +
				unsupported + ": 0 assertions and 0 commands passed, 2 refused (garbage collection)\n",
			"wasmer: 2 of 2 directives did not pass\n", exitFailure,
		},
		{
			[]string{good, good}, strings.Repeat("7 : i32\n"+good+": 2 assertions and 1 commands passed\n", 2) +
				"2 files: 4 assertions and 2 commands passed\n", "", exitOK,
		},
		{nil, "", "wasmer: wast takes one FILE or more, given none\n", exitUsage},
		{[]string{noScript}, "", "wasmer: " + noScript + ": line 2, column 2: ", exitFailure},
		{[]string{good + "x"}, "", "wasmer: " + good + "x: no such file or directory\n", exitFailure},
	} {
		stdout, stderr, code := execute(t, nil, append([]string{"wast"}, test.arguments...)...)
		if stdout != test.stdout || !strings.HasPrefix(stderr, test.stderr) || (stderr == "") != (test.stderr == "") || code != test.code {
			t.Errorf("wast %v: exit code %d, expected %d\nstdout %q, expected %q\nstderr %q, expected %q",
				test.arguments, code, test.code, stdout, test.stdout, stderr, test.stderr)
		}
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := execute(t, text, "wast", "-"); !strings.HasSuffix(stdout, "-: 2 assertions and 1 commands passed\n") || code != exitOK {
		t.Errorf("standard input: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
