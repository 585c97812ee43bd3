package tests

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/emulator"
)

// Tests that could take the process with them, or need one of their own, run in a child: the test
// binary again, with this test alone.

const childVariable = "GOWASMER_TEST_CHILD"

// childOptions say how to run a child.
type childOptions struct {
	ulimit  string   // options of the shell's ulimit, such as "-s 256"
	env     []string // added to the environment
	timeout time.Duration
}

// inChild reports whether this is the child. In the parent it runs the child, fails the test if
// that fails, shows its log, and returns false.
func inChild(t *testing.T, options childOptions) bool {
	t.Helper()
	if os.Getenv(childVariable) == t.Name() {
		return true
	}
	output, err := runChild(t, t.Name(), options)
	if err != nil || !bytes.Contains(output, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("child (ulimit %q, environment %q): %v\n%s", options.ulimit, options.env, err, tail(output))
	}
	for line := range strings.SplitSeq(string(output), "\n") {
		if logged := logLine.FindStringSubmatch(line); logged != nil {
			t.Log(logged[1])
		}
	}
	return false
}

var logLine = regexp.MustCompile(`^\s+\w+_test\.go:\d+: (.*)`)

// runChild runs a test in a child and returns what it printed.
func runChild(t *testing.T, name string, options childOptions) ([]byte, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if options.timeout == 0 {
		options.timeout = 2 * hang
	}
	ctx, cancel := context.WithTimeout(t.Context(), options.timeout)
	defer cancel()
	pattern := "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
	arguments := []string{self, "-test.run=" + pattern, "-test.v", "-test.count=1", "-test.timeout=" + max(30*time.Minute, options.timeout).String()}
	if testing.Short() {
		arguments = append(arguments, "-test.short")
	}
	arguments = emulator.Arguments(arguments...)
	if options.ulimit != "" {
		arguments = append([]string{"/bin/sh", "-c", "ulimit " + options.ulimit + ` && exec "$0" "$@"`}, arguments...)
	}
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), childVariable+"="+name, "GOTRACEBACK=all")
	command.Env = append(command.Env, options.env...)
	// A child that hangs says where.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGQUIT) }
	command.WaitDelay = 10 * time.Second
	return command.CombinedOutput()
}

// tail cuts long output in its middle.
func tail(output []byte) []byte {
	const most = 16 << 10
	if len(output) <= most {
		return output
	}
	return append(append(bytes.Clone(output[:most/2]), "\n...\n"...), output[len(output)-most/2:]...)
}
