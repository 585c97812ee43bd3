// Command readme writes what the last full run of the benchmarks measured into the README, between two markers, and draws the plots that it shows.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

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
	readme := flag.String("readme", "../README.md", "the file with the markers "+begin+" and "+end)
	flag.Parse()
	if err := run(*path, *results, *readme); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

func run(path, results, readme string) error {
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
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	if !found {
		return fmt.Errorf("%s has no marker %s", readme, begin)
	}
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		return fmt.Errorf("%s has no marker %s after %s", readme, end, begin)
	}
	var section bytes.Buffer
	write(&section, r)
	return os.WriteFile(readme, bytes.Join([][]byte{before, []byte(begin), section.Bytes(), []byte(end), after}, nil), 0o644)
}

// write writes the section.
func write(w *bytes.Buffer, r *report.Report) {
	fmt.Fprintf(w, "\nWritten by `make -C benchmarks readme` from the values of one run, all engines interleaved, best of all rounds (%s).\n", r.MachineLine())
	fmt.Fprintf(w, "In brackets: how many times %s's that is.\n", report.Subject)
	fmt.Fprintf(w, "\n![Geometric means of run times by engine](benchmarks/results/run.svg)\n\n![Cost of a call by engine and way](benchmarks/results/calls.svg)\n")
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
	fmt.Fprintf(w, "\nThe aims and what was measured:\n\n```\n")
	for _, target := range r.Targets() {
		fmt.Fprintln(w, target)
	}
	fmt.Fprintf(w, "```\n")
}
