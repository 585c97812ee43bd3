// Command driver measures engines against each other and prints tables with ratios and whether the
// project's targets are reached.
//
// It builds the command of every engine (engines/NAME, a module of its own each), runs rounds of
// all programs, kernels and other works on all engines interleaved, so that a slow minute of the
// machine hits every engine alike, checks every result against what the same source returns
// natively (expected.txt), and keeps all values as JSON.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/benchmarks/report"
)

// options are what is asked on the command line.
type options struct {
	root              string
	engines, programs []string
	figures           []string
	rounds, inner     int
	budget            time.Duration
	atLeast           time.Duration
	cpus              int
	quick             bool
	output            string
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the repository")
	engines := flag.String("engines", "", "only these engines, separated by commas (all: empty)")
	programs := flag.String("programs", "", "only these programs and kernels, separated by commas (all: empty; none: none)")
	figures := flag.String("figures", "", "only these other figures, such as \"call,host call\" (all: empty; none: none)")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each engine's command is started for each program and figure; slow ones less, see budget")
	flag.IntVar(&o.inner, "inner", 5, "rounds of a program inside each of those processes")
	flag.DurationVar(&o.budget, "budget", 10*time.Second, "an engine that has taken this long for a program or figure is not started for it again")
	flag.DurationVar(&o.atLeast, "time", 20*time.Millisecond, "how long a call or other small work is repeated for one value")
	flag.IntVar(&o.cpus, "cpus", runtime.NumCPU(), "how many goroutines run at once where that is measured")
	flag.BoolVar(&o.quick, "quick", false, "two rounds, a small budget, no interpreters, no compilation of the large module: a first look")
	flag.StringVar(&o.output, "json", "results/benchmarks.json", "where to keep every value")
	flag.Parse()
	o.engines, o.programs, o.figures = list(*engines), list(*programs), list(*figures)
	if o.quick {
		o.rounds, o.inner, o.budget, o.atLeast = 2, 3, 2*time.Second, 10*time.Millisecond
	}
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func list(flag string) []string {
	return strings.FieldsFunc(flag, func(r rune) bool { return r == ',' })
}

func run(o *options) error {
	programs, err := readPrograms(o)
	if err != nil {
		return err
	}
	r := &report.Report{Machine: describeMachine(o.root), Date: time.Now().UTC().Format(time.RFC3339), Quick: o.quick, Rounds: o.rounds,
		Inner: o.inner, Missing: map[string]string{}}
	for _, p := range programs {
		if p.kernel {
			r.Kernels = append(r.Kernels, p.name)
		} else {
			r.Programs = append(r.Programs, p.name)
		}
	}
	work, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	engines, err := buildEngines(o, work, r.Missing)
	if err != nil {
		return err
	}
	modules, err := prepareModules(o, r.Missing)
	if err != nil {
		return err
	}
	runs, err := plan(o, r, programs, engines, modules)
	if err != nil {
		return err
	}
	start := time.Now()
	for round := range o.rounds {
		for _, unit := range runs {
			if unit.done(o.budget) {
				continue
			}
			progress("round %d of %d, %v: %s on %s", round+1, o.rounds, time.Since(start).Round(time.Second), unit.what, unit.engine)
			unit.start(o)
		}
	}
	progress("")
	print(r)
	if err := r.Write(o.output); err != nil {
		return err
	}
	return r.Failures()
}

// print writes all tables and the targets.
func print(r *report.Report) {
	fmt.Println(r.MachineLine())
	fmt.Printf("load at start: %s\n", r.Machine["load at start"])
	for _, table := range r.Tables() {
		table.Plain(os.Stdout)
	}
	fmt.Printf("\nBest of all rounds; in brackets: how many times the best of %s that is. All rounds are in the JSON.\n", report.Subject)
	for _, s := range r.Series {
		if s.Error != "" {
			fmt.Printf("%s, %s: %s %s: %s\n", s.Figure, s.Case, s.Engine, s.Way, firstLine(s.Error))
		}
	}
	for _, what := range slices.Sorted(keys(r.Missing)) {
		fmt.Printf("missing: %s: %s\n", what, firstLine(r.Missing[what]))
	}
	fmt.Println()
	for _, target := range r.Targets() {
		fmt.Println(target)
	}
}

func keys(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// progress shows what is being done on one line of standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
}
