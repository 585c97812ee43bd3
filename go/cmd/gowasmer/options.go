package main

import (
	"errors"
	"flag"
	"io"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// settings are what the options of a command line say, be it any command's.
type settings struct {
	help bool

	// Of run.
	dirs        []wasmer.WasiDir
	env         []string
	invoke      string
	trapUnknown bool
	profile     string
	trace       bool

	// Of commands that run guests.
	timeout   time.Duration
	maxMemory uint32 // pages
	maxTable  uint32 // elements
	stackSize uint64 // bytes, 0 for the usual

	// Of commands that compile.
	explicitBounds bool
	canonicalNaNs  bool
	optLevel       wasmer.OptLevel
	lazy           bool
	background     bool
	progress       *bool // nil for: on a terminal, if it takes long
	cache          string
	noCache        bool

	// Of compile and inspect.
	output    string
	proposals bool
}

// option is an option of a command.
type option struct {
	name  string // without dashes
	value string // what its value is called; empty for a switch
	usage string
	files string // what completes the value: "files", "directories", or nothing
	set   func(value string) error
}

// dashed returns the name as it is written.
func (o *option) dashed() string {
	if len(o.name) == 1 {
		return "-" + o.name
	}
	return "--" + o.name
}

// flagValue makes an option a value for package flag. It keeps the error of set, which package
// flag would wrap in words of its own.
type flagValue struct {
	*option
	err *error
}

func (v flagValue) String() string { return "" }

func (v flagValue) IsBoolFlag() bool { return v.option != nil && v.value == "" }

func (v flagValue) Set(value string) error {
	if err := v.set(value); err != nil {
		*v.err = err
		return err
	}
	return nil
}

// parse reads the command line of a command: its options, and what is left.
func parse(c *command, arguments []string) (*settings, []string, error) {
	o := &settings{}
	options := c.options(o)
	var refused error
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for i := range options {
		set.Var(flagValue{&options[i], &refused}, options[i].name, "")
	}
	var rest []string
	for {
		err := set.Parse(arguments)
		switch {
		case err == nil:
		case errors.Is(err, flag.ErrHelp):
			o.help = true
			return o, nil, nil
		case refused != nil:
			return nil, nil, usagef("%s: %v", c.name, refused)
		default:
			// What was being read is the last argument that was taken, unless its form was wrong.
			at := len(arguments) - set.NArg() - 1
			if strings.HasPrefix(err.Error(), "bad flag syntax") {
				at++
			}
			return nil, nil, badOption(c, set, options, arguments[at])
		}
		left := set.Args()
		read := len(arguments) - len(left)
		if len(left) == 0 || !c.anywhere || read > 0 && arguments[read-1] == "--" {
			return o, append(rest, left...), nil
		}
		rest, arguments = append(rest, left[0]), left[1:]
	}
}

// badOption returns what is wrong with an argument that begins as an option does.
func badOption(c *command, set *flag.FlagSet, options []option, given string) error {
	name, _, _ := strings.Cut(strings.TrimLeft(given, "-"), "=")
	if known := set.Lookup(name); known != nil && !strings.HasPrefix(given, "---") {
		o := known.Value.(flagValue)
		return usagef("%s: %s must be followed by its value, %s", c.name, o.dashed(), o.value)
	}
	given, _, _ = strings.Cut(given, "=")
	names := make([]string, len(options))
	for i := range options {
		names[i] = options[i].name
	}
	if near := nearest(name, names); near != "" {
		o := set.Lookup(near).Value.(flagValue)
		return usagef("%s: unknown option %q; did you mean %s?", c.name, given, o.dashed())
	}
	return usagef("%s: unknown option %q; try gowasmer help %s", c.name, given, c.name)
}

// switchOption is an option without a value. It may be given as --name=true or --name=false.
func switchOption(name, usage string, set func(on bool)) option {
	return option{name: name, usage: usage, set: func(value string) error {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return usagef("--%s takes true or false, given %q", name, value)
		}
		set(on)
		return nil
	}}
}

func (o *settings) dirOption() option {
	return option{
		name: "dir", value: "HOST[::GUEST]", files: "directories",
		usage: "let the program use the directory HOST, under the path GUEST if given; may be repeated",
		set: func(value string) error {
			host, guest, named := strings.Cut(value, "::")
			if host == "" || named && guest == "" {
				return usagef("--dir takes HOST or HOST::GUEST, given %q", value)
			}
			o.dirs = append(o.dirs, wasmer.WasiDir{Host: host, Guest: guest})
			return nil
		},
	}
}

func (o *settings) envOption() option {
	return option{
		name: "env", value: "NAME[=VALUE]",
		usage: "set an environment variable, or pass on gowasmer's own; may be repeated",
		set: func(value string) error {
			name, _, given := strings.Cut(value, "=")
			if name == "" {
				return usagef("--env takes NAME=VALUE or NAME, given %q", value)
			}
			if !given {
				inherited, ok := os.LookupEnv(name)
				if !ok {
					return nil
				}
				value = name + "=" + inherited
			}
			o.env = append(o.env, value)
			return nil
		},
	}
}

func (o *settings) invokeOption() option {
	return option{
		name: "invoke", value: "FUNCTION",
		usage: "call this exported function, with ARGs as gowasmer call reads them, instead of the program's start",
		set: func(value string) error {
			if value == "" {
				return usagef("--invoke takes the name of a function, given an empty one")
			}
			o.invoke = value
			return nil
		},
	}
}

