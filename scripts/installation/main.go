// Command installation proves that the Go module can be used as it is published: it packs the
// module as the module proxy does, fetches it into an empty folder with `go get`, and builds,
// checks and runs small programs there. Each step prints a line; a table of all ends the run, and a
// step that fails makes the exit code 1. It needs Linux, git and Go; gcc, qemu and root serve the
// steps that say so.
//
//	go -C scripts/installation run . [-only zip,get,static] [flags]
//
// No step sees the repository, its build folder, or the caller's settings of Go: the environment
// holds what [user] gives it, and the module comes from a GOPROXY of one module, laid out in a
// folder.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// step is one thing that is shown. It returns what it showed, in a line; [errLeftOut] says that
// something it needs is not here.
type step struct {
	name  string
	needs string
	run   func(*proof) (string, error)
}

// steps are all, in the order in which they run.
var steps = []step{
	{"zip", "the module packed as the proxy packs it, within its limit", (*proof).zip},
	{"get", "go get in an empty folder", (*proof).get},
	{"static", "without cgo: statically linked, run in an empty root", (*proof).static},
	{"vendor", "the same from a vendor folder, without a proxy", (*proof).vendor},
	{"cgo", "with cgo and gcc, and a C function as import", (*proof).cgo},
	{"cross", "cross compiled to the other architecture, run under qemu", (*proof).cross},
	{"size", "the stripped program within its limit", (*proof).size},
	{"figures", "time to the first result, and memory", (*proof).figures},
	{"systems", "builds for other systems", (*proof).systems},
}

// errLeftOut is wrapped by the error of a step that cannot run here.
var errLeftOut = errors.New("left out")

func leftOut(format string, arguments ...any) error {
	return fmt.Errorf("%w: %s", errLeftOut, fmt.Sprintf(format, arguments...))
}

// options are the flags.
type options struct {
	root      string
	only      string
	cache     string
	asRoot    string
	qemu      string
	zipLimit  float64
	sizeLimit float64
	processes int
	strict    bool
	keep      bool
}

// proof is one run: the steps share the packed module and the folder.
type proof struct {
	options
	module  *module // nil until it is packed
	folder  string
	sandbox *user
}

func main() {
	var o options
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.name
	}
	flag.StringVar(&o.root, "root", "../..", "the folder of the repository")
	flag.StringVar(&o.only, "only", strings.Join(names, ","), "the steps to run, separated by commas")
	flag.StringVar(&o.cache, "cache", "", "a folder for GOCACHE that outlives the run (default: an empty one)")
	flag.StringVar(&o.asRoot, "as-root", "", `a command that runs others as root, for the empty root: "sudo -n" (default: being root, or a user namespace)`)
	flag.StringVar(&o.qemu, "qemu", "", "the emulator of the other architecture (default: build/arm64/qemu, as scripts/arm64.sh fetches it, or qemu-user-static's)")
	flag.Float64Var(&o.zipLimit, "zip-limit", 6, "the largest packed module, in MB")
	flag.Float64Var(&o.sizeLimit, "size-limit", 11, "the largest stripped program, in MB")
	flag.IntVar(&o.processes, "processes", 20, "how many processes the step figures starts")
	flag.BoolVar(&o.strict, "strict", false, "fail if a step is left out")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder of the run")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "installation: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	ok, err := run(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "installation: %v\n", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// outcome is a line of the table.
type outcome struct {
	step   step
	result string
	shown  string
	took   time.Duration
}

// run takes the chosen steps and reports whether all passed. An error says that they could not
// begin.
func run(o options) (bool, error) {
	var chosen []step
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.IndexFunc(steps, func(s step) bool { return s.name == strings.TrimSpace(name) })
		if i < 0 {
			return false, fmt.Errorf("no step %q", name)
		}
		chosen = append(chosen, steps[i])
	}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return false, err
	}
	o.root = root
	folder, err := os.MkdirTemp("", "installation")
	if err != nil {
		return false, err
	}
	if o.keep {
		fmt.Println("working in", folder)
	} else {
		defer os.RemoveAll(folder)
	}
	p := &proof{options: o, folder: folder}
	if p.sandbox, err = newUser(folder, o.cache); err != nil {
		return false, err
	}

	ok := true
	var outcomes []outcome
	for _, s := range chosen {
		start := time.Now()
		shown, err := s.run(p)
		result := outcome{step: s, result: "ok", shown: shown, took: time.Since(start)}
		switch {
		case errors.Is(err, errLeftOut):
			result.result, result.shown = "left out", strings.TrimPrefix(err.Error(), errLeftOut.Error()+": ")
			ok = ok && !o.strict
		case err != nil:
			result.result, result.shown = "FAILED", err.Error()
			ok = false
		}
		outcomes = append(outcomes, result)
		fmt.Printf("%-8s %-8s %s\n", result.result, s.name, result.shown)
	}
	fmt.Print("\n", table(outcomes))
	return ok, nil
}

// table shows all outcomes, each in a line.
func table(outcomes []outcome) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| step | result | seconds | what | shown |\n|---|---|---:|---|---|\n")
	for _, o := range outcomes {
		shown, _, _ := strings.Cut(o.shown, "\n")
		fmt.Fprintf(&out, "| %s | %s | %.1f | %s | %s |\n", o.step.name, o.result, o.took.Seconds(), o.step.needs, strings.ReplaceAll(shown, "|", `\|`))
	}
	return out.String()
}
