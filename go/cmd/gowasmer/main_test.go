package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The command is built once and run as a user runs it.
var binary string

const guests = "../../../testdata/guests/"

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	directory, err := os.MkdirTemp("", "gowasmer-command-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	binary = filepath.Join(directory, "gowasmer")
	os.Setenv("GOWASMER_CACHE", "off") // tests that want a cache say so
	if err := build(binary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds the command. Where it is for another architecture, GOWASMER_TEST_EMULATOR runs it,
// and a script with the name of the program says so.
func build(to string, flags ...string) error {
	program, emulator := to, os.Getenv("GOWASMER_TEST_EMULATOR")
	if emulator != "" {
		program += ".emulated"
		script := fmt.Sprintf("#!/bin/sh\nexec '%s' '%s' \"$@\"\n", emulator, program)
		if err := os.WriteFile(to, []byte(script), 0o755); err != nil {
			return err
		}
	}
	if output, err := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), ".")...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %v\n%s", err, output)
	}
	return nil
}

// execute runs the command and returns what it printed and its exit code.
func execute(t *testing.T, stdin []byte, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.Command(binary, arguments...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(stdin), &out, &errs
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

func TestCommandLines(t *testing.T) {
	const sum, types, traps = guests + "sum.wasm", guests + "types.wasm", guests + "traps.wasm"
	tests := []struct {
		line           string
		stdout, stderr string // stdout exactly, stderr in part
		code           int
	}{
		{"call " + sum + " sum 5 37", "42\n", "", 0},
		{"call " + sum + " sum -5 -37", "-42\n", "", 0},
		{"call " + sum + " sum 0x10 0b11", "19\n", "", 0},
		{"call " + sum + " sum 4294967295 2147483647", "2147483646\n", "", 0},
		{"call " + types + " i64_i64 18446744073709551615", "-1\n", "", 0},
		{"call " + types + " i64_i64 -9223372036854775808", "-9223372036854775808\n", "", 0},
		{"call " + types + " f32_f32 0.1", "0.1\n", "", 0},
		{"call " + types + " f64_f64 -1e300", "-1e+300\n", "", 0},
		{"call " + types + " f64_f64 nan", "NaN\n", "", 0},
		{"call " + types + " f64_f64 0x1.8p1", "3\n", "", 0},
		{"call " + types + " i32_i64_f32_f64_f64 1 2 3.5 4.25", "10.75\n", "", 0},
		{"call " + types + " void", "", "", 0},
		{"validate " + sum, sum + ": valid\n", "", 0},
		{"version", "gowasmer " + version + "\n", "", 0},
		{"--version", "gowasmer " + version + "\n", "", 0},
		{"--help", mainHelp(), "", 0},
		{"help", mainHelp(), "", 0},

		{"", "", "Usage:", 2},
		{"walk " + sum, "", `gowasmer: unknown command "walk"; try gowasmer help`, 2},
		{"call", "", "gowasmer: call takes FILE, FUNCTION and the function's arguments, given 0 arguments", 2},
		{"call " + sum + " sum 5", "", "gowasmer: function sum has the type (i32, i32) -> (i32): expected 2 arguments, given 1", 2},
		{"call " + sum + " sum 5 6 7", "", "expected 2 arguments, given 3", 2},
		{"call " + sum + " sum 5 x", "", `gowasmer: argument 2 of function sum: expected an i32 (-2147483648 to 4294967295), given "x"`, 2},
		{"call " + sum + " sum 5 4294967296", "", `given "4294967296"`, 2},
		{"call " + types + " f64_f64 one", "", `gowasmer: argument 1 of function f64_f64: expected an f64, given "one"`, 2},
		{"call " + sum + " sun 5 6", "", `gowasmer: no exported function "sun"; the module exports sum`, 2},
		{"call " + traps + " memory", "", `gowasmer: export "memory" is a memory, not a function`, 2},
		{"call " + guests + "absent.wasm f", "", "gowasmer: " + guests + "absent.wasm: no such file or directory", 1},
		{"call " + guests + " f", "", "gowasmer: " + guests + ": is a directory", 1},
		{"call " + guests + "sum.c sum 1 2", "", "gowasmer: " + guests + "sum.c: ", 1},
		{"validate " + guests + "sum.c", "", "gowasmer: " + guests + "sum.c: ", 1},
		{"call " + traps + " unreachable", "", "unreachable", 1},
		{"call " + traps + " div_by_zero", "", "integer divide by zero", 1},
		{"call " + traps + " stack_overflow 0", "", "call stack exhausted", 1},
		{"call " + guests + "names.wasm a 0", "", "integer divide by zero", 1},
		{"call " + guests + "start_trap.wasm never", "", "unreachable", 1},
		{"call " + guests + "imported_function.wasm add1 1 2", "", "Import not found, namespace: env, name: sum", 1},
		{"compile " + sum, "", "gowasmer: compile takes one FILE and -o OUT", 2},
		{"compile " + sum + " -o", "", "gowasmer: compile: -o must be followed by", 2},
		{"compile " + sum + " -o /nowhere/out", "", "/nowhere/out", 1},
		{"inspect", "", "gowasmer: inspect takes one FILE, given 0 arguments", 2},
		{"version now", "", "gowasmer: version takes no arguments", 2},
	}
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.line, "/", "_"), func(t *testing.T) {
			stdout, stderr, code := execute(t, nil, strings.Fields(test.line)...)
			if stdout != test.stdout || code != test.code || !strings.Contains(stderr, test.stderr) || (test.stderr == "") != (stderr == "") {
				t.Errorf("gowasmer %s\nexit code %d, expected %d\nstdout %q, expected %q\nstderr %q, expected to hold %q",
					test.line, code, test.code, stdout, test.stdout, stderr, test.stderr)
			}
		})
	}
}

