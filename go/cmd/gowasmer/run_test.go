package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const toolGuest = guests + "wasi/tool.wasm"

func TestRun(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("FROM_OUTSIDE", "taken over")
	reactor, unstable, sum := guests+"wasi_reactor.wasm", guests+"wasi_unstable.wasm", guests+"sum.wasm"
	tests := []struct {
		line           string
		stdout, stderr string // stdout exactly, stderr in part
		code           int
	}{
		{toolGuest + " args a --dir -x", toolGuest + "\nargs\na\n--dir\n-x\n", "", 0},
		{"-- " + toolGuest, toolGuest + "\n", "", 0},
		{"--env A=b=c " + toolGuest + " env A", "b=c\n", "", 0},
		{"--env=FROM_OUTSIDE " + toolGuest + " env FROM_OUTSIDE", "taken over\n", "", 0},
		{"--env NOT_SET_AT_ALL " + toolGuest + " env NOT_SET_AT_ALL", "(not set)\n", "", 0},
		{toolGuest + " env FROM_OUTSIDE", "(not set)\n", "", 0},
		{toolGuest + " copy", "standard input", "", 0},
		{toolGuest + " exit 42", "", "", 42},
		{"--lazy " + toolGuest + " copy", "standard input", "", 0},
		{"--background " + toolGuest + " env FROM_OUTSIDE", "(not set)\n", "", 0},
		{"--lazy " + toolGuest + " trap", "", "wasm trap: unreachable\n    at main(i32, i32) (", 134},
		{"--lazy --timeout 20ms " + toolGuest + " loop", "", "the time given by --timeout is over", 124},
		{toolGuest + " exit 0", "", "", 0},
		{unstable, "hello\n", "", 7},
		{"--dir " + dir + " " + toolGuest + " write " + dir + "/file text", "", "", 0},
		{"--dir=" + dir + "::/data " + toolGuest + " cat /data/file", "text", "", 0},
		{"--dir " + dir + "::/ --dir " + guests + "::/guests " + toolGuest + " cat file", "text", "", 0},
		{"--dir " + dir + "::/ " + toolGuest + " cat ../x", "", "../x: Operation not permitted\n", 1},
		{toolGuest + " trap", "", "wasm trap: unreachable\n    at main(i32, i32) (", 134},
		{"--timeout 20ms " + toolGuest + " loop", "", "the time given by --timeout is over", 124},
		{"--max-memory 64K " + toolGuest, "", "gowasmer: " + toolGuest + ": ", 1},
		{"--max-memory=1MiB " + toolGuest, toolGuest + "\n", "", 0},
		{"--max-memory=64kib " + toolGuest, "", "gowasmer: " + toolGuest + ": ", 1},
		{"--max-memory=1M " + toolGuest, toolGuest + "\n", "", 0},
		{"--invoke sum " + sum + " 5 37", "42\n", "", 0},
		{"--invoke=sum " + sum + " 5", "", "expected 2 arguments, given 1", 2},
		{"--invoke=absent " + sum, "", `exports no function "absent"`, 2},
		{"--trap-unknown-imports --invoke ready " + reactor, "1\n", "", 0},
		{"--trap-unknown-imports --invoke unknown " + reactor, "", "nobody provides, namespace: plugin, name: run", 134},
		{"--invoke ready " + reactor, "", "Import not found, namespace: env, name: sum\n    link error: Import not found, namespace: plugin, name: run", 1},

		{"", "", "gowasmer: run takes a FILE", 2},
		{"--dir", "", "gowasmer: run: --dir must be followed by its value", 2},
		{"--dir= " + toolGuest, "", "--dir takes HOST or HOST::GUEST", 2},
		{"--dir=/:: " + toolGuest, "", "--dir takes HOST or HOST::GUEST", 2},
		{"--dir /nowhere/at/all " + toolGuest, "", "no such file or directory", 1},
		{"--env =x " + toolGuest, "", "--env takes NAME=VALUE or NAME", 2},
		{"--timeout soon " + toolGuest, "", "--timeout takes a duration", 2},
		{"--timeout -1s " + toolGuest, "", "--timeout takes a duration", 2},
		{"--max-memory 1 " + toolGuest, "", "--max-memory takes a number of bytes", 2},
		{"--max-memory 99999999999G " + toolGuest, "", "--max-memory takes a number of bytes", 2},
		{"--invoke= " + toolGuest, "", "--invoke takes the name of a function", 2},
		{"--trap-unknown-imports=7 " + toolGuest, "", `--trap-unknown-imports takes true or false, given "7"`, 2},
		{"--nothing " + toolGuest, "", `unknown option "--nothing"`, 2},
		{sum, "", `exports no function "_start"`, 2},
		{guests + "absent.wasm", "", "no such file or directory", 1},
		{guests + "sum.c", "", "gowasmer: " + guests + "sum.c: ", 1},
	}
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.line, "/", "_"), func(t *testing.T) {
			stdout, stderr, code := execute(t, []byte("standard input"), append([]string{"run"}, strings.Fields(test.line)...)...)
			if stdout != test.stdout || code != test.code || !strings.Contains(stderr, test.stderr) || (test.stderr == "") != (stderr == "") {
				t.Errorf("gowasmer run %s\nexit code %d, expected %d\nstdout %q, expected %q\nstderr %q, expected to hold %q",
					test.line, code, test.code, stdout, test.stdout, stderr, test.stderr)
			}
		})
	}
}

