// Command gowasmer runs, inspects, checks and compiles WebAssembly modules from the shell.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const usage = `gowasmer runs WebAssembly modules.

Usage:
  gowasmer run [OPTION...] FILE [ARG...] run a WASI program
  gowasmer call FILE FUNCTION [ARG...]   call an exported function and print its results, one a line
  gowasmer inspect FILE                  list imports, exports, memories, sections and sizes
  gowasmer validate FILE                 check that a module is valid
  gowasmer compile FILE -o OUT           compile a module; call and inspect take the result, too
  gowasmer version                       print the version
  gowasmer help                          print this text

FILE is a module in the binary or the text format, or "-" for standard input. Arguments are read by the types of the
function's parameters: integers in decimal, or with 0x, 0o or 0b before them; floats in decimal or hexadecimal,
"inf" and "nan". Compiled modules hold machine code: run only files that you trust.

Options of run, each also as --option=value:
  --dir HOST[::GUEST]      let the program use the directory HOST, under the path GUEST if given; may be repeated
  --env NAME=VALUE         set an environment variable; --env NAME takes over the command's own; may be repeated
  --invoke NAME            call this exported function, with ARGs by the types of its parameters, instead of the program's start
  --timeout DURATION       end compiling and the program after that long, such as 10s
  --max-memory SIZE        limit each memory, in bytes, or with K, M or G (KiB, MiB, GiB) behind
  --trap-unknown-imports   run a program although functions are missing that it imports; it fails when it calls one

A program gets the standard streams, and no files but those in the directories given. Tests of Go packages run by
  GOOS=wasip1 GOARCH=wasm go test -exec "gowasmer run --dir=/ --env PWD --env PATH" ./...

Exit codes: 0 success; 1 the module is invalid, cannot be read or linked, or the guest failed; 2 wrong usage. run exits
with the program's code, with 134 if it trapped (the backtrace goes to standard error), 124 if its time was over, and
130 if it was interrupted by Ctrl-C.
`

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

var commands = map[string]func(arguments []string, s streams) error{
	"call":     call,
	"compile":  compile,
	"inspect":  inspect,
	"run":      runGuest,
	"validate": validate,
	"version":  printVersion,
}

// run executes a command line and returns the exit code.
func run(arguments []string, in io.Reader, out, errs io.Writer) int {
	if len(arguments) == 0 {
		fmt.Fprint(errs, usage)
		return exitUsage
	}
	name, rest := arguments[0], arguments[1:]
	if isHelp(name) || len(rest) == 1 && isHelp(rest[0]) && commands[name] != nil {
		fmt.Fprint(out, usage)
		return exitOK
	}
	if name == "--version" {
		name = "version"
	}
	command := commands[name]
	if command == nil {
		fmt.Fprintf(errs, "gowasmer: unknown command %q; try gowasmer help\n", name)
		return exitUsage
	}
	err := command(rest, streams{in, out, errs})
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

func isHelp(argument string) bool {
	return argument == "help" || argument == "-h" || argument == "--help"
}

func printVersion(arguments []string, s streams) error {
	if len(arguments) > 0 {
		return usagef("version takes no arguments, given %d", len(arguments))
	}
	_, err := fmt.Fprintf(s.out, "gowasmer %s\n", version)
	return err
}
