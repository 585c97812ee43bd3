// Package report is what a run of the benchmarks leaves behind: all measured values, the tables
// made of them, and whether the project's targets are reached.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// Subject is the engine that the others are compared with.
const Subject = "gowasmer"

// Engines in the order of tables; others that have a folder follow.
var Engines = []string{Subject, "wazero", "wazy", "wasmtime-go", "wasmer-go", "go-ext-wasm", "life", "wagon", "native", "wasm2go"}

// Ahead are the engines that compile ahead of time: what they run is no WebAssembly that came at
// run time.
var Ahead = []string{"native", "wasm2go"}

// The figures of programs and kernels; those of other works are named by package protocol.
const (
	Run        = "run alone"
	CompileRun = "compile + run"
)

// Report is what is kept of a run.
type Report struct {
	Machine  map[string]string `json:"machine"`
	Date     string            `json:"date"`
	Quick    bool              `json:"quick"`
	Rounds   int               `json:"rounds"`
	Inner    int               `json:"inner"`
	Programs []string          `json:"programs"`
	Kernels  []string          `json:"kernels"`
	Missing  map[string]string `json:"missing,omitempty"` // engines that could not be built, and modules that could not be had, and why
	Series   []*Series         `json:"series"`
}

// Key says what a series measures.
type Key struct {
	Figure string `json:"figure"`
	Case   string `json:"case"`
	Engine string `json:"engine"`
	Way    string `json:"way,omitempty"`
}

// Series holds the values of all rounds.
type Series struct {
	Key
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	Allocs *float64  `json:"allocs,omitempty"` // of Go, per operation; the least of all rounds
	Error  string    `json:"error,omitempty"`
}

// At returns the series of a key, made if need be.
func (r *Report) At(key Key) *Series {
	for _, s := range r.Series {
		if s.Key == key {
			return s
		}
	}
	s := &Series{Key: key, Unit: "ns"}
	r.Series = append(r.Series, s)
	return s
}

// Find returns the series of a key, or nil if it has no value.
func (r *Report) Find(key Key) *Series {
	for _, s := range r.Series {
		if s.Key == key && len(s.Values) > 0 {
			return s
		}
	}
	return nil
}

// Of returns the series of a figure and case, the best of each engine's ways first: the subject's
// ways, then those of the others.
func (r *Report) Of(figure, name string) []*Series {
	var found []*Series
	for _, s := range r.Series {
		if s.Figure == figure && s.Case == name {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b *Series) int { return rank(a.Engine) - rank(b.Engine) })
	return found
}

func rank(engine string) int {
	if i := slices.Index(Engines, engine); i >= 0 {
		return i
	}
	return len(Engines)
}

// Cases lists the cases of a figure in the order in which they were measured.
func (r *Report) Cases(figure string) []string {
	var cases []string
	for _, s := range r.Series {
		if s.Figure == figure && !slices.Contains(cases, s.Case) {
			cases = append(cases, s.Case)
		}
	}
	return cases
}

// Names lists the engines that a figure has values of.
func (r *Report) Names(figure string) []string {
	var names []string
	for _, s := range r.Series {
		if s.Figure == figure && len(s.Values) > 0 && !slices.Contains(names, s.Engine) {
			names = append(names, s.Engine)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// Best is the least value; NaN if there is none, or no series.
func (s *Series) Best() float64 {
	if s == nil || len(s.Values) == 0 {
		return math.NaN()
	}
	return slices.Min(s.Values)
}

// Median is the middle value.
func (s *Series) Median() float64 {
	if s == nil || len(s.Values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s.Values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Best is that of the one series of a key.
func (r *Report) Best(figure, name, engine, way string) float64 {
	return r.Find(Key{figure, name, engine, way}).Best()
}

// Mean is the geometric mean, over some programs, of the best times of one engine over those of
// another, and over how many it is: programs that one of them has no value of are left out.
func (r *Report) Mean(figure string, programs []string, engine, over string) (mean float64, count int) {
	sum := 0.0
	for _, p := range programs {
		if ratio := r.Best(figure, p, engine, "") / r.Best(figure, p, over, ""); !math.IsNaN(ratio) {
			sum += math.Log(ratio)
			count++
		}
	}
	if count == 0 {
		return math.NaN(), 0
	}
	return math.Exp(sum / float64(count)), count
}

// All are the names of programs and kernels.
func (r *Report) All() []string { return slices.Concat(r.Programs, r.Kernels) }

// Write keeps the report as JSON: one line per series, so that a reader sees them all.
func (r *Report) Write(path string) error {
	series := r.Series
	defer func() { r.Series = series }()
	r.Series = nil
	head, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	const empty = "\"series\": null\n}"
	text := append(head[:len(head)-len(empty)], "\"series\": [\n"...)
	for i, s := range series {
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		text = append(append(text, "  "...), line...)
		if i < len(series)-1 {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	text = append(text, " ]\n}\n"...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// Read reads what Write wrote.
func Read(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// Failures joins the errors of programs: wrong results and engines that broke down. That a rival
// refuses a module is none; that the subject does is one.
func (r *Report) Failures() error {
	var failures []error
	for _, s := range r.Series {
		if s.Error != "" && (s.Figure == Run || s.Engine == Subject) {
			failures = append(failures, fmt.Errorf("%s, %s on %s %s: %s", s.Figure, s.Case, s.Engine, s.Way, s.Error))
		}
	}
	return errors.Join(failures...)
}
