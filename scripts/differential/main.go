// Command differential runs generated and damaged modules through the package wasmer, and compares
// all that can be seen from outside with what wasmi and wasmtime do: validity, results, traps,
// calls of the host, and what memories, tables and globals hold.
//
//	CGO_ENABLED=0 go run ./scripts/differential -cases 200000 -seed 1
//
// The cases are those of the crate rust/fuzz, which makes them, has an oracle run them, and emits
// both. A case follows from its kind and its seed: -case KIND-SEED runs one again. The module of
// one that differs is written to build/differential with a text that says how. What is running is
// noted there, too, in the file "running", for the case that the process dies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// shown is how many differences are told in full.
const shown = 20

// interval is how long it takes from one line of progress to the next.
const interval = 10 * time.Second

func main() {
	var e emission
	cases := flag.Uint64("cases", 10_000, "how many cases")
	flag.Uint64Var(&e.seed, "seed", 1, "of the run: equal seeds give equal cases")
	flag.Uint64Var(&e.wasmtimeEvery, "wasmtime-every", 4, "one case of so many is judged by wasmtime, the others by wasmi")
	flag.StringVar(&e.kinds, "only", "", "only these `kinds` of cases, separated by commas")
	flag.StringVar(&e.only, "case", "", "only this case, as `KIND-SEED`")
	jobs := flag.Int("jobs", runtime.GOMAXPROCS(0), "how many programs make cases")
	emitter := flag.String("emitter", "", "the built `program` gowasmer-fuzz (default: cargo builds it)")
	findings := flag.String("findings", filepath.Join("build", "differential"), "the `directory` for cases that differ")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "differential: no arguments are taken but flags")
		os.Exit(2)
	}
	e.cases = *cases
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	differences, err := differential(ctx, &e, *emitter, max(*jobs, 1), *findings)
	if err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(2)
	}
	if differences > 0 {
		os.Exit(1)
	}
}

// differential runs the cases and reports on them.
func differential(ctx context.Context, e *emission, emitter string, jobs int, findings string) (differences int, err error) {
	if emitter == "" {
		if emitter, err = build(ctx); err != nil {
			return 0, err
		}
	}
	e.command = []string{emitter}
	if e.only != "" {
		jobs = 1
	}
	if err := os.MkdirAll(findings, 0o777); err != nil {
		return 0, err
	}
	running, err := os.Create(filepath.Join(findings, "running"))
	if err != nil {
		return 0, err
	}
	defer running.Close()
	s := session{findings: findings, running: running, start: time.Now()}
	err = s.run(ctx, e, jobs)
	s.report(os.Stdout)
	return s.differences, err
}

// build has cargo build the emitter, and returns its path.
func build(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "cargo", "build", "--release", "--locked", "-q", "-p", "gowasmer-fuzz")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("cargo: %w", err)
	}
	target := os.Getenv("CARGO_TARGET_DIR")
	if target == "" {
		target = "target"
	}
	return filepath.Join(target, "release", "gowasmer-fuzz"), nil
}

// session is a run.
type session struct {
	findings string
	running  *os.File
	start    time.Time

	mutex       sync.Mutex
	total       tally
	lost        int
	differences int
	shown       time.Time
}

// run emits, checks and counts.
func (s *session) run(ctx context.Context, e *emission, jobs int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cases := make(chan *testCase, 64)
	var emitters, workers sync.WaitGroup
	for share := range jobs {
		emitters.Go(func() {
			if err := e.emit(ctx, share, jobs, cases, s.lose); err != nil {
				cancel(err)
			}
		})
	}
	for worker := range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for c := range cases {
				s.note(worker, c)
				var t tally
				err := check(c, &t)
				if err := s.done(c, &t, err); err != nil {
					cancel(err)
				}
			}
		})
	}
	emitters.Wait()
	close(cases)
	workers.Wait()
	return context.Cause(ctx)
}

// nameSize is how long the names of cases are, at most.
const nameSize = 32

// note writes which case a worker runs.
func (s *session) note(worker int, c *testCase) {
	line := fmt.Appendf(nil, "%-*s\n", nameSize-1, c.name)
	_, _ = s.running.WriteAt(line, int64(worker)*nameSize) // it is for people, and says nothing wrong where it fails
}

// lose counts a case in which an emitter has died.
func (s *session) lose(number uint64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lost++
	fmt.Fprintf(os.Stderr, "case number %d is lost: %v\n", number, err)
}

// done counts a case, and writes one that differs.
func (s *session) done(c *testCase, t *tally, difference error) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.total.add(t)
	if now := time.Now(); now.Sub(s.shown) >= interval {
		if !s.shown.IsZero() {
			fmt.Fprintf(os.Stderr, "%d cases, %.0f per second, %d differ\n", s.total[countCases], s.rate(), s.differences)
		}
		s.shown = now
	}
	if difference == nil {
		return nil
	}
	s.differences++
	text := fmt.Sprintf("case %s (number %d):\n%v\n", c.name, c.number, difference)
	if s.differences <= shown {
		fmt.Print("difference in ", text)
	}
	path := filepath.Join(s.findings, c.name)
	return errors.Join(os.WriteFile(path+".wasm", c.module, 0o666), os.WriteFile(path+".txt", []byte(text), 0o666))
}

func (s *session) rate() float64 { return float64(s.total[countCases]) / time.Since(s.start).Seconds() }

// report tells what was compared.
func (s *session) report(to *os.File) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for i, name := range counterNames {
		fmt.Fprintf(w, "%s\t%d\n", name, s.total[i])
	}
	fmt.Fprintf(w, "lost, as an oracle died\t%d\ndifferences\t%d\n", s.lost, s.differences)
	w.Flush()
	elapsed := time.Since(s.start)
	fmt.Fprintf(to, "%v, %.0f cases per second; %s\n", elapsed.Round(time.Second), s.rate(), strings.Join(os.Args[1:], " "))
}
