package protocol

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// The figures that engines are compared by.
const (
	FigureCall        = "call"
	FigureHostCall    = "host call"
	FigureCompile     = "compile"
	FigureCompileLong = "compile large" // apart, as it takes so long
	FigureInstantiate = "instantiate and close"
	FigureStart       = "process start to first result"
	FigureLoad        = "load from cache"
	FigureRequest     = "instance per request"
	FigureMemory      = "memory per instance"
	FigureGoroutines  = "goroutines"
	FigureDeadline    = "deadline"
	FigureCollect     = "garbage collection"
	FigureBlocked     = "blocked host calls"
	FigureWasi        = "WASI"
)

// Ways that targets are set for; other ways are named by the engines.
const (
	WayExports  = "Exports"             // gowasmer and go-ext-wasm: func(...interface{})
	WaySlots    = "CallSlots"           // gowasmer: arguments and results as raw 64-bit slots
	WayTyped    = "typed Func"          // gowasmer: generic functions
	WayStack    = "CallWithStack"       // wazero, wazy: the same as slots
	WayHostRaw  = "HostFunc on slots"   // gowasmer
	WayHostType = "typed Host"          // gowasmer, wazy: generic makers
	WayClosure  = "Go function"         // gowasmer: any Go function
	WayGoFunc   = "GoFunc"              // wazero, wazy: raw slots
	WayC        = "C pointer, //export" // gowasmer and go-ext-wasm
)

// Parameters are the numbers of parameters that calls are measured with. call0, call2, call6 of the
// module "calls" return nothing or the sum of their i32 parameters; loop0, loop2, loop6 of the
// module "host" call env.host0, host2, host6, which do the same, n times.
var Parameters = []int{0, 2, 6}

// Callee calls the exports of the module "calls" in loops: Loops has one for each of Parameters,
// with the arguments 1, 2, 3...
type Callee struct {
	Loops []func(n int) error
	Close func()
}

// Calls are the works of calling into wasm by one way.
func Calls(way string, prepare func(calls []byte) (*Callee, error)) []Work {
	var works []Work
	for i, parameters := range Parameters {
		works = append(works, Work{Figure: FigureCall, Case: fmt.Sprintf("%d parameters", parameters), Way: way,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module("calls")
				if err != nil {
					return nil, err
				}
				callee, err := prepare(wasm)
				if err != nil {
					return nil, err
				}
				return &Task{Loop: callee.Loops[i], Close: callee.Close}, nil
			}})
	}
	return works
}

// CheckSum compares the last result of a loop of calls with the sum of their arguments.
func CheckSum(parameters int, result int32) error {
	if expected := int32(parameters * (parameters + 1) / 2); result != expected {
		return fmt.Errorf("a call with %d parameters returned %d, expected %d", parameters, result, expected)
	}
	return nil
}

// Caller calls an export of the module "host" of type (i32) -> i32.
type Caller struct {
	Call  func(export string, n int32) (int32, error)
	Close func()
}

// HostCalls are the works of calling from wasm by one way.
func HostCalls(way string, prepare func(host []byte) (*Caller, error)) []Work {
	var works []Work
	for _, parameters := range Parameters {
		works = append(works, Work{Figure: FigureHostCall, Case: fmt.Sprintf("%d parameters", parameters), Way: way,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module("host")
				if err != nil {
					return nil, err
				}
				caller, err := prepare(wasm)
				if err != nil {
					return nil, err
				}
				loop := func(n int) error {
					expected := int32(uint32(uint64(n) * uint64(n-1) / 2))
					if parameters == 0 {
						expected = int32(n)
					}
					result, err := caller.Call(fmt.Sprintf("loop%d", parameters), int32(n))
					if err == nil && result != expected {
						err = fmt.Errorf("%d calls of the host with %d parameters returned %d, expected %d", n, parameters, result, expected)
					}
					return err
				}
				return &Task{Loop: loop, Close: caller.Close}, nil
			}})
	}
	return works
}

// Compiles are the works of compiling modules and freeing what came out; compile returns what does
// that.
func Compiles(way string, compile func(wasm []byte) (func(), error)) []Work {
	var works []Work
	for _, size := range []string{"small", "middle", "large"} {
		figure := FigureCompile
		if size == "large" {
			figure = FigureCompileLong
		}
		works = append(works, Work{Figure: figure, Case: size, Way: way,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module(size)
				if err != nil {
					return nil, err
				}
				return &Task{Loop: func(n int) error {
					for range n {
						free, err := compile(wasm)
						if err != nil {
							return err
						}
						free()
					}
					return nil
				}}, nil
			}})
	}
	return works
}

