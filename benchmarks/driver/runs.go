package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
	"github.com/gowasmer/wasmer/benchmarks/report"
)

// The longest that one process of an engine may take.
const timeout = 5 * time.Minute

// Interpreters are too slow for the kernels: they run the programs alone.
var interpreters = []string{"life", "wagon"}

// withoutVectors know no SIMD: they run the kernels that have none.
var withoutVectors = []string{"go-ext-wasm", "wasm2go"}

// vectors is how the names of the kernels begin that use SIMD.
const vectors = "simd_"

// unit is what one process of an engine does: a program, or the works of a figure.
type unit struct {
	what    string
	engine  string
	command string
	report  *report.Report
	program *program // or nil
	figure  string
	modules string

	spent  time.Duration
	each   time.Duration // what the last round of the program took
	broken bool
}

// plan lists all units in the order of a round.
func plan(o *options, r *report.Report, programs []*program, engines []*engine, modules string) ([]*unit, error) {
	var units []*unit
	for _, p := range programs {
		for _, e := range engines {
			if slices.Contains(interpreters, e.name) && (p.kernel || o.quick) {
				continue
			}
			if slices.Contains(withoutVectors, e.name) && strings.HasPrefix(p.name, vectors) {
				continue
			}
			units = append(units, &unit{what: p.name, engine: e.name, command: e.command, report: r, program: p})
		}
	}
	figures := map[string][]string{}
	var known []string
	for _, e := range engines {
		text, err := exec.Command(e.command, "-list").Output()
		if err != nil {
			return nil, fmt.Errorf("asking %s for its figures: %w", e.name, err)
		}
		figures[e.name] = strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, figure := range figures[e.name] {
			if figure != "" && !slices.Contains(known, figure) {
				known = append(known, figure)
			}
		}
	}
	if slices.Equal(o.figures, []string{"none"}) {
		return units, nil
	}
	for _, figure := range o.figures {
		if !slices.Contains(known, figure) {
			return nil, fmt.Errorf("no figure %q; there are %s", figure, strings.Join(known, ", "))
		}
	}
	for _, figure := range known {
		if len(o.figures) > 0 && !slices.Contains(o.figures, figure) || o.quick && figure == protocol.FigureCompileLong {
			continue
		}
		for _, e := range engines {
			if slices.Contains(figures[e.name], figure) {
				units = append(units, &unit{what: figure, engine: e.name, command: e.command, report: r, figure: figure, modules: modules})
			}
		}
	}
	return units, nil
}

// done says that the unit is not to be started again.
func (u *unit) done(budget time.Duration) bool { return u.broken || u.spent > budget }

// start runs the engine's command once.
func (u *unit) start(o *options) {
	began := time.Now()
	if u.program != nil {
		u.runProgram(o)
	} else {
		u.runFigure(o)
	}
	u.spent += time.Since(began)
}

// runProgram asks for fewer rounds where they would take longer than the budget.
func (u *unit) runProgram(o *options) {
	count := 1 // to see how long it takes
	if u.each > 0 {
		count = max(1, min(o.inner, int((o.budget-u.spent)/u.each)))
	}
	p := u.program
	run := u.report.At(report.Key{Figure: report.Run, Case: p.name, Engine: u.engine})
	all := u.report.At(report.Key{Figure: report.CompileRun, Case: p.name, Engine: u.engine})
	kind, _, _ := strings.Cut(p.expected, ":")
	measured := 0
	err := execute(u.command, []string{"-program", p.file, "-entry", p.entry, "-args", p.args, "-result", kind, "-rounds", strconv.Itoa(count)},
		func(line []byte) error {
			var round protocol.Round
			if json.Unmarshal(line, &round) != nil {
				return nil // a word of the engine's own
			}
			if round.Result != p.expected {
				return fmt.Errorf("returned %s, expected %s", round.Result, p.expected)
			}
			measured++
			run.Values = append(run.Values, float64(round.Run))
			u.each = time.Duration(max(round.Run, round.CompileRun))
			if !slices.Contains(report.Ahead, u.engine) {
				all.Values = append(all.Values, float64(round.CompileRun))
			}
			return nil
		})
	if err == nil && measured != count {
		err = fmt.Errorf("printed %d rounds, expected %d", measured, count)
	}
	if err != nil {
		run.Error, u.broken = err.Error(), true
	}
}

func (u *unit) runFigure(o *options) {
	measured := 0
	err := execute(u.command, []string{"-figure", u.figure, "-modules", u.modules, "-time", o.atLeast.String(), "-cpus", strconv.Itoa(o.cpus)},
		func(line []byte) error {
			var sample protocol.Sample
			if json.Unmarshal(line, &sample) != nil || sample.Figure == "" {
				return nil
			}
			measured++
			s := u.report.At(report.Key{Figure: sample.Figure, Case: sample.Case, Engine: u.engine, Way: sample.Way})
			s.Unit = sample.Unit
			if sample.Error != "" {
				s.Error = sample.Error
				return nil
			}
			s.Values = append(s.Values, sample.Value)
			if sample.Allocs != nil && (s.Allocs == nil || *sample.Allocs < *s.Allocs) {
				s.Allocs = sample.Allocs
			}
			return nil
		})
	if err == nil && measured == 0 {
		err = fmt.Errorf("printed no value")
	}
	if err != nil {
		u.report.At(report.Key{Figure: u.figure, Case: "all", Engine: u.engine}).Error = err.Error()
		u.broken = true
	}
}

// execute runs a command and hands on each line that it prints.
func execute(command string, arguments []string, line func([]byte) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	process := exec.CommandContext(ctx, command, arguments...)
	var messages bytes.Buffer
	process.Stderr = &messages
	output, err := process.Output()
	for text := range bytes.Lines(output) {
		if err := line(text); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("not done within %v", timeout)
	case err != nil:
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(messages.Bytes()))
	}
	return nil
}
