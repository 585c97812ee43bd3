package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/benchmarks/report"
)

func TestSectionIsReplaced(t *testing.T) {
	folder := t.TempDir()
	values, readme := filepath.Join(folder, "values.json"), filepath.Join(folder, "README.md")
	details := filepath.Join(folder, "details.md")
	r := &report.Report{Machine: map[string]string{"cpu": "x"}, Programs: []string{"nbody"}, Kernels: []string{"sort"}}
	for _, name := range r.All() {
		r.At(report.Key{Figure: report.Run, Case: name, Engine: report.Subject}).Values = []float64{1}
		r.At(report.Key{Figure: report.Run, Case: name, Engine: "wazero"}).Values = []float64{2}
	}
	r.At(report.Key{Figure: "call", Case: "2 parameters", Engine: report.Subject, Way: "Exports"}).Values = []float64{50}
	if err := r.Write(values); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{readme, details} {
		if err := os.WriteFile(path, []byte("before\n"+begin+"\nold\n"+end+"\nafter\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time the same comes out
		if err := run(values, folder, readme, details); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{
			readme:  "| call from Go, two parameters | 50.0 ns | - |",
			details: "| nbody | 1.0 ns | 2.0 ns (2.00) |",
		} {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := string(text)
			if !strings.HasPrefix(got, "before\n"+begin+"\n") || !strings.HasSuffix(got, end+"\nafter\n") ||
				strings.Contains(got, "old") || strings.Count(got, want) != 1 {
				t.Errorf("%s became\n%s", path, got)
			}
		}
	}
	for _, plot := range []string{"run.svg", "calls.svg"} {
		text, err := os.ReadFile(filepath.Join(folder, plot))
		if err != nil || !strings.Contains(string(text), "<svg") {
			t.Errorf("%s: %v, begins %.20q", plot, err, text)
		}
	}
	if err := os.WriteFile(readme, []byte("no markers\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(values, folder, readme, details); err == nil || !strings.Contains(err.Error(), begin) {
		t.Errorf("without markers: %v, expected an error that names %s", err, begin)
	}
	r.Quick = true
	if err := r.Write(values); err != nil {
		t.Fatal(err)
	}
	if err := run(values, folder, readme, details); err == nil || !strings.Contains(err.Error(), "quick") {
		t.Errorf("of a quick run: %v, expected an error", err)
	}
}
