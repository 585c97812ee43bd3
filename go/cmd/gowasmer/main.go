// Command gowasmer runs, inspects, checks and compiles WebAssembly modules from the shell.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// version is that of Cargo.toml and CHANGELOG.md; a test holds them together.
const version = "0.1.0"

// The exit codes.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// usageError is a mistake in the command line.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, values ...any) error {
	return &usageError{fmt.Sprintf(format, values...)}
}

// streams are where a command reads and writes.
type streams struct {
	in   io.Reader
	out  io.Writer
	errs io.Writer
}

// run executes a command line and returns the exit code.
func run(arguments []string, in io.Reader, out, errs io.Writer) int {
	if len(arguments) == 0 {
		fmt.Fprint(errs, mainHelp())
		return exitUsage
	}
	err := dispatch(arguments[0], arguments[1:], streams{in, out, errs})
	if err == nil {
		return exitOK
	}
	var exit *exitCode
	if errors.As(err, &exit) {
		if exit.err != nil {
			fmt.Fprintf(errs, "gowasmer: %v\n", exit.err)
		}
		return exit.code
	}
	fmt.Fprintf(errs, "gowasmer: %v\n", err)
	var wrong *usageError
	if errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailure
}

// dispatch executes a command.
func dispatch(name string, arguments []string, s streams) error {
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "--version":
		name = "version"
	}
	c, err := findCommand(name)
	if err != nil {
		return err
	}
	o, rest, err := parse(c, arguments)
	if err != nil {
		return err
	}
	if o.help {
		_, err := io.WriteString(s.out, commandHelp(c))
		return err
	}
	return c.run(o, rest, s)
}

func printVersion(_ *settings, arguments []string, s streams) error {
	if len(arguments) > 0 {
		return usagef("version takes no arguments, given %d", len(arguments))
	}
	_, err := fmt.Fprintf(s.out, "gowasmer %s\n", version)
	return err
}
