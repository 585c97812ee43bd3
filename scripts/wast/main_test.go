package main

import (
	"os"
	"os/exec"
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

// TestScripts runs scripts that pass, that fail, that use what is not supported, and texts that are
// no scripts.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("cargo"); err != nil {
		t.Skip("cargo is not here, which reads scripts")
	}
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
		paths      []string
		out, error string
	}{
		{[]string{good}, "7 : i32\n" + good + ": 2 assertions and 1 commands passed\n", ""},
		{
			[]string{bad}, bad + ":2: assert_return: result 0: expected f32 nan:canonical, got f32 0x7fa00000\n" +
				bad + ":3: assert_malformed: expected a validation error (\"unexpected token\"), the module was compiled\n" +
				bad + ": 0 assertions and 1 commands passed, 1 modules were accepted that had to be refused, 1 failed\n",
			"2 of 3 directives did not pass",
		},
		{
			[]string{unsupported}, unsupported + ":1: module: refused, as the proposal garbage collection is not supported\n" +
				unsupported + ": 0 assertions and 0 commands passed, 2 refused (garbage collection)\n",
			"2 of 2 directives did not pass",
		},
		{
			[]string{good, good}, strings.Repeat("7 : i32\n"+good+": 2 assertions and 1 commands passed\n", 2) +
				"2 files: 4 assertions and 2 commands passed\n", "",
		},
		{[]string{good, noScript}, "", noScript + ": line 2, column 2: "},
		{[]string{good + "x"}, "", good + "x: No such file or directory"},
	} {
		var out strings.Builder
		err := runFiles(test.paths, nil, &out)
		var got string
		if err != nil {
			got = err.Error()
		}
		if out.String() != test.out || !strings.HasPrefix(got, test.error) || (got == "") != (test.error == "") {
			t.Errorf("%v: %q, expected %q\nerror %q, expected %q", test.paths, out.String(), test.out, got, test.error)
		}
	}
	text, err := os.Open(good)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	var out strings.Builder
	if err := runFiles([]string{"-"}, text, &out); err != nil || !strings.HasSuffix(out.String(), "-: 2 assertions and 1 commands passed\n") {
		t.Errorf("standard input: %q, %v", out.String(), err)
	}
}
