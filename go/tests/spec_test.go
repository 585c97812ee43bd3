package tests

import (
	"bufio"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
	"github.com/gowasmer/wasmer/internal/wast"
)

const (
	suites = "../../build/testsuite"
	ledger = "../../testdata/spec/ledger.txt"
)

// readLedger reads what must happen in each file of the suites, by suite/file. The Rust runner
// writes the ledger, and checks its form.
func readLedger(t *testing.T) map[string]*wast.Counts {
	t.Helper()
	file, err := os.Open(ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[string]*wast.Counts{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) == 0 || columns[0] == "#" || columns[0] == "total" {
			continue
		}
		number := func(i int) int {
			n, err := strconv.Atoi(columns[i])
			if err != nil {
				t.Fatalf("ledger: %q: %v", lines.Text(), err)
			}
			return n
		}
		switch {
		case columns[0] == "superseded" && len(columns) > 3 && all[columns[1]] != nil:
			all[columns[1]].Accepted += number(2)
		case columns[0] == "refused" && len(columns) > 3 && all[columns[1]] != nil:
			all[columns[1]].Refused[strings.Join(columns[3:], " ")] = number(2)
		case len(columns) == 3:
			all[columns[0]] = &wast.Counts{Assertions: number(1), Commands: number(2), Refused: map[string]int{}}
		default:
			t.Fatalf("ledger: line that cannot be read: %q", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSpecification runs every file of the specification suites that the engine runs in Rust
// (rust/engine/tests/spec) through the public package: the same numbers of assertions and commands
// must pass, and the same be refused or superseded by later proposals.
func TestSpecification(t *testing.T) { runSpecification(t) }

// TestSpecificationLazily does the same with functions that are compiled when they are called, in
// the short form only of the files whose names say that they are about calls.
func TestSpecificationLazily(t *testing.T) { runSpecification(t, wasmer.WithLazy()) }

func runSpecification(t *testing.T, options ...wasmer.CompileOption) {
	all := readLedger(t)
	if len(all) < 90 {
		t.Fatalf("the ledger has %d files, expected all of the suites", len(all))
	}
	var total wast.Counts
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(options) > 0 && testing.Short() && !strings.Contains(name, "call") && !strings.Contains(name, "func") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			counts := runFile(t, filepath.Join(suites, filepath.FromSlash(strings.TrimSuffix(name, ".wast")+".bin")), all[name], options...)
			if !counts.Equal(all[name]) {
				t.Errorf("expected %v by the ledger, got %v", all[name], counts)
			}
			total.Add(counts)
		})
	}
	t.Logf("%d files: %v", len(all), &total)
}

// runFile runs a script, reports what failed, and counts the rest.
func runFile(t *testing.T, path string, expected *wast.Counts, options ...wasmer.CompileOption) *wast.Counts {
	t.Helper()
	encoded, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (make suite writes the files)", err)
	}
	script, err := wast.Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	results, err := wast.Run(context.Background(), script, wast.Options{Whole: len(expected.Refused) == 0, Compile: options})
	if err != nil {
		t.Fatal(err)
	}
	counts := wast.Count(results)
	shown := 0
	for _, result := range results {
		if result.Outcome == wast.Failed || result.Outcome == wast.Accepted && expected.Accepted == 0 {
			if shown++; shown <= 10 {
				t.Errorf("line %d: %s", result.Line, result.Text)
			}
		}
	}
	if shown > 10 {
		t.Errorf("%d more failures", shown-10)
	}
	return counts
}