// Instantiator makes and closes instances of a compiled module.
type Instantiator struct {
	// Instantiate makes an instance and returns what closes it. Before that it writes a zero to
	// each of the offsets of its memory 0.
	Instantiate func(offsets []uint32) (func(), error)
	Close       func()
}

// Instantiates are the works of making and closing instances, and of the memory that 1000 of them
// take.
func Instantiates(way string, prepare func(wasm []byte) (*Instantiator, error)) []Work {
	open := func(e *Environment, size string) (*Instantiator, error) {
		wasm, err := e.Module(size)
		if err != nil {
			return nil, err
		}
		return prepare(wasm)
	}
	var works []Work
	for _, c := range []struct {
		name, module string
		offsets      []uint32
	}{{"small", "small", nil}, {"middle", "middle", nil}, {"middle, 8 pages written", "middle", touched}} {
		works = append(works, Work{Figure: FigureInstantiate, Case: c.name, Way: way,
			Prepare: func(e *Environment) (*Task, error) {
				i, err := open(e, c.module)
				if err != nil {
					return nil, err
				}
				return &Task{Close: i.Close, Loop: func(n int) error {
					for range n {
						closeIt, err := i.Instantiate(c.offsets)
						if err != nil {
							return err
						}
						closeIt()
					}
					return nil
				}}, nil
			}})
	}
	const instances = 1000
	for _, c := range []struct {
		name, module string
		offsets      []uint32
	}{{"one page", "calls", nil}, {"middle", "middle", nil}, {"middle, 8 pages written", "middle", touched}} {
		works = append(works, Work{Figure: FigureMemory, Case: c.name, Way: way, Unit: "KB",
			Prepare: func(e *Environment) (*Task, error) {
				i, err := open(e, c.module)
				if err != nil {
					return nil, err
				}
				return &Task{Close: i.Close, Value: func() (float64, error) {
					return perInstance(instances, func() (func(), error) { return i.Instantiate(c.offsets) })
				}}, nil
			}})
	}
	return works
}

// Worker is what one goroutine works with: an instance of its own.
type Worker struct {
	Run   func() error
	Close func()
}

// Parallel are the works of running the kernel "queens" on 1 and more goroutines, each with an
// instance of its own: wall time for one run.
func Parallel(way string, prepare func(queens []byte) (func() (*Worker, error), func(), error)) []Work {
	var works []Work
	for _, goroutines := range []int{1, 0} {
		name := "queens on 1 goroutine"
		if goroutines == 0 {
			name = "queens on as many goroutines as cores"
		}
		works = append(works, Work{Figure: FigureGoroutines, Case: name, Way: way,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module("queens")
				if err != nil {
					return nil, err
				}
				newWorker, free, err := prepare(wasm)
				if err != nil {
					return nil, err
				}
				count := goroutines
				if count == 0 {
					count = e.CPUs
				}
				workers := make([]*Worker, count)
				for i := range workers {
					if workers[i], err = newWorker(); err != nil {
						return nil, err
					}
				}
				return &Task{Loop: func(n int) error { return share(workers, n) }, Close: func() {
					for _, worker := range workers {
						worker.Close()
					}
					free()
				}}, nil
			}})
	}
	return works
}

