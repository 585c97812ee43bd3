// Command driver measures engines against each other on the benchmark programs and prints one table with ratios.
//
// It builds the command of every engine (engines/NAME, a module of its own each), runs rounds of all programs on all engines
// interleaved, so that a slow minute of the machine hits every engine alike, checks every result against what the same source returns
// natively (testdata/guests/expected.txt), and keeps all rounds as JSON.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// subject is the engine that the others are compared with.
const subject = "gowasmer"

// The order of engines in the table; others that have a folder follow by name.
var order = []string{subject, "go-ext-wasm", "life", "wagon"}

func main() {
	root := flag.String("root", "..", "the repository")
	engines := flag.String("engines", "", "only these engines, separated by commas (all: empty)")
	programs := flag.String("programs", "", "only these programs, separated by commas (all: empty)")
	rounds := flag.Int("rounds", 5, "how often each engine's command is started for each program; slow ones less, see budget")
	inner := flag.Int("inner", 5, "rounds inside each of those processes")
	budget := flag.Duration("budget", 10*time.Second, "an engine that has taken this long for a program is not started for it again")
	output := flag.String("json", "results/announced.json", "where to keep every round")
	flag.Parse()
	if err := run(*root, list(*engines), list(*programs), *rounds, *inner, *budget, *output); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func list(flag string) []string {
	return strings.FieldsFunc(flag, func(r rune) bool { return r == ',' })
}

func run(root string, onlyEngines, onlyPrograms []string, rounds, inner int, budget time.Duration, output string) error {
	programs, err := readPrograms(filepath.Join(root, "testdata", "guests"), onlyPrograms)
	if err != nil {
		return err
	}
	names, err := engineNames(filepath.Join(root, "benchmarks", "engines"), onlyEngines)
	if err != nil {
		return err
	}
	bin, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	for _, name := range names {
		progress("building %s", name)
		command := exec.Command("go", "build", "-o", filepath.Join(bin, name), ".")
		command.Dir = filepath.Join(root, "benchmarks", "engines", name)
		if text, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", name, err, text)
		}
	}

	report := &report{Machine: describeMachine(root), Date: time.Now().UTC().Format(time.RFC3339), Rounds: rounds, Inner: inner}
	for _, program := range programs {
		for _, name := range names {
			report.Measurements = append(report.Measurements, &measurement{Engine: name, Program: program.Name})
		}
	}
	for round := range rounds {
		for _, program := range programs {
			for _, name := range names {
				m := report.find(name, program.Name)
				if m.Error != "" || m.spent > budget {
					continue
				}
				progress("round %d of %d: %s on %s", round+1, rounds, program.Name, name)
				m.start(filepath.Join(bin, name), program, inner, budget)
			}
		}
	}
	progress("")
	report.print(os.Stdout, names, programs)
	if err := report.write(output); err != nil {
		return err
	}
	return report.failures()
}

// engineNames lists the folders of engines: the known ones in their order, then the rest.
func engineNames(directory string, only []string) ([]string, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if entry.IsDir() {
			found = append(found, entry.Name())
		}
	}
	for _, name := range only {
		if !slices.Contains(found, name) {
			return nil, fmt.Errorf("no engine %q; there are %s", name, strings.Join(found, ", "))
		}
	}
	rank := func(name string) int {
		if i := slices.Index(order, name); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(found, func(a, b string) int { return rank(a) - rank(b) })
	return slices.DeleteFunc(found, func(name string) bool { return len(only) > 0 && !slices.Contains(only, name) }), nil
}

// progress shows what is being done on one line of standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "\r\033[K"+format, args...)
}