func TestRunCompiledModule(t *testing.T) {
	compiled := filepath.Join(t.TempDir(), "tool.compiled")
	if _, stderr, code := execute(t, nil, "compile", toolGuest, "-o", compiled); code != exitOK {
		t.Fatal(stderr)
	}
	if stdout, stderr, code := execute(t, nil, "run", compiled, "exit", "5"); stdout != "" || stderr != "" || code != 5 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestRunIsInterrupted: Ctrl-C ends a guest that loops, one that waits for input, one whose output
// nobody takes, and compiling.
func TestRunIsInterrupted(t *testing.T) {
	silent, quiet, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	defer quiet.Close()
	zeros, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer zeros.Close()
	for _, test := range []struct {
		command       string
		stdin, stdout *os.File
	}{{toolGuest + " loop", nil, nil}, {toolGuest + " copy", silent, nil}, {toolGuest + " copy", zeros, quiet}, {slowModule(t, 100_000), nil, nil}} {
		code, errs := exitFailure, ""
		for wait := 100 * time.Millisecond; wait < time.Minute; wait *= 2 {
			if code, errs = interrupt(t, test.command, test.stdin, test.stdout, wait); code != -1 { // else the signal came before the command listened
				break
			}
		}
		if code != exitCtrlC || !strings.Contains(errs, "interrupted") {
			t.Errorf("%s: exit code %d, %q", test.command, code, errs)
		}
	}
	// The same by --timeout.
	run := exec.Command(binary, "run", "--timeout=50ms", toolGuest, "copy")
	run.Stdin, run.Stdout = zeros, quiet
	if err := run.Run(); run.ProcessState.ExitCode() != exitTimeout {
		t.Errorf("a timeout while nobody takes the output: %v", err)
	}
}

// interrupt sends a running command an interrupt, and returns its exit code (-1 if the signal ended
// it) and what it wrote to standard error.
func interrupt(t *testing.T, command string, stdin, stdout *os.File, wait time.Duration) (int, string) {
	t.Helper()
	var errs bytes.Buffer
	run := exec.Command(binary, append([]string{"run"}, strings.Fields(command)...)...)
	run.Stderr = &errs
	if stdin != nil {
		run.Stdin = stdin
	}
	if stdout != nil {
		run.Stdout = stdout
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(wait, func() { run.Process.Signal(syscall.SIGINT) })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := run.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return run.ProcessState.ExitCode(), errs.String()
}

// slowModule writes a module with one function that takes long to compile, seconds for a length of
// 100,000, and returns its path. It exports nothing.
func slowModule(t *testing.T, length int) string {
	t.Helper()
	code := bytes.Repeat([]byte{0x20, 0, 0x41, 7, 0x6a, 0x04, 0x40, 0x20, 0, 0x41, 9, 0x6c, 0x21, 0, 0x0b}, length)
	code = append(append([]byte{0}, code...), 0x20, 0, 0x0b)
	part := func(content []byte) []byte { // with its length, in four bytes of LEB128
		n := len(content)
		return append([]byte{byte(n) | 0x80, byte(n>>7) | 0x80, byte(n>>14) | 0x80, byte(n>>21) & 0x7f}, content...)
	}
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x06\x01\x60\x01\x7f\x01\x7f\x03\x02\x01\x00\x0a")
	module = append(module, part(append([]byte{1}, part(code)...))...)
	return write(t, "slow.wasm", string(module))
}

// TestTimeoutWhileCompiling: --timeout ends compiling, and reading the text format. Otherwise the
// command would say later that there is no program in the one, and that the other is not
// well-formed.
func TestTimeoutWhileCompiling(t *testing.T) {
	text := write(t, "slow.wat", "(module (func "+strings.Repeat("(drop (i32.add (i32.const 1) (i32.const 2)))", 200_000))
	for _, path := range []string{slowModule(t, 100_000), text} {
		begin := time.Now()
		stdout, stderr, code := execute(t, nil, "run", "--timeout=100ms", path)
		expected := "gowasmer: " + path + ": the time given by --timeout is over\n"
		if stdout != "" || stderr != expected || code != exitTimeout {
			t.Errorf("%s: exit code %d, expected %d\nstdout %q\nstderr %q, expected %q", path, code, exitTimeout, stdout, stderr, expected)
		}
		t.Logf("%s: ended after %v", filepath.Base(path), time.Since(begin).Round(time.Millisecond))
	}
}

// TestGoTest runs tests of a Go package in a guest, as the help of the command says.
func TestGoTest(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles Go's standard library for wasip1")
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module guest\n\ngo 1.25\n")
	write("data.txt", "data")
	write("guest_test.go", `package guest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	if runtime.GOOS != "wasip1" {
		t.Fatal(runtime.GOOS)
	}
	if data, err := os.ReadFile("data.txt"); string(data) != "data" {
		t.Fatal(string(data), err)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 1 {
		t.Fatal(info, err)
	}
	time.Sleep(time.Millisecond)
	t.Log("ran as a guest")
}
`)
	command := exec.Command("go", "test", "-v", "-count=1", "-exec", binary+" run --dir=/ --env PWD --env PATH --env TMPDIR", ".")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ran as a guest") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Where Go does not preempt by signals, whoever has switched that off, a program that never ends is
// still ended by --timeout (found by trying: it ran on, and SIGTERM did not end it).
func TestTimeoutWithoutPreemption(t *testing.T) {
	dir := t.TempDir()
	plain, without, hidden := filepath.Join(dir, "plain"), filepath.Join(dir, "without"), filepath.Join(dir, "hidden")
	for _, err := range []error{
		build(plain),
		build(without, "-ldflags=-X runtime.godebugDefault=asyncpreemptoff=1"),
		build(hidden, "-trimpath", "-ldflags=-X runtime.godebugDefault=asyncpreemptoff=1"), // the program does not know
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ binary, godebug string }{
		{plain, "GODEBUG=asyncpreemptoff=1"},
		{plain, "GODEBUG=gccheckmark=1"},
		{without, "GODEBUG="},
		{hidden, "GODEBUG="},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		run := exec.CommandContext(ctx, c.binary, "run", "--timeout=50ms", toolGuest, "loop")
		run.Env = append(os.Environ(), c.godebug)
		output, err := run.CombinedOutput()
		cancel()
		if run.ProcessState.ExitCode() != 124 {
			t.Errorf("%s with %s: %v\n%s", filepath.Base(c.binary), c.godebug, err, output)
		}
	}
}
