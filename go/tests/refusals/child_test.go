//go:build linux && amd64 && !gowasmer_static

package refusals

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A child is the test binary again. TestMain lets it do what its environment says, instead of
// tests, and print one line: what came of it.

const (
	// caseVariable names what the child prepares before it uses the engine, with its argument.
	caseVariable     = "GOWASMER_REFUSALS_CASE"
	argumentVariable = "GOWASMER_REFUSALS_ARGUMENT"
	// guestsVariable is the folder of the guests, as some children see no files.
	guestsVariable = "GOWASMER_REFUSALS_GUESTS"
	// hang is after how long a child hangs.
	hang = 60 * time.Second
)

// What the line of a child begins with.
const (
	works   = "works"
	refused = "refused: "
	skipped = "skipped: "
)

// preparations are what children can do first, by name. They return why that is not possible here,
// or nil.
var preparations = map[string]func(argument string) error{}

func TestMain(m *testing.M) {
	if name := os.Getenv(caseVariable); name != "" {
		fmt.Println(inChild(name, os.Getenv(argumentVariable)))
		return
	}
	os.Exit(m.Run())
}

// inChild prepares and tries, twice, and returns the line.
func inChild(name, argument string) string {
	if err := readGuests(); err != nil {
		return fmt.Sprint("the guests cannot be read: ", err)
	}
	if err := preparations[name](argument); errors.As(err, new(wrong)) {
		return refused + oneLine(whole(err).Error())
	} else if err != nil {
		return skipped + oneLine(err.Error())
	}
	var lines [2]string
	for i := range lines {
		if lines[i] = works; true {
			if err := try(); err != nil {
				lines[i] = refused + oneLine(err.Error())
			}
		}
	}
	if lines[0] != lines[1] && !mayDiffer {
		return fmt.Sprintf("at first %q, then %q", lines[0], lines[1])
	}
	return lines[0]
}

// mayDiffer says that the second time may end otherwise than the first.
var mayDiffer bool

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// child says how a child is run.
type child struct {
	name, argument string
	program        string   // the test binary otherwise
	before         []string // words before the program
	attributes     *syscall.SysProcAttr
	environment    string // a variable more
	directory      string // where it starts, if not here
}

// run runs a child and returns its line. Where the child says that its case is not possible here,
// the test is skipped.
func (c child) run(t *testing.T) string {
	t.Helper()
	program := c.program
	if program == "" {
		program = self(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*hang)
	defer cancel()
	arguments := append(c.before, program)
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.SysProcAttr, command.Dir = c.attributes, c.directory
	guests := os.Getenv(guestsVariable) // a test may have set it
	if guests == "" {
		guests = folder(t)
	}
	command.Env = append(os.Environ(), caseVariable+"="+c.name, argumentVariable+"="+c.argument, guestsVariable+"="+guests, "GOTRACEBACK=all",
		c.environment)
	// A child that hangs says where.
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGQUIT) }
	command.WaitDelay = 10 * time.Second
	var output, complaints bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaints
	err := command.Run()
	if c.attributes != nil && command.Process == nil {
		t.Skipf("the child cannot be started: %v", err)
	}
	line := strings.TrimSpace(output.String())
	if err != nil || complaints.Len() > 0 || strings.Contains(line, "\n") {
		t.Fatalf("child %s %q: %v\n%s%s", c.name, c.argument, err, &output, &complaints)
	}
	if why, ok := strings.CutPrefix(line, skipped); ok {
		t.Skip(why)
	}
	return line
}

// expect runs a child. Without texts it has to work; otherwise it has to be refused, by an error
// that contains all of them.
func (c child) expect(t *testing.T, texts ...string) {
	t.Helper()
	line := c.run(t)
	t.Log(line)
	if len(texts) == 0 {
		if line != works {
			t.Error("expected it to work")
		}
		return
	}
	if !strings.HasPrefix(line, refused) {
		t.Error("expected an error")
	}
	for _, text := range texts {
		if !strings.Contains(strings.ToLower(line), strings.ToLower(text)) {
			t.Errorf("expected the error to contain %q", text)
		}
	}
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// folder is that of the guests.
func folder(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../testdata")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// static reports whether a program needs no dynamic linker.
func static(t *testing.T, path string) bool {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, program := range file.Progs {
		if program.Type == elf.PT_INTERP {
			return false
		}
	}
	return true
}