// share runs n runs on all workers together.
func share(workers []*Worker, n int) error {
	var group sync.WaitGroup
	failed := make([]error, len(workers))
	for i, worker := range workers {
		runs := n / len(workers)
		if i < n%len(workers) {
			runs++
		}
		group.Go(func() {
			for range runs {
				if failed[i] = worker.Run(); failed[i] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

// Interruptible calls exports of a module under a context.
type Interruptible struct {
	Loop  func(ctx context.Context, n int) error // calls the export n times
	Close func()
}

// Deadlines are the works of the same calls without and with a deadline, far ahead: fib_recursive,
// and the smallest call.
func Deadlines(way string, prepare func(wasm []byte, export string, withDeadline bool) (*Interruptible, error)) []Work {
	var works []Work
	for _, what := range []struct{ name, module, export string }{
		{"fib_recursive", "fib_recursive", "app_main"}, {"smallest call", "calls", "call0"}} {
		for _, with := range []bool{false, true} {
			name := what.name + " without a deadline"
			if with {
				name = what.name + " with a deadline"
			}
			works = append(works, Work{Figure: FigureDeadline, Case: name, Way: way,
				Prepare: func(e *Environment) (*Task, error) {
					wasm, err := e.Module(what.module)
					if err != nil {
						return nil, err
					}
					callee, err := prepare(wasm, what.export, with)
					if err != nil {
						return nil, err
					}
					ctx, cancel := context.Background(), func() {}
					if with {
						ctx, cancel = context.WithTimeout(ctx, time.Hour)
					}
					return &Task{Loop: func(n int) error { return callee.Loop(ctx, n) }, Close: func() { cancel(); callee.Close() }}, nil
				}})
		}
	}
	return works
}

// Spinners is how many guests run an endless loop while the garbage is collected.
const Spinners = 8

// Collect is the work of runtime.GC, the median of 15, while guests spin. prepare makes a guest:
// what it returns calls the export "spin" of the module "calls" until the context is done.
func Collect(way string, prepare func(calls []byte) (func(context.Context), error)) Work {
	return Work{Figure: FigureCollect, Case: "runtime.GC while 8 guests spin", Way: way, Prepare: func(e *Environment) (*Task, error) {
		wasm, err := e.Module("calls")
		if err != nil {
			return nil, err
		}
		return &Task{Value: func() (float64, error) {
			ctx, cancel := context.WithCancel(context.Background())
			var group sync.WaitGroup
			defer group.Wait()
			defer cancel()
			for range Spinners {
				spin, err := prepare(wasm)
				if err != nil {
					return 0, err
				}
				group.Go(func() { spin(ctx) })
			}
			time.Sleep(50 * time.Millisecond)
			var times []float64
			for range 15 {
				start := time.Now()
				runtime.GC()
				times = append(times, float64(time.Since(start).Nanoseconds()))
			}
			slices.Sort(times)
			return times[len(times)/2], nil
		}}, nil
	}}
}

// Waiting is how many calls wait in the host at once.
const Waiting = 10000

// Blocked are the works of having many calls wait in host functions: threads of the process, and
// resident memory per call. prepare makes an instance of the module "block", whose export run calls
// env.wait, which must call wait; what it returns calls the export, from many goroutines.
func Blocked(way string, prepare func(block []byte, wait func()) (func() error, func(), error)) []Work {
	measure := func(unit string, value func(before float64) (float64, error)) Work {
		return Work{Figure: FigureBlocked, Case: fmt.Sprintf("%s with %d calls", unit, Waiting), Way: way, Unit: unit,
			Prepare: func(e *Environment) (*Task, error) {
				wasm, err := e.Module("block")
				if err != nil {
					return nil, err
				}
				var inside sync.WaitGroup
				release := make(chan struct{})
				call, free, err := prepare(wasm, func() { inside.Done(); <-release })
				if err != nil {
					return nil, err
				}
				return &Task{Close: free, Value: func() (float64, error) {
					runtime.GC()
					before, err := Resident()
					if err != nil {
						return 0, err
					}
					var group sync.WaitGroup
					inside.Add(Waiting)
					for range Waiting {
						group.Go(func() { _ = call() })
					}
					inside.Wait()
					result, err := value(before)
					close(release)
					group.Wait()
					return result, err
				}}, nil
			}}
	}
	return []Work{
		measure("threads", func(float64) (float64, error) { return Threads() }),
		measure("KB", func(before float64) (float64, error) {
			after, err := Resident()
			return (after - before) / Waiting / 1024, err
		}),
	}
}

// Join puts works together.
func Join(groups ...[]Work) []Work { return slices.Concat(groups...) }

// Untyped makes the loops of a Callee from functions that take arguments of any types, one for each
// of Parameters.
func Untyped[R any](functions []func(...any) (R, error), number func(R) int32) []func(n int) error {
	call0, call2, call6 := functions[0], functions[1], functions[2]
	return []func(int) error{
		func(n int) error {
			for range n {
				if _, err := call0(); err != nil {
					return err
				}
			}
			return nil
		},
		func(n int) error {
			var result R
			var err error
			for range n {
				if result, err = call2(int32(1), int32(2)); err != nil {
					return err
				}
			}
			return CheckSum(2, number(result))
		},
		func(n int) error {
			var result R
			var err error
			for range n {
				if result, err = call6(int32(1), int32(2), int32(3), int32(4), int32(5), int32(6)); err != nil {
					return err
				}
			}
			return CheckSum(6, number(result))
		},
	}
}
