// Package protocol is what the driver and the engines' commands share: an engine's command runs one
// program some number of rounds and prints one JSON line per round. It depends on no engine, so
// that every engine can be a module of its own.
package protocol

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Type is the type of a program's result.
type Type string

// The types of results.
const (
	I32 Type = "i32"
	I64 Type = "i64"
	F64 Type = "f64"
)

// Program says what to run: the bytes of a module, an export, i32 arguments, and the type of its
// one result.
type Program struct {
	File   string // where the bytes are from
	Wasm   []byte
	Entry  string
	Args   []int32
	Result Type
}

// Instance is a compiled and instantiated program.
type Instance interface {
	// Run calls the entry and returns the bits of the result (an i32 in the low 32).
	Run() (uint64, error)
	// Close frees the instance and its module.
	Close()
}

// Engine compiles and instantiates a program: all that comes between the bytes of a module and the
// call of its export.
type Engine func(*Program) (Instance, error)

// Round is what one round measured. Times are nanoseconds.
type Round struct {
	CompileRun int64  `json:"compile_run_ns"` // compile, instantiate, find the export, and call it
	Run        int64  `json:"run_ns"`         // of that, the call alone
	Result     string `json:"result"`         // type and bits, as in expected.txt: "i32:0000002a"
	First      bool   `json:"first"`          // the first round of its process
}

// FormatResult writes a result as its type and bits.
func FormatResult(t Type, bits uint64) string {
	if t == I32 {
		return fmt.Sprintf("%s:%08x", t, uint32(bits))
	}
	return fmt.Sprintf("%s:%016x", t, bits)
}

// Bits returns the bits of a result that an engine gives as a Go number.
func Bits(value any) (uint64, error) {
	switch v := value.(type) {
	case int32:
		return uint64(uint32(v)), nil
	case uint32:
		return uint64(v), nil
	case int64:
		return uint64(v), nil
	case uint64:
		return v, nil
	case float32:
		return uint64(math.Float32bits(v)), nil
	case float64:
		return math.Float64bits(v), nil
	}
	return 0, fmt.Errorf("a result of type %T, which is none of wasm's", value)
}

// Main is the whole main function of an engine's command: it runs a program, or the works of one
// figure. Errors go to standard error, and the command exits with status 1.
func Main(engine Engine, works ...Work) {
	program := flag.String("program", "", "the module's file")
	entry := flag.String("entry", "app_main", "the export to call")
	args := flag.String("args", "", "i32 arguments, separated by commas")
	result := flag.String("result", "i32", "the result's type: i32, i64 or f64")
	rounds := flag.Int("rounds", 1, "how many times to compile and run")
	figure := flag.String("figure", "", "measure the works of this figure instead of a program")
	list := flag.Bool("list", false, "print the figures that this engine has works of")
	modules := flag.String("modules", "", "the folder with the modules of the works")
	start := flag.String("start", "", "do what this case of \""+FigureStart+"\" does, and end")
	way := flag.String("way", "", "how to do that")
	cache := flag.String("cache", "", "the folder where that keeps what it compiles, if not empty")
	atLeast := flag.Duration("time", 20*time.Millisecond, "how long a work is repeated for one value")
	cpus := flag.Int("cpus", runtime.NumCPU(), "how many goroutines run at once where that is measured")
	flag.Parse()

	out := json.NewEncoder(os.Stdout)
	if *start != "" {
		if err := first(works, &Environment{modules: *modules}, *start, *way, *cache); err != nil {
			fail(err)
		}
		return
	}
	if *list || *figure != "" {
		if err := runWorks(out, works, *list, *figure, &Environment{modules: *modules, CPUs: *cpus}, *atLeast); err != nil {
			fail(err)
		}
		return
	}
	wasm, err := os.ReadFile(*program)
	if err != nil {
		fail(err)
	}
	p := &Program{File: *program, Wasm: wasm, Entry: *entry, Result: Type(*result)}
	for _, arg := range strings.FieldsFunc(*args, func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseInt(arg, 10, 32)
		if err != nil {
			fail(err)
		}
		p.Args = append(p.Args, int32(n))
	}
	for i := range *rounds {
		round, err := measure(engine, p)
		if err != nil {
			fail(err)
		}
		round.First = i == 0
		if err := out.Encode(round); err != nil {
			fail(err)
		}
	}
}

func runWorks(out *json.Encoder, works []Work, list bool, figure string, environment *Environment, atLeast time.Duration) error {
	listed := map[string]bool{}
	for i := range works {
		w := &works[i]
		switch {
		case list && !listed[w.Figure]:
			listed[w.Figure] = true
			fmt.Println(w.Figure)
		case !list && w.Figure == figure:
			if err := sample(w, environment, atLeast, func(s *Sample) error { return out.Encode(s) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func measure(engine Engine, p *Program) (*Round, error) {
	start := time.Now()
	instance, err := engine(p)
	if err != nil {
		return nil, err
	}
	defer instance.Close()
	ready := time.Now()
	bits, err := instance.Run()
	end := time.Now()
	if err != nil {
		return nil, err
	}
	return &Round{
		CompileRun: end.Sub(start).Nanoseconds(),
		Run:        end.Sub(ready).Nanoseconds(),
		Result:     FormatResult(p.Result, bits),
	}, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
