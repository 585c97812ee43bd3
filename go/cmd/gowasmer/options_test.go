package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// readProfile returns what a profile holds. Names stand in it as they are.
func readProfile(t *testing.T, path string) string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("a profile of %d bytes: %v", len(file), err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A profile is written on every way out, and has the names of guests' functions.
func TestProfile(t *testing.T) {
	for _, test := range []struct {
		line  string
		code  int
		names []string
	}{
		{toolGuest + " args", 0, nil},
		{toolGuest + " exit 7", 7, nil},
		{toolGuest + " trap", exitTrap, nil},
		{"--timeout=1s " + toolGuest + " loop", exitTimeout, []string{"_start", "main.runGuest"}},
		{"--invoke=app_main " + guests + "fib_recursive.wasm", 0, []string{"fibonacci", "main.runGuest"}},
	} {
		t.Run(strings.ReplaceAll(test.line, "/", "_"), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cpu.pprof")
			_, stderr, code := execute(t, nil, append([]string{"run", "--profile", path}, strings.Fields(test.line)...)...)
			if code != test.code {
				t.Fatalf("exit code %d, expected %d, stderr %q", code, test.code, stderr)
			}
			text := readProfile(t, path)
			for _, name := range test.names {
				if !strings.Contains(text, name) {
					t.Errorf("the profile does not name %s", name)
				}
			}
		})
	}
}

func TestProfileAfterCtrlC(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	for wait := 300 * time.Millisecond; wait < time.Minute; wait *= 2 {
		code, errs := interrupt(t, "--profile="+path+" "+toolGuest+" loop", nil, nil, wait)
		if code == -1 {
			continue // the signal came before the command listened
		}
		if code != exitCtrlC || !strings.Contains(errs, "interrupted") {
			t.Fatalf("exit code %d, %q", code, errs)
		}
		if _, err := os.Stat(path); err == nil && strings.Contains(readProfile(t, path), "_start") {
			return
		}
	}
	t.Error("no profile names _start")
}

// No file is left where the guest never began; one that cannot be written is told, and the guest's
// exit code stays.
func TestNoProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	for _, line := range []string{"absent.wasm", guests + "sum.c", guests + "sum.wasm", "--invoke=absent " + guests + "sum.wasm"} {
		_, stderr, code := execute(t, nil, append([]string{"run", "--profile", path}, strings.Fields(line)...)...)
		if _, err := os.Stat(path); code == 0 || err == nil {
			t.Errorf("run %s: exit code %d, stderr %q, and the file: %v", line, code, stderr, err)
		}
	}
	_, stderr, code := execute(t, nil, "run", "--profile", "/nowhere/cpu.pprof", toolGuest)
	if expected := "gowasmer: cannot write the profile /nowhere/cpu.pprof: no such file or directory\n"; stderr != expected || code != exitFailure {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, expected)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	const full = "gowasmer: cannot write the profile /dev/full: no space left on device\n"
	if _, stderr, code := execute(t, nil, "run", "--profile=/dev/full", toolGuest); stderr != full || code != exitFailure {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, full)
	}
	if _, stderr, code := execute(t, nil, "run", "--profile=/dev/full", toolGuest, "exit", "9"); stderr != full || code != 9 {
		t.Errorf("exit code %d, stderr %q, expected %q", code, stderr, full)
	}
}

func TestTraceHostCalls(t *testing.T) {
	stdout, stderr, code := execute(t, nil, "run", "--trace-host-calls", toolGuest, "exit", "3")
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if stdout != "" || code != 3 || lines[len(lines)-1] != "wasi_snapshot_preview1.proc_exit(i32 3) -> error: the guest exited with code 3" {
		t.Errorf("exit code %d, stdout %q, stderr\n%s", code, stdout, stderr)
	}
	if !strings.HasPrefix(lines[0], "wasi_snapshot_preview1.fd_prestat_get(i32 3, i32 ") || !strings.HasSuffix(lines[0], ") -> i32 8") {
		t.Errorf("the first line is %q", lines[0])
	}
	// Missing imports, all types, no result, and names that are not plain.
	path := write(t, "calls.wat", `(module
		(import "env" "none" (func $none))
		(import "an env" "a\nname" (func $all (param i32 i64 f32 f64 v128 funcref externref)))
		(func (export "first") (call $none))
		(func (export "second") (call $all (i32.const -1) (i64.const 2) (f32.const 0.1) (f64.const -inf)
			(v128.const i64x2 1 2) (ref.null func) (ref.null extern))))`)
	for name, expected := range map[string]string{
		"first": "env.none() -> error: the guest called an imported function that nobody provides, namespace: env, name: none",
		"second": `"an env"."a\nname"(i32 -1, i64 2, f32 0.1, f64 -Inf, v128 0x00000000000000020000000000000001, funcref null, externref null) ` +
			"-> error: the guest called an imported function that nobody provides, namespace: an env, name: a",
	} {
		_, stderr, code := execute(t, nil, "run", "--trace-host-calls", "--trap-unknown-imports", "--invoke", name, path)
		if line, _, _ := strings.Cut(stderr, "\n"); line != expected || code != exitTrap {
			t.Errorf("exit code %d, stderr\n%s\nexpected\n%s", code, stderr, expected)
		}
	}
}

