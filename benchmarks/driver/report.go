package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// report is what is kept of a run.
type report struct {
	Machine      map[string]string `json:"machine"`
	Date         string            `json:"date"`
	Rounds       int               `json:"rounds"`
	Inner        int               `json:"inner"`
	Measurements []*measurement    `json:"measurements"`
}

func (r *report) find(engine, program string) *measurement {
	for _, m := range r.Measurements {
		if m.Engine == engine && m.Program == program {
			return m
		}
	}
	return nil
}

// figure is one of the two times that a round has.
type figure struct {
	title string
	of    func(protocol.Round) int64
}

var (
	compileAndRun = figure{"compile + run", func(r protocol.Round) int64 { return r.CompileRun }}
	runAlone      = figure{"run alone", func(r protocol.Round) int64 { return r.Run }}
)

// best and median of a figure, in nanoseconds; NaN without rounds.
func (m *measurement) statistics(f figure) (best, median float64) {
	if m == nil || len(m.Rounds) == 0 {
		return math.NaN(), math.NaN()
	}
	var times []int64
	for _, round := range m.Rounds {
		times = append(times, f.of(round))
	}
	slices.Sort(times)
	return float64(times[0]), float64(times[(len(times)-1)/2]+times[len(times)/2]) / 2
}

// print writes the table: best and median of each figure, and how many times the subject's best each best is.
func (r *report) print(w io.Writer, engines []string, programs []*program) {
	keys := make([]string, 0, len(r.Machine))
	for key := range r.Machine {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(w, "%s: %s\n", key, r.Machine[key])
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "program\tengine\tcompile + run\tmedian\tratio\trun alone\tmedian\tratio\trounds\t")
	for _, p := range programs {
		for _, engine := range engines {
			m := r.find(engine, p.Name)
			if len(m.Rounds) == 0 {
				fmt.Fprintf(table, "%s\t%s\tfailed\t\t\t\t\t\t0\t\n", p.Name, engine)
				continue
			}
			fmt.Fprintf(table, "%s\t%s\t", p.Name, engine)
			for _, f := range []figure{compileAndRun, runAlone} {
				best, median := m.statistics(f)
				fmt.Fprintf(table, "%s\t%s\t%s\t", duration(best), duration(median), ratio(r.ratio(f, engine, p.Name)))
			}
			fmt.Fprintf(table, "%d\t\n", len(m.Rounds))
		}
	}
	_ = table.Flush()
	fmt.Fprintf(w, "\nBest and median of all rounds; ratio: an engine's best over that of %s. One round: the engine was too slow for more.\n", subject)
	r.printTargets(w, engines)
}

// ratio is an engine's best over the subject's.
func (r *report) ratio(f figure, engine, program string) float64 {
	other, _ := r.find(engine, program).statistics(f)
	ours, _ := r.find(subject, program).statistics(f)
	return other / ours
}

// printTargets says whether the project's aims are reached: 100 times the interpreters' speed in the geometric mean of three programs
// (compile + run), and nowhere slower than go-ext-wasm.
func (r *report) printTargets(w io.Writer, engines []string) {
	if !slices.Contains(engines, subject) {
		return
	}
	fmt.Fprintln(w)
	for _, engine := range []string{"life", "wagon"} {
		product := 1.0
		for _, program := range []string{"nbody", "fib_recursive", "pollard_rho_128"} {
			product *= r.ratio(compileAndRun, engine, program)
		}
		if mean := math.Cbrt(product); !math.IsNaN(mean) {
			fmt.Fprintf(w, "%s  compile + run of nbody, fib_recursive, pollard_rho_128: %.0f times faster than %s (geometric mean; aim: 100)\n",
				mark(mean >= 100), mean, engine)
		}
	}
	for _, f := range []figure{compileAndRun, runAlone} {
		for _, b := range benchmarks {
			if ratio := r.ratio(f, "go-ext-wasm", b[0]); !math.IsNaN(ratio) {
				fmt.Fprintf(w, "%s  %s of %s: %.2f times as fast as go-ext-wasm (aim: 1)\n", mark(ratio >= 1), f.title, b[0], ratio)
			}
		}
	}
}

func mark(reached bool) string {
	if reached {
		return "reached    "
	}
	return "NOT reached"
}

// write keeps the report as JSON.
func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// failures joins the errors of all measurements.
func (r *report) failures() error {
	var failures []error
	for _, m := range r.Measurements {
		if m.Error != "" {
			failures = append(failures, fmt.Errorf("%s on %s: %s", m.Program, m.Engine, m.Error))
		}
	}
	return errors.Join(failures...)
}

func duration(nanoseconds float64) string {
	if math.IsNaN(nanoseconds) {
		return "-"
	}
	d := time.Duration(nanoseconds)
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	default:
		return fmt.Sprintf("%.1f us", d.Seconds()*1e6)
	}
}

func ratio(r float64) string {
	if math.IsNaN(r) {
		return "-"
	}
	return fmt.Sprintf("%.2f", r)
}

// describeMachine says what a reader needs to judge the figures by.
func describeMachine(root string) map[string]string {
	m := map[string]string{
		"cpu":      field("/proc/cpuinfo", "model name"),
		"cpus":     fmt.Sprint(runtime.NumCPU()),
		"memory":   field("/proc/meminfo", "MemTotal"),
		"platform": runtime.GOOS + "/" + runtime.GOARCH,
		"go":       output("go", "env", "GOVERSION"),
		"kernel":   output("uname", "-sr"),
		"commit":   output("git", "-C", root, "describe", "--always", "--dirty"),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m["load at start"] = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return m
}

func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func output(name string, args ...string) string {
	text, err := exec.Command(name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}
