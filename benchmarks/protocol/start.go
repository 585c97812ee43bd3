package protocol

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// The cases of FigureStart.
const (
	StartSmall  = "small"  // the module "calls": call2(1, 2)
	StartMiddle = "middle" // a Go program for WASI of 3 MB, from start to end
	StartLarge  = "large"  // esbuild, instantiated but not started, as it is made for JavaScript
)

// Ways of FigureStart and FigureLoad.
const (
	WayNoCache = "without cache"
	WayCache   = "with cache"
	WayLazy    = "lazily, without cache"
)

// startModules are the modules of the cases of FigureStart.
var startModules = map[string]string{StartSmall: "calls", StartMiddle: "middle", StartLarge: "large"}

// Starter begins with the bytes of a module and ends with its first result.
type Starter struct {
	// First does what the case says, and frees nothing: the process ends. It keeps what it compiles
	// in the directory cache, unless that is empty.
	First func(name string, wasm []byte, cache string) error

	// Load makes a module ready to run, of bytes whose code is in the directory cache, and returns
	// what frees it; nil if the engine has no cache.
	Load func(wasm []byte, cache string) (func(), error)
}

// Starts are the works of starting a process that runs a guest up to its first result, by one way,
// and of loading modules from a cache that is filled.
func Starts(way string, starter Starter) []Work {
	var works []Work
	for _, name := range []string{StartSmall, StartMiddle, StartLarge} {
		first := func(e *Environment, cache string) error {
			wasm, err := e.Module(startModules[name])
			if err != nil {
				return err
			}
			return starter.First(name, wasm, cache)
		}
		works = append(works, Work{Figure: FigureStart, Case: name, Way: way, first: first,
			Prepare: func(e *Environment) (*Task, error) { return startProcess(e, name, way) }})
	}
	if way != WayCache || starter.Load == nil {
		return works
	}
	for _, name := range []string{StartMiddle, StartLarge} {
		works = append(works, Work{Figure: FigureLoad, Case: name,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module(name)
				if err != nil {
					return nil, err
				}
				cache, err := os.MkdirTemp("", "bench-cache")
				if err != nil {
					return nil, err
				}
				clean := func() { _ = os.RemoveAll(cache) }
				load := func() error {
					free, err := starter.Load(wasm, cache)
					if err == nil {
						free()
					}
					return err
				}
				if err := load(); err != nil { // fills it
					clean()
					return nil, err
				}
				return &Task{Close: clean, Loop: func(n int) error {
					for range n {
						if err := load(); err != nil {
							return err
						}
					}
					return nil
				}}, nil
			}})
	}
	return works
}

// startProcess measures this command, started for one case of FigureStart: the time until it has
// ended. A cache is filled by a process before.
func startProcess(e *Environment, name, way string) (*Task, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	arguments := []string{"-start", name, "-way", way, "-modules", e.modules}
	clean := func() {}
	if way == WayCache {
		cache, err := os.MkdirTemp("", "bench-cache")
		if err != nil {
			return nil, err
		}
		clean = func() { _ = os.RemoveAll(cache) }
		arguments = append(arguments, "-cache", cache)
	}
	start := func() error {
		text, err := exec.Command(own, arguments...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(text)))
		}
		return nil
	}
	if way == WayCache {
		if err := start(); err != nil {
			clean()
			return nil, err
		}
	}
	return &Task{Close: clean, Value: func() (float64, error) {
		began := time.Now()
		err := start()
		return float64(time.Since(began).Nanoseconds()), err
	}}, nil
}

// first runs the case of FigureStart for which the process was started.
func first(works []Work, e *Environment, name, way, cache string) error {
	for i := range works {
		if w := &works[i]; w.Figure == FigureStart && w.Case == name && w.Way == way {
			return w.first(e, cache)
		}
	}
	return fmt.Errorf("no way %q of starting %q", way, name)
}

// Requester answers requests of one kind by guests, each by an instance in its state after the
// start of the guest.
type Requester struct {
	Request func(n int32) (int32, error)
	Close   func()
}

// Requests is the work of a request to the module "handler", a Go program of 3 MB for WASI with an
// export: an instance that is started and has answered nothing yet calls its export
// handle(n) and is closed, or taken back to that state.
func Requests(way string, prepare func(handler []byte) (*Requester, error)) []Work {
	return []Work{{Figure: FigureRequest, Case: "Go program of 3 MB", Way: way,
		Prepare: func(e *Environment) (*Task, error) {
			wasm, err := e.Module("handler")
			if err != nil {
				return nil, err
			}
			requester, err := prepare(wasm)
			if err != nil {
				return nil, err
			}
			return &Task{Close: requester.Close, Loop: func(n int) error {
				for i := range n {
					result, err := requester.Request(int32(i))
					if err != nil {
						return err
					}
					// The first request of an instance.
					if expected := 3*int32(i) + 1; result != expected {
						return fmt.Errorf("handle(%d) returned %d, expected %d", i, result, expected)
					}
				}
				return nil
			}}, nil
		}}}
}

// perInstance measures the resident memory that instances take, in KB.
func perInstance(instances int, open func() (func(), error)) (size float64, err error) {
	var opened []func()
	defer func() {
		for _, closeIt := range opened {
			closeIt()
		}
	}()
	makeSome := func(n int) error {
		for range n {
			closeIt, err := open()
			if err != nil {
				return err
			}
			opened = append(opened, closeIt)
		}
		runtime.GC()
		return nil
	}
	if err := makeSome(50); err != nil {
		return 0, err
	}
	before, err := Resident()
	if err != nil {
		return 0, err
	}
	err = makeSome(instances)
	after, wrong := Resident()
	return (after - before) / float64(instances) / 1024, errors.Join(err, wrong)
}

// touched are the offsets of the bytes that a short call is taken to write: a page of the stack, of
// data and of the heap each, and some more.
var touched = []uint32{0x1000, 0x9000, 0x40_000, 0x41_000, 0x80_000, 0xc0_000, 0xc1_000, 0x100_000}

// CheckMiddle compares what the module "middle" has written, started with its name as the only
// argument.
func CheckMiddle(output string) error {
	if expected := "{\"words\":[\"middle\"]}\n"; output != expected {
		return fmt.Errorf("the module middle wrote %q, expected %q", output, expected)
	}
	return nil
}