func TestBacktraceNamesFunctions(t *testing.T) {
	_, stderr, code := execute(t, nil, "call", guests+"names.wasm", "a", "0")
	positions := regexp.MustCompile(`(?s)\bc\b.*\bb\b.*\ba\b`)
	if trace := stderr[strings.Index(stderr, "divide"):]; code != exitFailure || !positions.MatchString(trace) {
		t.Errorf("exit code %d, expected a backtrace of c, b and a in\n%s", code, stderr)
	}
}

func TestModuleFromStandardInput(t *testing.T) {
	module, err := os.ReadFile(guests + "sum.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := execute(t, module, "call", "-", "sum", "1", "2"); stdout != "3\n" || code != exitOK {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if stdout, stderr, code := execute(t, module[:20], "validate", "-"); stdout != "" || code != exitFailure || stderr == "" {
		t.Errorf("a cut module: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestCompiledModules(t *testing.T) {
	compiled := filepath.Join(t.TempDir(), "sum.compiled")
	if _, stderr, code := execute(t, nil, "compile", guests+"sum.wasm", "-o", compiled); code != exitOK || stderr != "" {
		t.Fatalf("compile: exit code %d, stderr %q", code, stderr)
	}
	if stdout, stderr, code := execute(t, nil, "call", compiled, "sum", "5", "37"); stdout != "42\n" || code != exitOK {
		t.Errorf("call: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if stdout, stderr, code := execute(t, nil, "inspect", compiled); !strings.Contains(stdout, "compiled module") || code != exitOK {
		t.Errorf("inspect: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if _, stderr, code := execute(t, nil, "compile", compiled, "-o", compiled); !strings.Contains(stderr, "is compiled already") || code != exitFailure {
		t.Errorf("compile again: exit code %d, stderr %q", code, stderr)
	}
	text, err := os.ReadFile(compiled)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(compiled, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := execute(t, nil, "call", compiled, "sum", "5", "37"); stdout != "" || stderr == "" || code != exitFailure {
		t.Errorf("an altered file: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// Index types and page sizes are shown where they are not the usual ones.
func TestInspectOfProposals(t *testing.T) {
	stdout, stderr, code := execute(t, nil, "inspect", filepath.Join("..", "..", "..", "testdata", "proposals", "guest.wasm"))
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, pattern := range []string{
		`memory +memory +i64, 1 to 3 pages \(64 KiB to 192 KiB\)\n`,
		`bytes +memory +100 to 200 bytes\n`,
		`table +table +i64, 10 elements or more of funcref\n`,
		`memories: 3\n  i64, 1 to 3 pages .*\n  1 to 4 pages \(64 KiB to 256 KiB\)\n  100 to 200 bytes\n`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("no match for %s in\n%s", pattern, stdout)
		}
	}
}

func TestInspect(t *testing.T) {
	stdout, stderr, code := execute(t, nil, "inspect", guests+"imported_function.wasm")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	for _, pattern := range []string{
		`imported_function\.wasm: WebAssembly module, \d+ bytes`,
		`functions: \d+, machine code [\d.]+ \w+`,
		`imports: 1\n  env\.sum +function +\(i32, i32\) -> \(i32\)`,
		`exports: \d+\n(  .*\n)*  add1 +function +\(i32, i32\) -> \(i32\)`,
		`memories: 1\n  \d+ pages`,
		`sections: \d+\n  type +\d+ bytes\n  import +\d+ bytes`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("no match for %s in\n%s", pattern, stdout)
		}
	}
}

// TestVersions holds the version of the command to those of the crate and of the change log.
func TestVersions(t *testing.T) {
	for file, pattern := range map[string]string{
		"../../../Cargo.toml":   `(?m)^version = "([^"]+)"`,
		"../../../CHANGELOG.md": `(?m)^## \[(\d[^\]]*)\]`,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(pattern).FindSubmatch(text); found == nil || string(found[1]) != version {
			t.Errorf("%s: expected version %s, found %q", file, version, found)
		}
	}
}

func TestReferencesAsArguments(t *testing.T) {
	// (module (func (export "f") (param externref) (result externref) local.get 0) (func (export
	// "g") (result funcref) ref.func 1))
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x0a\x02\x60\x01\x6f\x01\x6f\x60\x00\x01\x70\x03\x03\x02\x00\x01" +
		"\x07\x09\x02\x01f\x00\x00\x01g\x00\x01\x0a\x0b\x02\x04\x00\x20\x00\x0b\x04\x00\xd2\x01\x0b")
	for _, c := range []struct {
		arguments      []string
		stdout, stderr string
		code           int
	}{
		{[]string{"call", "-", "f", "null"}, "null\n", "", exitOK},
		{[]string{"call", "-", "f", "0"}, "", "expected null, the only externref", exitUsage},
		{[]string{"call", "-", "g"}, "g() -> (funcref)\n", "", exitOK},
	} {
		stdout, stderr, code := execute(t, module, c.arguments...)
		if stdout != c.stdout || code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", c.arguments, code, stdout, stderr)
		}
	}
}

func TestVectorsAsArguments(t *testing.T) {
	// (module (func (export "f") (param v128) (result v128) local.get 0))
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x06\x01\x60\x01\x7b\x01\x7b\x03\x02\x01\x00\x07\x05\x01\x01f\x00\x00\x0a\x06\x01\x04\x00\x20\x00\x0b")
	if stdout, stderr, code := execute(t, module, "call", "-", "f", "0x10000000000000002"); stdout != "0x00000000000000010000000000000002\n" || code != exitOK {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for _, text := range []string{"-1", "x", "0x100000000000000000000000000000000"} {
		if stdout, stderr, code := execute(t, module, "call", "-", "f", text); stdout != "" || code != exitUsage || !strings.Contains(stderr, "expected a v128") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", text, code, stdout, stderr)
		}
	}
}

func TestSeveralResults(t *testing.T) {
	// (module (func (export "f") (param i32 i64) (result i64 i32) local.get 1 local.get 0))
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x08\x01\x60\x02\x7f\x7e\x02\x7e\x7f\x03\x02\x01\x00\x07\x05\x01\x01f\x00\x00\x0a\x08\x01\x06\x00\x20\x01\x20\x00\x0b")
	if stdout, stderr, code := execute(t, module, "call", "-", "f", "-1", "2"); stdout != "2\n-1\n" || stderr != "" || code != exitOK {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