func TestInspectProposals(t *testing.T) {
	threads := write(t, "threads.wat", "(module (memory 1 1 shared) (func (result i32 i32) i32.const 1 i32.const 2) (tag))")
	compiled := filepath.Join(t.TempDir(), "sum.compiled")
	if _, stderr, code := execute(t, nil, "compile", guests+"sum.wasm", "-o", compiled); code != exitOK {
		t.Fatal(stderr)
	}
	for _, test := range []struct {
		line, stdout, stderr string
		code                 int
	}{
		{"--proposals " + guests + "sum.wasm", "proposals: 0\n", "", 0},
		{guests + "multi_value.wasm --proposals", "proposals: 1\n  multi-value\n", "", 0},
		{"--proposals " + threads, "proposals: 3\n  multi-value\n  threads  not supported\n  exception handling\n", "", 0},
		{"--proposals ../../../testdata/proposals/guest.wasm", "proposals: 6\n  64-bit memories\n  multiple memories\n  custom page sizes\n" +
			"  extended constant expressions\n  bulk memory\n  tail calls\n", "", 0},
		{"--proposals=false " + threads, "", "the proposal threads is not supported", 1},
		{"--proposals " + compiled, "", "is compiled already; --proposals needs the WebAssembly module", 1},
		{"--proposals " + guests + "sum.c", "", "sum.c: ", 1},
	} {
		stdout, stderr, code := execute(t, nil, append([]string{"inspect"}, strings.Fields(test.line)...)...)
		if stdout != test.stdout || code != test.code || !strings.Contains(stderr, test.stderr) || (test.stderr == "") != (stderr == "") {
			t.Errorf("inspect %s: exit code %d, stdout %q, expected %q, stderr %q", test.line, code, stdout, test.stdout, stderr)
		}
	}
}

func TestLimits(t *testing.T) {
	nan := write(t, "nan.wat", `(module (func (export "f") (param i64) (result i64)
		(i64.reinterpret_f64 (f64.add (f64.reinterpret_i64 (local.get 0)) (f64.const 1)))))`)
	table := write(t, "table.wat", `(module (table 2 funcref) (memory 1)
		(func (export "f") (result i32) (table.grow (ref.null func) (i32.const 1)))
		(func (export "g") (result i32) (memory.grow (i32.const 1))))`)
	deep := write(t, "deep.wat", `(module (func $f (export "f") (param i32) (result i32)
		(if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0)))))`)
	compiled := filepath.Join(t.TempDir(), "table.compiled")
	if _, stderr, code := execute(t, nil, "compile", "--explicit-bounds", table, "-o", compiled); code != exitOK {
		t.Fatal(stderr)
	}
	for _, test := range []struct {
		line, stdout, stderr string
		code                 int
	}{
		{"--canonical-nans " + nan + " f 0xfff8000000000123", "9221120237041090560\n", "", 0},
		{table + " f", "2\n", "", 0},
		{"--max-table=2 " + table + " f", "-1\n", "", 0},
		{"--max-table=1 " + table + " f", "", "table.wat: ", 1},
		{"--max-table=0 " + table + " f", "", `call: --max-table takes a number of elements from 1 to 4294967295, given "0"`, 2},
		{"--max-table=x " + table + " f", "", `given "x"`, 2},
		{"--max-memory=64K " + table + " g", "-1\n", "", 0},
		{"--max-memory=128K --explicit-bounds " + table + " g", "1\n", "", 0},
		{compiled + " g", "1\n", "", 0},
		{"--explicit-bounds " + compiled + " g", "", "is compiled already; give --explicit-bounds, --canonical-nans and --opt-level to gowasmer compile", 2},
		{"--opt-level=none " + table + " f", "2\n", "", 0},
		{"--opt-level=speed " + table + " f", "2\n", "", 0},
		{"--opt-level=none " + compiled + " g", "", "is compiled already", 2},
		{"--opt-level=3 " + table + " f", "", `--opt-level takes speed or none, given "3"`, 2},
		{deep + " f 1000000", "", "call stack exhausted", 1},
		{"--stack-size=256M " + deep + " f 1000000", "1000000\n", "", 0},
		{"--stack-size=3M " + deep + " f 1", "", `call: --stack-size takes a power of two from 256K to 1G, such as 8M, given "3M"`, 2},
		{"--timeout=100ms " + guests + "traps.wasm endless_loop", "", "the time given by --timeout is over", exitTimeout},
		{"--progress=maybe " + table + " f", "", `call: --progress takes true or false, given "maybe"`, 2},
		{"-- " + table + " f", "2\n", "", 0},
	} {
		stdout, stderr, code := execute(t, nil, append([]string{"call"}, strings.Fields(test.line)...)...)
		if stdout != test.stdout || code != test.code || !strings.Contains(stderr, test.stderr) || (test.stderr == "") != (stderr == "") {
			t.Errorf("call %s: exit code %d, expected %d, stdout %q, expected %q, stderr %q, expected to hold %q",
				test.line, code, test.code, stdout, test.stdout, stderr, test.stderr)
		}
	}
}

