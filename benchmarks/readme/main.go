// Command readme writes what the last full run of the benchmarks measured into the README, between
// two markers, and draws the plots that it shows.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
	"github.com/gowasmer/wasmer/benchmarks/report"
)

const (
	begin = "<!-- benchmarks:begin -->"
	end   = "<!-- benchmarks:end -->"
)

func main() {
	path := flag.String("json", "results/benchmarks.json", "the values of the run")
	results := flag.String("results", "results", "where to put the plots")
	readme := flag.String("readme", "../README.md", "the file for a chart and a small table, with the markers "+begin+" and "+end)
	details := flag.String("details", "README.md", "the file for all tables, with the same markers")
	flag.Parse()
	if err := run(*path, *results, *readme, *details); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

func run(path, results, readme, details string) error {
	r, err := report.Read(path)
	if err != nil {
		return err
	}
	if r.Quick {
		return fmt.Errorf("%s is of a quick run, expected a full one", path)
	}
	if err := drawMeans(r, filepath.Join(results, "run.svg")); err != nil {
		return err
	}
	if err := drawCalls(r, filepath.Join(results, "calls.svg")); err != nil {
		return err
	}
	if err := replace(readme, r, summary); err != nil {
		return err
	}
	return replace(details, r, write)
}

// replace writes a section between the markers of a file.
func replace(path string, r *report.Report, write func(*bytes.Buffer, *report.Report)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	if !found {
		return fmt.Errorf("%s has no marker %s", path, begin)
	}
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		return fmt.Errorf("%s has no marker %s after %s", path, end, begin)
	}
	var section bytes.Buffer
	write(&section, r)
	return os.WriteFile(path, bytes.Join([][]byte{before, []byte(begin), section.Bytes(), []byte(end), after}, nil), 0o644)
}

// summaryEngines are those of the small table, as far as there are values of them.
var summaryEngines = []string{report.Subject, "wazero", "wazy", "wasmtime-go", "native"}

// summary writes the chart and the small table.
func summary(w *bytes.Buffer, r *report.Report) {
	machine(w, r)
	fmt.Fprintf(w, "\n![Geometric means of run times by engine](benchmarks/results/run.svg)\n")
	names := slices.DeleteFunc(slices.Clone(summaryEngines), func(name string) bool {
		return !slices.Contains(r.Names(report.Run), name)
	})
	row := func(title string, value func(engine string) string) []string {
		cells := []string{title}
		for _, name := range names {
			cells = append(cells, value(name))
		}
		return cells
	}
	mean := func(engine string) string {
		mean, count := r.Mean(report.Run, r.All(), engine, report.Subject)
		switch {
		case count == 0:
			return "-"
		case count < len(r.All()):
			return fmt.Sprintf("%s of %d", report.Ratio(mean), count)
		default:
			return report.Ratio(mean)
		}
	}
	table := &report.Table{Title: "The best way of each engine; less is better:", Rows: [][]string{
		append([]string{""}, names...),
		row(fmt.Sprintf("run time of %d programs (%s = 1)", len(r.All()), report.Subject), mean),
	}}
	for _, work := range []struct{ title, figure, name string }{
		{"call from Go, two parameters", protocol.FigureCall, "2 parameters"},
		{"call into Go, two parameters", protocol.FigureHostCall, "2 parameters"},
		{"compile a Go program (3 MB)", protocol.FigureCompile, "middle"},
		{"make and close a small instance", protocol.FigureInstantiate, "small"},
	} {
		if !slices.Contains(r.Cases(work.figure), work.name) {
			continue
		}
		table.Rows = append(table.Rows, row(work.title, func(engine string) string {
			best := r.BestOf(work.figure, work.name, engine)
			if math.IsNaN(best) {
				return "-"
			}
			return report.Quantity(best, "ns")
		}))
	}
	table.Markdown(w)
}

// machine writes what the values were measured on.
func machine(w *bytes.Buffer, r *report.Report) {
	m := r.Machine
	memory := m["memory"]
	if kilobytes, err := strconv.Atoi(strings.TrimSuffix(memory, " kB")); err == nil {
		memory = fmt.Sprintf("%.0f GiB", float64(kilobytes)/(1<<20))
	}
	fmt.Fprintf(w, "\nMeasured on: %s, %s cores, %s of memory;\n%s; %s;\ncommit %s, %s.\n",
		m["cpu"], m["cpus"], memory, m["kernel"], m["go"], m["commit"], r.Date)
	fmt.Fprintf(w, "Written by `make -C benchmarks readme` from one run, all engines interleaved, best of all rounds.\n")
}

// write writes all tables.
func write(w *bytes.Buffer, r *report.Report) {
	machine(w, r)
	fmt.Fprintf(w, "In brackets: how many times the value of %s.\n", report.Subject)
	fmt.Fprintf(w, "\n![Geometric means of run times by engine](results/run.svg)\n\n![Cost of a call by engine and way](results/calls.svg)\n")
	r.ProgramTable(report.Run, r.Programs, "The programs, run alone:").Markdown(w)
	r.ProgramTable(report.CompileRun, r.Programs, "The programs, compiled and run:").Markdown(w)
	r.ProgramTable(report.Run, r.Kernels, "The kernels, run alone (native: clang -O2 without vectors; wasm2go: translated to Go ahead of time):").Markdown(w)
	for _, figure := range []struct{ name, title string }{
		{protocol.FigureCall, "A call from Go into WebAssembly:"},
		{protocol.FigureHostCall, "A call from WebAssembly into Go:"},
		{protocol.FigureCompile, "Compiling: small is `snappy_compress`, middle a Go program for WASI (3 MB):"},
		{protocol.FigureCompileLong, "Compiling esbuild (14 MB):"},
		{protocol.FigureInstantiate, "Making and closing an instance:"},
		{protocol.FigureMemory, "Resident memory of an instance, of 1000:"},
		{protocol.FigureGoroutines, "Goroutines, each with an instance of its own, time per run:"},
		{protocol.FigureDeadline, "Calls without and with a deadline:"},
		{protocol.FigureCollect, "Garbage collection while guests spin (best median of 15):"},
		{protocol.FigureBlocked, "Calls that wait in host functions:"},
		{protocol.FigureWasi, "Programs of WASI; the Go program and the copy are run from start to end, compiled before:"},
	} {
		if len(r.Names(figure.name)) > 0 {
			r.WorkTable(figure.name, figure.title).Markdown(w)
		}
	}
}