func (o *settings) timeoutOption() option {
	return option{
		name: "timeout", value: "DURATION", usage: "end compiling and the guest after that long, such as 10s",
		set: func(value string) error {
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return usagef("--timeout takes a duration such as 10s or 1m30s, given %q", value)
			}
			o.timeout = d
			return nil
		},
	}
}

func (o *settings) trapUnknownOption() option {
	return switchOption("trap-unknown-imports",
		"run a program although functions are missing that it imports; it fails when it calls one",
		func(on bool) { o.trapUnknown = on })
}

func (o *settings) profileOption() option {
	return option{
		name: "profile", value: "OUT", files: "files",
		usage: "write a CPU profile of the program, without compiling, for go tool pprof; it has the guest's functions " +
			"by name",
		set: func(value string) error {
			if value == "" {
				return usagef("--profile takes the name of the file to write, given an empty one")
			}
			o.profile = value
			return nil
		},
	}
}

func (o *settings) traceOption() option {
	return switchOption("trace-host-calls",
		"write each call of a host function to standard error, with arguments and results",
		func(on bool) { o.trace = on })
}

// limitOptions are the options about what a guest may take.
func (o *settings) limitOptions() []option {
	return []option{
		{
			name: "max-memory", value: "SIZE", usage: "limit each memory, in bytes, or with K, M or G (KiB, MiB, GiB) behind",
			set: func(value string) error {
				pages, ok := parsePages(value)
				if !ok {
					return usagef("--max-memory takes a number of bytes of 64 KiB at least, such as 1048576, 512K, 64M or 2G, given %q", value)
				}
				o.maxMemory = pages
				return nil
			},
		},
		{
			name: "max-table", value: "ELEMENTS", usage: "limit each table to a number of elements",
			set: func(value string) error {
				elements, err := strconv.ParseUint(value, 10, 32)
				if err != nil || elements == 0 {
					return usagef("--max-table takes a number of elements from 1 to 4294967295, given %q", value)
				}
				o.maxTable = uint32(elements)
				return nil
			},
		},
		{
			name: "stack-size", value: "SIZE", usage: "let calls of the guest nest as deep as this stack allows, 1M by default; a power of two",
			set: func(value string) error {
				bytes, ok := parseSize(value)
				if !ok || bits.OnesCount64(bytes) != 1 || bytes < 256<<10 || bytes > 1<<30 {
					return usagef("--stack-size takes a power of two from 256K to 1G, such as 8M, given %q", value)
				}
				o.stackSize = bytes
				return nil
			},
		},
	}
}

// parsePages reads a number of bytes, as parseSize does, and returns that of whole pages.
func parsePages(text string) (uint32, bool) {
	bytes, ok := parseSize(text)
	pages := min(bytes/65536, 65536)
	return uint32(pages), ok && pages > 0
}

// parseSize reads a number of bytes, such as 1048576, 1M or 1MiB.
func parseSize(text string) (uint64, bool) {
	unit := uint64(1)
	text = strings.TrimSuffix(strings.ToUpper(text), "IB")
	for letter, size := range map[string]uint64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if number, found := strings.CutSuffix(text, letter); found {
			text, unit = number, size
			break
		}
	}
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil || number > 1<<48/unit {
		return 0, false
	}
	return number * unit, true
}

// compileOptions are the options about code.
func (o *settings) compileOptions() []option {
	return append([]option{
		switchOption("explicit-bounds",
			"check each access to memory in the code, instead of reserving 8 GiB of address space for a memory; slower",
			func(on bool) { o.explicitBounds = on }),
		switchOption("canonical-nans", "make NaNs the same bits on all machines; slower",
			func(on bool) { o.canonicalNaNs = on }),
		{
			name: "opt-level", value: "LEVEL",
			usage: "speed for fast code, which is the default, or none for code that is compiled in half of the time and is slow",
			set: func(value string) error {
				switch value {
				case "speed":
					o.optLevel = wasmer.OptLevelSpeed
				case "none":
					o.optLevel = wasmer.OptLevelNone
				default:
					return usagef("--opt-level takes speed or none, given %q", value)
				}
				return nil
			},
		},
		o.progressOption(),
	}, o.cacheOptions()...)
}

// lazyOptions are the options about when code is made.
func (o *settings) lazyOptions() []option {
	return []option{
		switchOption("lazy", "compile each function when it is called first; the program starts earlier",
			func(on bool) { o.lazy = on }),
		switchOption("background", "as --lazy, and compile the rest while the program runs",
			func(on bool) { o.background = on }),
	}
}

func (o *settings) progressOption() option {
	return switchOption("progress",
		"show how far compiling is; by default on a terminal, if it takes longer than a second (--progress=false: never)",
		func(on bool) { o.progress = &on })
}

func (o *settings) outputOption() option {
	return option{
		name: "o", value: "OUT", files: "files", usage: "write this file",
		set: func(value string) error {
			if o.output != "" {
				return usagef("-o is given twice")
			}
			if value == "" {
				return usagef("-o takes the name of the file to write, given an empty one")
			}
			o.output = value
			return nil
		},
	}
}

func (o *settings) proposalsOption() option {
	return switchOption("proposals",
		"list the proposals that the module needs beyond WebAssembly 1.0 instead, and which are not supported",
		func(on bool) { o.proposals = on })
}

// forInstance returns the options for an instance.
func (o *settings) forInstance(s streams) []wasmer.InstanceOption {
	options := []wasmer.InstanceOption{wasmer.WithMemoryCeiling(o.maxMemory), wasmer.WithTableCeiling(o.maxTable)}
	if o.trapUnknown {
		options = append(options, wasmer.WithTrappingImports())
	}
	if o.trace {
		options = append(options, wasmer.WithHook(tracer(s.errs)))
	}
	return options
}