// GOWASMER_PERF=1 leaves a map with the guest's functions, as the help says, and nothing else
// does.
func TestPerfMap(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("perf is for Linux")
	}
	for _, value := range []string{"1", ""} {
		run := exec.Command(binary, "run", toolGuest)
		run.Env = append(os.Environ(), "GOWASMER_PERF="+value)
		if err := run.Run(); err != nil {
			t.Fatal(err)
		}
		path := "/tmp/perf-" + strconv.Itoa(run.ProcessState.Pid()) + ".map"
		text, err := os.ReadFile(path)
		os.Remove(path)
		if (value == "1") != strings.Contains(string(text), " wasm::") {
			t.Errorf("GOWASMER_PERF=%s: a map of %d bytes, %v", value, len(text), err)
		}
	}
}

// Progress is shown where it is asked for, on one line that is cleared at the end.
func TestProgress(t *testing.T) {
	slow := slowModule(t, 2_000)
	for _, test := range []struct {
		options string
		shown   bool
	}{{"--progress", true}, {"--progress=true", true}, {"--progress=false", false}, {"", false}} {
		line := append(strings.Fields("inspect "+test.options), slow)
		stdout, stderr, code := execute(t, nil, line...)
		if code != exitOK || !strings.Contains(stdout, "functions: 1") {
			t.Fatalf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		if !test.shown && stderr != "" || test.shown && screen(stderr) != "" || test.shown && !strings.Contains(stderr, "\rcompiling slow.wasm: ") {
			t.Errorf("inspect %s wrote %q", test.options, stderr)
		}
	}
}

// screen returns what is left to be seen of a text of one line that is rewritten.
func screen(text string) string {
	var line []byte
	column := 0
	for _, c := range []byte(text) {
		switch {
		case c == '\r':
			column = 0
			continue
		case column == len(line):
			line = append(line, c)
		default:
			line[column] = c
		}
		column++
	}
	return strings.TrimRight(string(line), " ")
}

func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	yes, no := true, false
	p := newProgressLine(&settings{progress: &yes}, "/a/folder/"+strings.Repeat("long", 20)+"\x1b.wasm", &out)
	p.show(0, 0)
	p.show(1, 3)
	p.show(1, 3)
	p.show(3, 3)
	if text := screen(out.String()); len(text) > 79 || !strings.HasSuffix(text, "...: 100%") || strings.Contains(text, "\x1b") {
		t.Errorf("the screen shows %q", text)
	}
	if p.clear(); screen(out.String()) != "" {
		t.Errorf("the screen shows %q at the end", screen(out.String()))
	}
	for _, o := range []*settings{{}, {progress: &no}} {
		if p := newProgressLine(o, "x", &out); p != nil {
			t.Errorf("a line for progress %v and no terminal", o.progress)
		}
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	p = newProgressLine(&settings{}, "x", terminal)
	if p == nil {
		t.Fatal("no line for a terminal")
	}
	if p.show(1, 2); p.shown != "" {
		t.Errorf("%q is shown at once, expected it after a second", p.shown)
	}
	p.from = p.from.Add(-progressAfter)
	if p.show(1, 2); p.shown != "compiling x: 50%" {
		t.Errorf("%q is shown after a second", p.shown)
	}
}
