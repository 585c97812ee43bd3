package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// runOptions are the options and arguments of run.
type runOptions struct {
	dirs        []wasmer.WasiDir
	env         []string
	invoke      string
	timeout     time.Duration
	maxMemory   uint32 // pages
	trapUnknown bool
	file        string
	args        []string // the guest's; the first is file
}

// runFlags are the options that take a value.
var runFlags = map[string]func(o *runOptions, value string) error{
	"--dir": func(o *runOptions, value string) error {
		host, guest, named := strings.Cut(value, "::")
		if host == "" || named && guest == "" {
			return usagef("run: --dir takes HOST or HOST::GUEST, given %q", value)
		}
		o.dirs = append(o.dirs, wasmer.WasiDir{Host: host, Guest: guest})
		return nil
	},
	"--env": func(o *runOptions, value string) error {
		name, _, given := strings.Cut(value, "=")
		if name == "" {
			return usagef("run: --env takes NAME=VALUE or NAME, given %q", value)
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
	"--invoke": func(o *runOptions, value string) error {
		o.invoke = value
		if value == "" {
			return usagef("run: --invoke takes the name of a function, given an empty one")
		}
		return nil
	},
	"--timeout": func(o *runOptions, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return usagef("run: --timeout takes a duration such as 10s or 1m30s, given %q", value)
		}
		o.timeout = d
		return nil
	},
	"--max-memory": func(o *runOptions, value string) error {
		pages, ok := parsePages(value)
		if !ok {
			return usagef("run: --max-memory takes a number of bytes of 64 KiB at least, such as 1048576, 512K, 64M or 2G, given %q", value)
		}
		o.maxMemory = pages
		return nil
	},
}

// parsePages reads a number of bytes, such as 1048576, 1M or 1MiB, and gives that of whole pages.
func parsePages(text string) (uint32, bool) {
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
	pages := min(number*unit/65536, 65536)
	return uint32(pages), pages > 0
}

// parseRun reads the command line of run: options, up to the first argument that is none, then the file, then what belongs to the guest.
func parseRun(arguments []string) (*runOptions, error) {
	o := &runOptions{}
	for len(arguments) > 0 && strings.HasPrefix(arguments[0], "-") && arguments[0] != "-" {
		name, value, joined := strings.Cut(arguments[0], "=")
		arguments = arguments[1:]
		if name == "--" {
			break
		}
		if name == "--trap-unknown-imports" && !joined {
			o.trapUnknown = true
			continue
		}
		set := runFlags[name]
		if set == nil {
			return nil, usagef("run: unknown option %q; try gowasmer help", name)
		}
		if !joined {
			if len(arguments) == 0 {
				return nil, usagef("run: %s must be followed by its value", name)
			}
			value, arguments = arguments[0], arguments[1:]
		}
		if err := set(o, value); err != nil {
			return nil, err
		}
	}
	if len(arguments) == 0 {
		return nil, usagef("run takes a FILE and the guest's arguments, given none")
	}
	o.file, o.args = arguments[0], arguments
	return o, nil
}
