package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gowasmer/wasmer/benchmarks/protocol"
)

// Target is one aim of the project and what was measured.
type Target struct {
	What     string
	Measured float64
	Limit    float64
	Note     string // what is behind the figure, such as the worst case
	AtLeast  bool   // the limit is one from below
	Known    bool   // it was measured at all
}

// Reached reports whether the target is.
func (t *Target) Reached() bool {
	if t.AtLeast {
		return t.Measured >= t.Limit
	}
	return t.Measured <= t.Limit
}

// String is one line.
func (t *Target) String() string {
	word, sign := "NOT reached", "<="
	if t.AtLeast {
		sign = ">="
	}
	switch {
	case !t.Known:
		return fmt.Sprintf("not measured  %s (aim: %s %.4g)", t.What, sign, t.Limit)
	case t.Reached():
		word = "reached    "
	}
	line := fmt.Sprintf("%s   %s: %.3g (aim: %s %.4g)", word, t.What, t.Measured, sign, t.Limit)
	if t.Note != "" {
		line += "; " + t.Note
	}
	return line
}

// Targets evaluates all aims of the project on the values of a run.
func (r *Report) Targets() []*Target {
	var targets []*Target
	add := func(what string, measured, limit float64, note string) *Target {
		t := &Target{What: what, Measured: measured, Limit: limit, Note: note, Known: !math.IsNaN(measured) && !math.IsInf(measured, 0)}
		targets = append(targets, t)
		return t
	}
	const call, host, two = protocol.FigureCall, protocol.FigureHostCall, "2 parameters"

	for _, way := range []string{protocol.WayTyped, protocol.WaySlots} {
		add("call with two parameters, "+way+", over wazero's CallWithStack",
			r.Best(call, two, Subject, way)/r.Best(call, two, "wazero", protocol.WayStack), 0.7, "")
		add("its allocations", r.allocs(call, two, way), 0, "")
	}
	add(`Exports["sum"](5, 37) over go-ext-wasm's`,
		r.Best(call, two, Subject, protocol.WayExports)/r.Best(call, two, "go-ext-wasm", protocol.WayExports), 0.15, "")
	add("its allocations", r.allocs(call, two, protocol.WayExports), 1, "")
	goFunc := r.Best(host, two, "wazero", protocol.WayGoFunc)
	for _, way := range []string{protocol.WayHostRaw, protocol.WayHostType} {
		add("host call with two parameters, "+way+", over wazero's GoFunc", r.Best(host, two, Subject, way)/goFunc, 0.5, "")
		add("its allocations", r.allocs(host, two, way), 0, "")
	}
	add("host call of a plain Go function over wazero's GoFunc", r.Best(host, two, Subject, protocol.WayClosure)/goFunc, 1, "")
	add("host call by C pointer over go-ext-wasm's",
		r.Best(host, two, Subject, protocol.WayC)/r.Best(host, two, "go-ext-wasm", protocol.WayC), 1, "")

	withoutSnappy := slices.DeleteFunc(r.All(), func(name string) bool { return strings.HasPrefix(name, "snappy") })
	mean := func(what string, programs []string, rival string, limit float64) {
		value, count := r.Mean(Run, programs, Subject, rival)
		add(what, value, limit, fmt.Sprintf("geometric mean of %d", count))
	}
	mean("programs and kernels without snappy_compress, run alone, over wazero", withoutSnappy, "wazero", 0.55)
	mean("programs and kernels, run alone, over wasmtime-go", r.All(), "wasmtime-go", 0.92)
	mean("kernels, run alone, over native code", r.Kernels, "native", 1.1)
	mean("programs and kernels, run alone, over wasm2go", r.All(), "wasm2go", 0.95)
	vectors := slices.DeleteFunc(r.All(), func(name string) bool { return !strings.HasPrefix(name, "simd_") })
	mean("kernels of vectors, run alone, over wazero", vectors, "wazero", 0.6)
	mean("kernels of vectors, run alone, over wasmtime-go", vectors, "wasmtime-go", 1)
	worst, which := r.worst()
	add("slowest of them over the best other runtime", worst, 1.1, which)
	add("fib_recursive, run alone, over wasmtime-go",
		r.Best(Run, "fib_recursive", Subject, "")/r.Best(Run, "fib_recursive", "wasmtime-go", ""), 0.75, "")

	best, rival := math.NaN(), ""
	for _, s := range r.Of(protocol.FigureInstantiate, "small") {
		if s.Engine != Subject && len(s.Values) > 0 && !(s.Best() >= best) {
			best, rival = s.Best(), s.Engine
		}
	}
	add("instantiate and close a small module over the best rival", r.Best(protocol.FigureInstantiate, "small", Subject, "")/best, 1, rival)
	for _, rival := range [][2]string{{"wasmtime-go", ""}, {"wazero", "1 worker"}, {"wazero", "a worker per core"}} {
		add("compiling a large module over "+strings.TrimSuffix(rival[0]+", "+rival[1], ", "),
			r.Best(protocol.FigureCompileLong, "large", Subject, "")/r.Best(protocol.FigureCompileLong, "large", rival[0], rival[1]), 1, "")
	}
	for _, d := range []struct {
		name  string
		limit float64
	}{{"fib_recursive", 1.05}, {"smallest call", 1.3}} {
		for _, way := range r.ways(protocol.FigureDeadline, d.name+" with a deadline") {
			add(fmt.Sprintf("%s (%s) with a deadline over without", d.name, way),
				r.Best(protocol.FigureDeadline, d.name+" with a deadline", Subject, way)/
					r.Best(protocol.FigureDeadline, d.name+" without a deadline", Subject, way), d.limit, "")
		}
	}
	for _, unit := range []struct {
		name  string
		limit float64
	}{{"threads", 63}, {"KB", 40}} {
		name := fmt.Sprintf("%s with %d calls", unit.name, protocol.Waiting)
		add(fmt.Sprintf("%d calls waiting in host functions: %s", protocol.Waiting, unit.name), r.BestOf(protocol.FigureBlocked, name, Subject), unit.limit, "")
	}
	collect := r.Of(protocol.FigureCollect, "runtime.GC while 8 guests spin")
	median := math.NaN()
	for _, s := range collect {
		if s.Engine == Subject {
			median = s.Median() / 1e6
		}
	}
	add("runtime.GC while 8 guests spin, median in ms", median, 100, "")

	for _, w := range []struct {
		name, rival string
		limit       float64
	}{
		{protocol.CaseWrite, "wazero", 0.6}, {protocol.CaseClock, "wazero", 0.6}, {protocol.CaseCopy, "wazero", 1}, {protocol.CaseCopy, "native", 1.2},
		{protocol.CaseGo, "wazero", 0.6},
	} {
		add("WASI, "+w.name+", over "+w.rival, r.Best(protocol.FigureWasi, w.name, Subject, "")/r.Best(protocol.FigureWasi, w.name, w.rival, ""), w.limit, "")
	}

	// What the engine had to reach first.
	for _, interpreter := range []string{"life", "wagon"} {
		value, _ := r.Mean(CompileRun, []string{"nbody", "fib_recursive", "pollard_rho_128"}, interpreter, Subject)
		add("compile + run of nbody, fib_recursive, pollard_rho_128, times faster than "+interpreter, value, 100, "").AtLeast = true
	}
	for _, figure := range []string{CompileRun, Run} {
		slowest, which := math.NaN(), ""
		for _, p := range r.Programs {
			if ratio := r.Best(figure, p, Subject, "") / r.Best(figure, p, "go-ext-wasm", ""); !(ratio <= slowest) && !math.IsNaN(ratio) {
				slowest, which = ratio, p
			}
		}
		add("slowest program, "+figure+", over go-ext-wasm", slowest, 1, which)
	}
	return targets
}

// allocs is the number of allocations of one of the subject's ways, rounded.
func (r *Report) allocs(figure, name, way string) float64 {
	s := r.Find(Key{figure, name, Subject, way})
	if s == nil || s.Allocs == nil {
		return math.NaN()
	}
	return math.Round(*s.Allocs)
}

// ways lists the subject's ways that have values.
func (r *Report) ways(figure, name string) []string {
	var ways []string
	for _, s := range r.Of(figure, name) {
		if s.Engine == Subject && len(s.Values) > 0 {
			ways = append(ways, s.Way)
		}
	}
	return ways
}

// worst finds the program or kernel on which the subject is slowest against the best other runtime
// that compiles at run time.
func (r *Report) worst() (worst float64, note string) {
	worst = math.NaN()
	for _, p := range r.All() {
		for _, s := range r.Of(Run, p) {
			if s.Engine == Subject || slices.Contains(Ahead, s.Engine) || len(s.Values) == 0 {
				continue
			}
			if ratio := r.Best(Run, p, Subject, "") / s.Best(); !(ratio <= worst) && !math.IsNaN(ratio) {
				worst, note = ratio, p+" on "+s.Engine
			}
		}
	}
	return worst, note
}
