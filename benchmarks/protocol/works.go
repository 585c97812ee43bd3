package protocol

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Work is something to measure other than a program: a call, a compilation, memory.
type Work struct {
	Figure string // what is measured, such as "call"
	Case   string // of it, such as "2 parameters": engines are compared within one figure and case
	Way    string // which of the engine's ways, such as "CallSlots"; may be empty
	Unit   string // of one value, ns if empty
	// Prepare does all that is not measured.
	Prepare func(*Environment) (*Task, error)
	// first is what a process does that is started for a case of FigureStart.
	first func(e *Environment, cache string) error
}

// Task is a prepared work: one of Loop and Value is set.
type Task struct {
	Loop  func(n int) error       // does the work n times
	Value func() (float64, error) // measures by itself, in the work's unit
	Close func()                  // may be nil
}

// Environment is what works are measured in.
type Environment struct {
	modules string
	// CPUs is how many goroutines run at once where that is measured.
	CPUs int
}

// Module reads one of the modules that the works need.
func (e *Environment) Module(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(e.modules, name+".wasm"))
}

// Sample is one measured value. A sample with an error says why the engine has none.
type Sample struct {
	Figure string   `json:"figure"`
	Case   string   `json:"case"`
	Way    string   `json:"way,omitempty"`
	Unit   string   `json:"unit"`
	Value  float64  `json:"value"`
	Allocs *float64 `json:"allocs,omitempty"` // allocations of Go per operation
	Error  string   `json:"error,omitempty"`
}

// A loop is measured this often in one process, but only once where one round of it takes as many
// times longer than it should last.
const (
	loops = 3
	slow  = 25
)

// sample measures a work and hands on each value.
func sample(w *Work, e *Environment, atLeast time.Duration, emit func(*Sample) error) error {
	s := Sample{Figure: w.Figure, Case: w.Case, Way: w.Way, Unit: w.Unit}
	if s.Unit == "" {
		s.Unit = "ns"
	}
	failed := func(err error) error {
		s.Error = err.Error()
		return emit(&s)
	}
	task, err := w.Prepare(e)
	if err != nil {
		return failed(err)
	}
	if task.Close != nil {
		defer task.Close()
	}
	if task.Loop == nil {
		if s.Value, err = task.Value(); err != nil {
			return failed(err)
		}
		return emit(&s)
	}
	// How many rounds take long enough for the clock, and warm caches and pools.
	n := 1
	for {
		taken, _, err := measureLoop(task.Loop, n)
		if err != nil {
			return failed(err)
		}
		if n == 1 && taken > slow*atLeast {
			s.Value = float64(taken.Nanoseconds())
			return emit(&s)
		}
		if taken >= atLeast {
			break
		}
		next := n * 10
		if taken > atLeast/1000 {
			next = int(float64(n) * 1.2 * float64(atLeast) / float64(taken))
		}
		n = max(n+1, min(next, n*10))
	}
	for range loops {
		taken, allocs, err := measureLoop(task.Loop, n)
		if err != nil {
			return failed(err)
		}
		s.Value = float64(taken.Nanoseconds()) / float64(n)
		s.Allocs = &allocs
		if err := emit(&s); err != nil {
			return err
		}
	}
	return nil
}

func measureLoop(loop func(int) error, n int) (taken time.Duration, allocs float64, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	err = loop(n)
	taken = time.Since(start)
	runtime.ReadMemStats(&after)
	return taken, float64(int64(after.Mallocs-before.Mallocs)*10/int64(n)) / 10, err
}

// Resident returns the resident memory of this process in bytes.
func Resident() (float64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/self/statm has %d fields, expected 7", len(fields))
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}

// Threads returns the number of threads of this process.
func Threads() (float64, error) {
	entries, err := os.ReadDir("/proc/self/task")
	return float64(len(entries)), err
}
