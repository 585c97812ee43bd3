package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// The longest that one process of an engine may take.
const timeout = 10 * time.Minute

// benchmarks are the programs of the announcement; each is a line of expected.txt. Others there are checks of correctness only.
var benchmarks = [][3]string{
	{"nbody", "main", "100000"},
	{"fib_recursive", "app_main", "-"},
	{"pollard_rho_128", "app_main", "-"},
	{"snappy_compress", "app_main", "-"},
}

// program is one thing to run and what it must return.
type program struct {
	Name     string
	file     string
	entry    string
	args     string
	expected string
}

// readPrograms finds the benchmark programs and what they return natively.
func readPrograms(guests string, only []string) ([]*program, error) {
	path := filepath.Join(guests, "expected.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	expected := map[[3]string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s: a line of %d fields, expected 4: %q", path, len(fields), line)
		}
		expected[[3]string(fields[:3])] = fields[3]
	}
	var programs []*program
	var names []string
	for _, b := range benchmarks {
		names = append(names, b[0])
		if len(only) > 0 && !slices.Contains(only, b[0]) {
			continue
		}
		result, found := expected[b]
		if !found {
			return nil, fmt.Errorf("%s: no line for %s", path, strings.Join(b[:], " "))
		}
		args := b[2]
		if args == "-" {
			args = ""
		}
		programs = append(programs, &program{Name: b[0], file: filepath.Join(guests, b[0]+".wasm"), entry: b[1], args: args, expected: result})
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("no program %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return programs, nil
}

// measurement holds all rounds of one engine on one program.
type measurement struct {
	Engine  string           `json:"engine"`
	Program string           `json:"program"`
	Rounds  []protocol.Round `json:"rounds"`
	Error   string           `json:"error,omitempty"`

	spent time.Duration
}

// start runs the engine's command once, with fewer inner rounds where they would take longer than the budget.
func (m *measurement) start(command string, p *program, inner int, budget time.Duration) {
	count := inner
	if n := len(m.Rounds); n == 0 {
		count = 1 // to see how long it takes
	} else if each := time.Duration(m.Rounds[n-1].CompileRun); each > 0 {
		count = max(1, min(inner, int((budget-m.spent)/each)))
	}
	began := time.Now()
	rounds, err := execute(command, p, count)
	m.spent += time.Since(began)
	m.Rounds = append(m.Rounds, rounds...)
	if err != nil {
		m.Error = err.Error()
	}
}

func execute(command string, p *program, rounds int) ([]protocol.Round, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	kind, _, _ := strings.Cut(p.expected, ":")
	process := exec.CommandContext(ctx, command, "-program", p.file, "-entry", p.entry, "-args", p.args, "-result", kind,
		"-rounds", strconv.Itoa(rounds))
	var messages bytes.Buffer
	process.Stderr = &messages
	output, err := process.Output()
	var measured []protocol.Round
	for line := range bytes.Lines(output) {
		var round protocol.Round
		if json.Unmarshal(line, &round) != nil {
			continue // a word of the engine's own
		}
		if round.Result != p.expected {
			return measured, fmt.Errorf("returned %s, expected %s", round.Result, p.expected)
		}
		measured = append(measured, round)
	}
	switch {
	case ctx.Err() != nil:
		return measured, fmt.Errorf("not done within %v", timeout)
	case err != nil:
		return measured, fmt.Errorf("%w: %s", err, bytes.TrimSpace(messages.Bytes()))
	case len(measured) != rounds:
		return measured, errors.New("printed fewer rounds than it was asked for")
	}
	return measured, nil
}
