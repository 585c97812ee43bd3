// Command wasisuite runs the WASI test suite (https://github.com/WebAssembly/wasi-testsuite), of
// which a directory with built tests for preview 1 is given, by bin/gowasmer, and prints what
// failed and how many passed.
//
// A test is a module NAME.wasm. NAME.json beside it, if there is one, says how it is run and what
// it must do: see configuration. A directory that a test gets is copied for it, so that tests do
// not see what others have left.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// timeout is how long a test may take; the slowest takes a second.
const timeout = 30 * time.Second

// configuration is a NAME.json, in the short form, or in the long one, of operations.
type configuration struct {
	operation
	Dirs       []string    `json:"dirs"` // of older suites: directories under their own names
	ExitCode   int         `json:"exit_code"`
	Stdout     *string     `json:"stdout"`
	Stderr     *string     `json:"stderr"`
	Operations []operation `json:"operations"`

	// reads says that Stdout and Stderr are what operations read: the program may write more.
	reads bool
}

// operation is what is done with the program, in order. Preview 1 needs those to run it, to read
// from it and to wait for its end.
type operation struct {
	Type     string            `json:"type"`
	Args     []string          `json:"args"`
	Env      map[string]string `json:"env"`
	Root     string            `json:"root"` // the directory that is "/"
	ID       string            `json:"id"`
	Payload  string            `json:"payload"`
	ExitCode int               `json:"exit_code"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: wasisuite COMMAND DIRECTORY: the command bin/gowasmer, and a directory with built tests")
		os.Exit(2)
	}
	passed, failures, err := runSuite(os.Args[1], os.Args[2])
	for _, failure := range failures {
		fmt.Println(failure)
	}
	if err == nil && passed+len(failures) == 0 {
		err = fmt.Errorf("no test (*.wasm) under %s; build the suite first", os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasisuite:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed\n", passed, len(failures))
	if len(failures) > 0 {
		os.Exit(1)
	}
}

// runSuite runs all tests under a directory.
func runSuite(command, directory string) (passed int, failures []error, err error) {
	var tests []string
	err = filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wasm") && !entry.IsDir() {
			tests = append(tests, path)
		}
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	for _, test := range tests {
		if err := runTest(command, test); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", test, err))
		} else {
			passed++
		}
	}
	return passed, failures, nil
}

// runTest runs a test and says why it failed.
func runTest(command, test string) error {
	c := configuration{}
	text, err := os.ReadFile(strings.TrimSuffix(test, ".wasm") + ".json")
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := c.simplify(); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "wasisuite")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	arguments := []string{"run"}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		arguments = append(arguments, "--env", name+"="+c.Env[name])
	}
	directories := map[string]string{}
	for _, name := range c.Dirs {
		directories[name] = name
	}
	if c.Root != "" {
		directories[c.Root] = "/"
	}
	for _, name := range slices.Sorted(maps.Keys(directories)) {
		to := filepath.Join(scratch, name)
		if err := copyDirectory(to, filepath.Join(filepath.Dir(test), name)); err != nil {
			return err
		}
		arguments = append(arguments, "--dir", to+"::"+directories[name])
	}
	return c.execute(command, append(append(arguments, test), c.Args...))
}

// simplify turns the long form into the short one.
func (c *configuration) simplify() error {
	for _, o := range c.Operations {
		switch o.Type {
		case "run":
			c.Args, c.Env, c.Root = o.Args, o.Env, o.Root
		case "read":
			c.reads = true
			to := &c.Stdout
			if o.ID == "stderr" {
				to = &c.Stderr
			}
			if *to == nil {
				*to = new(string)
			}
			**to += o.Payload
		case "wait":
			c.ExitCode = o.ExitCode
		default:
			return fmt.Errorf("the operation %q is not one of preview 1's, expected run, read or wait", o.Type)
		}
	}
	return nil
}

// execute runs the command and compares. Standard input is a pipe that stays open and empty.
func (c *configuration) execute(command string, arguments []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	run := exec.CommandContext(ctx, command, arguments...)
	var out, errs bytes.Buffer
	run.Stdout, run.Stderr = &out, &errs
	in, err := run.StdinPipe()
	if err != nil {
		return err
	}
	defer in.Close()
	var exit *exec.ExitError
	if err := run.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	switch code := run.ProcessState.ExitCode(); {
	case ctx.Err() != nil:
		return fmt.Errorf("not done after %v\n%s", timeout, errs.String())
	case code != c.ExitCode:
		return fmt.Errorf("exit code %d, expected %d\n%s", code, c.ExitCode, errs.String())
	case !c.agrees(out.String(), c.Stdout):
		return fmt.Errorf("standard output %q, expected %q", out.String(), *c.Stdout)
	case !c.agrees(errs.String(), c.Stderr):
		return fmt.Errorf("standard error %q, expected %q", errs.String(), *c.Stderr)
	}
	return nil
}

// agrees compares what a program wrote with what is expected of it, if anything is.
func (c *configuration) agrees(text string, expected *string) bool {
	return expected == nil || text == *expected || c.reads && strings.HasPrefix(text, *expected)
}

// copyDirectory copies what a suite ships; git keeps no empty directories, so one that is not there
// is empty.
func copyDirectory(to, from string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(to, 0o755)
	}
	return os.CopyFS(to, os.DirFS(from))
}
