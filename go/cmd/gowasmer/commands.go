package main

import (
	"slices"
	"strings"
)

// This file has the commands: what they are called, what their options are, and what their help
// says.

// command is a command of the tool.
type command struct {
	name     string
	synopsis string // what follows the name
	short    string // what it does, in a few words
	long     string // the same in some sentences
	after    string // further sections of the help, behind the options
	options  func(*settings) []option
	// anywhere reports whether options may also stand behind arguments. They may not where
	// arguments are the guest's.
	anywhere bool
	// words are what its first argument may be, if that is no file.
	words []string
	run   func(o *settings, arguments []string, s streams) error
}

// commands returns the commands in the order in which they are listed.
func commands() []*command {
	all := []*command{
		{
			name:     "run",
			synopsis: "[OPTION...] FILE [ARG...]",
			short:    "run a WASI program",
			long: `Run runs a program that was built for WASI preview 1, such as by GOOS=wasip1 GOARCH=wasm go build. It gets the
arguments and the standard streams, and no files but those in the directories given by --dir. With --invoke it
calls an exported function of any module, and prints the results, one a line.` + "\n\n" + aboutFile,
			after: `Tests of Go packages run by
  GOOS=wasip1 GOARCH=wasm go test \
    -exec "gowasmer run --dir=/ --env PWD --env PATH" ./...

` + environment + `
Exit codes:
  that of the program, or
  1     the module is invalid, cannot be read or linked, or the guest failed
  2     the command line is wrong
  124   the time given by --timeout is over
  130   Ctrl-C
  134   the program trapped; the backtrace is on standard error
`,
			options: func(o *settings) []option {
				return slices.Concat([]option{o.dirOption(), o.envOption(), o.invokeOption(), o.timeoutOption(),
					o.trapUnknownOption(), o.profileOption(), o.traceOption()}, o.limitOptions(), o.compileOptions(), o.lazyOptions())
			},
			run: runGuest,
		},
		{
			name:     "call",
			synopsis: "[OPTION...] FILE FUNCTION [ARG...]",
			short:    "call an exported function and print its results",
			long: `Call calls an exported function of a module that imports nothing, and prints its results, one a line. ` + aboutFile + `

Arguments are read by the types of the function's parameters: integers in decimal, or with 0x, 0o or 0b before them,
floats in decimal or hexadecimal, "inf" and "nan", vectors as a number of 128 bits, references as "null".`,
			after: environment + `
Exit codes:
  0     the function returned
  1     the module is invalid, cannot be read or linked, or the function failed
  2     the command line is wrong
  124   the time given by --timeout is over
`,
			options: func(o *settings) []option {
				return slices.Concat([]option{o.timeoutOption()}, o.limitOptions(), o.compileOptions(), o.lazyOptions())
			},
			run: call,
		},
		{
			name:     "inspect",
			synopsis: "[OPTION...] FILE",
			short:    "list imports, exports, memories, sections and sizes",
			long:     `Inspect lists what a module consists of. ` + aboutFile,
			options:  func(o *settings) []option { return []option{o.proposalsOption(), o.progressOption()} },
			anywhere: true,
			run:      inspect,
		},
		{
			name:     "validate",
			synopsis: "FILE",
			short:    "check that a module is valid",
			long:     `Validate checks that a module is valid and uses nothing that is not supported. It does not compile it. ` + aboutFile,
			anywhere: true,
			run:      validate,
		},
		{
			name:     "compile",
			synopsis: "[OPTION...] FILE -o OUT",
			short:    "compile a module to a file that is loaded at once",
			long: `Compile writes the machine code of a module to a file that run, call and inspect take in place of the module. It
is for this version of gowasmer and this kind of CPU. ` + aboutFile,
			options:  func(o *settings) []option { return slices.Concat([]option{o.outputOption()}, o.compileOptions()) },
			anywhere: true,
			run:      compile,
		},
		{
			name:     "cache",
			synopsis: "[OPTION...] [show|clear]",
			short:    "show or clear the cache of compiled modules",
			long: `Cache shows where run, call and compile keep the machine code of modules, how many there are and how much room
they take, at most 1 GiB, or removes them. They are found by the contents of a module, and made anew where they are damaged, or
were made by another version of gowasmer or for another kind of CPU.`,
			after:    cacheEnvironment,
			options:  func(o *settings) []option { return []option{o.cacheDirOption()} },
			anywhere: true,
			words:    []string{"show", "clear"},
			run:      cacheCommand,
		},
		{
			name:     "completion",
			synopsis: "bash|zsh",
			short:    "print a script that completes command lines",
			long:     `Completion prints a script by which a shell completes commands, options and files.`,
			after: `Use it in bash, such as in ~/.bashrc, by
  source <(gowasmer completion bash)

and in zsh, such as in ~/.zshrc behind compinit, by
  source <(gowasmer completion zsh)
`,
			anywhere: true,
			words:    []string{"bash", "zsh"},
			run:      completion,
		},
		{
			name:     "version",
			short:    "print the version",
			long:     `Version prints the version.`,
			anywhere: true,
			run:      printVersion,
		},
		{
			name:     "help",
			synopsis: "[COMMAND]",
			short:    "explain a command and its options",
			long:     `Help lists the commands, or explains one of them. So does --help behind a command.`,
			anywhere: true,
			run:      help,
		},
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.name
		if c.options == nil {
			c.options = func(*settings) []option { return nil }
		}
	}
	all[len(all)-1].words = names
	return all
}

const aboutFile = `FILE is a module in the binary or the text format, or what gowasmer compile has written, or "-" for standard
input. Compiled files hold machine code: use only those that you trust.`

const environment = cacheEnvironment + `  GOWASMER_PERF=1     write the guests' functions to /tmp/perf-PID.map, so that
                      the Linux profiler perf shows them by name
`

const cacheEnvironment = `Environment:
  GOWASMER_CACHE=DIR  keep compiled modules there; "off": nowhere
`

// findCommand returns the command of a name.
func findCommand(name string) (*command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	if near := nearest(name, names); near != "" {
		return nil, usagef("unknown command %q; did you mean %s?", name, near)
	}
	return nil, usagef("unknown command %q; try gowasmer help", name)
}

// nearest returns the name that somebody may have meant, or an empty string: one that a few
// letters were left out of, added to, changed or swapped in, or that was not written to the end.
func nearest(given string, names []string) string {
	best, least := "", max(1, min(3, len(given)/3))+1
	for _, name := range names {
		if d := distance(given, name); d < least {
			best, least = name, d
		}
	}
	if best != "" || len(given) < 3 {
		return best
	}
	for _, name := range names {
		if strings.HasPrefix(name, given) {
			return name
		}
	}
	return ""
}

// distance returns how many letters have to be removed, inserted, replaced, or swapped with the
// next one, to make one name of the other.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
