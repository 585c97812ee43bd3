package report

import (
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func example() *Report {
	r := &Report{Machine: map[string]string{"cpu": "x"}, Programs: []string{"nbody", "fib_recursive"}, Kernels: []string{"sort"}}
	put := func(figure, name, engine string, values ...float64) {
		r.At(Key{Figure: figure, Case: name, Engine: engine}).Values = values
	}
	put(Run, "nbody", Subject, 30, 10, 20)
	put(Run, "fib_recursive", Subject, 10)
	put(Run, "sort", Subject, 10)
	put(Run, "nbody", "wazero", 20)
	put(Run, "fib_recursive", "wazero", 80)
	put(Run, "sort", "native", 1)
	put(Run, "nbody", "wasmtime-go", 5)
	return r
}

func TestMeanLeavesOutWhatIsMissing(t *testing.T) {
	mean, count := example().Mean(Run, []string{"nbody", "fib_recursive", "sort"}, "wazero", Subject)
	if math.Abs(mean-4) > 1e-12 || count != 2 {
		t.Errorf("the mean of 2 and 8 is given as %v of %d, expected 4 of 2", mean, count)
	}
	if mean, count := example().Mean(Run, []string{"sort"}, "wazero", Subject); !math.IsNaN(mean) || count != 0 {
		t.Errorf("the mean of nothing is given as %v of %d", mean, count)
	}
}

func TestBestAndMedian(t *testing.T) {
	s := example().Find(Key{Figure: Run, Case: "nbody", Engine: Subject})
	if s.Best() != 10 || s.Median() != 20 {
		t.Errorf("best %v, median %v, expected 10 and 20", s.Best(), s.Median())
	}
}

func TestTargetsCompareWithRuntimesOnly(t *testing.T) {
	for _, target := range example().Targets() {
		if strings.HasPrefix(target.What, "slowest of them over the best other runtime") {
			if target.Measured != 2 || target.Note != "nbody on wasmtime-go" || target.Reached() {
				t.Errorf("%v: expected 2 for nbody on wasmtime-go, not reached: native code does not count", target)
			}
		} else if strings.Contains(target.What, "wagon") && target.Known {
			t.Errorf("%v: wagon was not measured", target)
		}
	}
}

func TestReportIsKept(t *testing.T) {
	r := example()
	path := filepath.Join(t.TempDir(), "a", "b.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	read, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(read, r) {
		t.Errorf("read %+v, wrote %+v", read, r)
	}
}

func TestTables(t *testing.T) {
	var text strings.Builder
	for _, table := range example().Tables() {
		table.Markdown(&text)
	}
	for _, expected := range []string{"| nbody | 10.0 ns | 20.0 ns (2.00) | 5.0 ns (0.50) | - |", "| geometric mean | 1.00 | 4.00 | 0.50 of 1 | - |"} {
		if !strings.Contains(text.String(), expected) {
			t.Errorf("no line %q in\n%s", expected, text.String())
		}
	}
}
