package tests

import (
	"context"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Many goroutines, signals, processes, and pauses at every place.

// 10,000 goroutines that wait in host functions need no threads: a few dozen on a machine that is
// not busy.
func TestManyBlockedHostCalls(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	const goroutines = 10_000
	open := make(chan struct{})
	var waiting atomic.Int64
	instance := stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		waiting.Add(1)
		<-open
		return n + 1, nil
	})
	defer instance.Close()
	round := func() {
		open = make(chan struct{})
		waiting.Store(0)
		var all sync.WaitGroup
		for i := range goroutines {
			all.Go(func() {
				if value := call(t, &instance, "host_once", i); value.ToI32() != int32(i)+101 {
					t.Errorf("host_once(%d) = %v", i, value)
				}
			})
		}
		within(t, "starting goroutines", func() {
			for waiting.Load() < goroutines {
				time.Sleep(time.Millisecond)
			}
		})
		now := measure(t)
		t.Logf("%d goroutines wait: %v", goroutines, now)
		if now.threads >= 64 {
			t.Errorf("%d threads", now.threads)
		}
		close(open)
		all.Wait()
	}
	expectSane(t, &instance)
	before := measure(t)
	expectSteady(t, 1, round)
	expectSane(t, &instance)
	after := measure(t)
	if after.maps > before.maps+2*keptStacks+200 || after.engine.Mappings > before.engine.Mappings+2*keptStacks+20 {
		t.Errorf("stacks stay mapped\nnow:    %v\nbefore: %v", after, before)
	}
	t.Logf("afterwards: %v", after)
}

// A thousand goroutines run, trap and spin under a CPU profile of 500 samples a second, with
// different settings of Go's runtime.
func TestManyGoroutinesProfiled(t *testing.T) {
	for name, env := range map[string][]string{
		"default":     nil,
		"GOGC=1":      {"GOGC=1"},
		"cgocheck=1":  {"GODEBUG=cgocheck=1"},
		"one P":       {"GOMAXPROCS=1"},
		"eight Ps":    {"GOMAXPROCS=8"},
		"no preempt":  {"GODEBUG=asyncpreemptoff=1"},
		"invalid ptr": {"GODEBUG=invalidptr=1,clobberfree=1"},
	} {
		t.Run(name, func(t *testing.T) {
			if !inChild(t, childOptions{env: env}) {
				return
			}
			instance := stressGuest(t, increment)
			defer instance.Close()
			c := cGuest(t, increment, nil)
			defer c.Close()
			profile := startProfile(t)
			inParallel(pick(1000, 200), func(i int) {
				trap := guestTraps[i%len(guestTraps)]
				_, err := instance.Exports[trap.function](trap.arguments...)
				expectTrap(t, trap.function, err, trap.code)
				n := int64(100_000 + i)
				if value := call(t, &instance, "mix", n); value.ToI64() != mix(n) {
					t.Errorf("mix(%d) = %v", n, value)
				}
				if value := call(t, &instance, "host_loop", 20); value.ToI32() != 43 {
					t.Errorf("host_loop(20) = %v", value)
				}
				if value := call(t, c, "all_loop", 5); value.ToI32() != 15 {
					t.Errorf("all_loop(5) = %v", value)
				}
			})
			checkProfile(t, profile())
			expectSane(t, &instance)
		})
	}
}

// Guests trap and spin while processes are started and Go listens to all signals; SIGPIPE and
// SIGCHLD arrive on the way.
func TestSignalsAndProcesses(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	heard := make(chan os.Signal, 1000)
	signal.Notify(heard) // all of them
	instance := stressGuest(t, increment)
	defer instance.Close()
	c := cGuest(t, increment, nil)
	defer c.Close()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				expectTrapOf(t, &instance, "trap_load", wasmer.TrapMemoryOutOfBounds, -1)
				expectTrapOf(t, &instance, "trap_divide", wasmer.TrapIntegerDivideByZero, 0)
				expectTrapOf(t, &instance, "trap_unreachable", wasmer.TrapUnreachable)
				expectTrapOf(t, c, "trap_stack_c", wasmer.TrapStackOverflow, 0)
				if value := call(t, &instance, "mix", 1_000_000); value.ToI64() != mix(1_000_000) {
					t.Errorf("mix = %v", value)
				}
				expectSane(t, c)
			}
		})
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	for range pick(100, 30) {
		if _, err := writer.Write([]byte("x")); err == nil {
			t.Error("writing to a closed pipe succeeds")
		}
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Error(err)
		}
		for _, number := range []syscall.Signal{syscall.SIGUSR2, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGHUP} {
			if err := syscall.Kill(os.Getpid(), number); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	all.Wait()
	counts := map[os.Signal]int{}
	for len(heard) > 0 {
		counts[<-heard]++
	}
	for _, number := range []syscall.Signal{syscall.SIGCHLD, syscall.SIGPIPE, syscall.SIGUSR2, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGHUP} {
		if counts[number] == 0 {
			t.Errorf("%v was never heard", number)
		}
	}
	t.Logf("signals: %v", counts)
}

func expectTrapOf(t testing.TB, instance *wasmer.Instance, name string, code wasmer.TrapCode, arguments ...any) {
	t.Helper()
	_, err := instance.Exports[name](arguments...)
	expectTrap(t, name, err, code)
}

// A pause is possible everywhere: SIGURG comes as fast as it can be sent while guests spin against
// the guard, sweep the stack with prologues and returns, storm runtime functions, host functions
// and C functions, and work in bulk. Each result reports whether a register was lost.
func TestPausesEverywhere(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	var guests, cGuests [2]*wasmer.Instance // one for each thread
	for i := range guests {
		instance := stressGuest(t, increment)
		defer instance.Close()
		guests[i] = &instance
		cGuests[i] = cGuest(t, increment, nil)
		defer cGuests[i].Close()
	}
	instance := guests[0]
	spinDepth := deepest(t, func(depth int32) error {
		_, err := instance.Exports["spin_at_depth"](depth, 0)
		return err
	})
	depth := deepest(t, func(depth int32) error {
		_, err := instance.Exports["recurse"](depth)
		return err
	}) - callersFrame
	mixed := mix(300_000)
	for _, f := range []struct {
		guests    [2]*wasmer.Instance
		name      string
		want      int64
		arguments []any
	}{
		{guests, "mix", mixed, []any{300_000}},
		{guests, "spin_at_depth", 300_000 + int64(spinDepth), []any{spinDepth, 300_000}},
		{guests, "sweep", int64(depth) * 4, []any{depth, 4}},
		{guests, "grow_storm", 0, []any{500}},
		{guests, "table_storm", 0, []any{500}},
		{guests, "bulk_storm", 400, []any{200}},
		{guests, "host_loop", 2003, []any{1000}},
		{cGuests, "c_loop", 5000 * 4999 / 2, []any{5000}},
		{cGuests, "all_loop", 900, []any{300}},
	} {
		t.Run(f.name, func(t *testing.T) {
			var rounds atomic.Int64
			sent := shower(t, func(thread int, end time.Time) {
				for ; time.Now().Before(end); rounds.Add(1) {
					value, err := f.guests[thread].Exports[f.name](f.arguments...)
					if err != nil || value.ToI64() != f.want {
						t.Errorf("%s%v = %v, %v; expected %d", f.name, f.arguments, value, err, f.want)
						return
					}
				}
			})
			t.Logf("%s: %d calls under %d signals", f.name, rounds.Load(), sent)
		})
	}
	t.Run("traps", func(t *testing.T) {
		for _, trap := range guestTraps {
			shower(t, func(thread int, _ time.Time) {
				for range pick(200, 50) {
					_, err := guests[thread].Exports[trap.function](trap.arguments...)
					expectTrap(t, trap.function, err, trap.code)
				}
			})
		}
	})
}

// shower runs work on two threads that get SIGURG all the time from a third one, and returns how
// many were sent.
func shower(t *testing.T, work func(thread int, end time.Time)) int64 {
	t.Helper()
	var sent atomic.Int64
	var threads [2]atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	end := time.Now().Add(pick(150*time.Millisecond, 60*time.Millisecond))
	for i := range threads {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			threads[i].Store(int64(cfuncs.ThreadID()))
			work(i, end)
			threads[i].Store(0)
		})
	}
	var sender sync.WaitGroup
	sender.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for i := range threads {
				if id := threads[i].Load(); id != 0 {
					_ = syscall.Tgkill(os.Getpid(), int(id), syscall.SIGURG)
					sent.Add(1)
				}
			}
			pauseBriefly()
		}
	})
	all.Wait()
	close(stop)
	sender.Wait()
	return sent.Load()
}

var busy atomic.Int64

// pauseBriefly waits for some microseconds without leaving the processor to others for long.
func pauseBriefly() {
	for range 100 {
		busy.Add(1)
	}
	runtime.Gosched()
}

// A C function pointer that is reached although the guest was entered by Go assembly: the guest
// leaves for it and goes on.
func TestCFunctionUnderAssemblyEntry(t *testing.T) {
	needsCgo(t)
	module, err := engine.Compile(t.Context(), guest(t, "c_imports"), engine.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Free()
	i32, i64, f32, f64 := engine.I32, engine.I64, engine.F32, engine.F64
	instance, err := engine.NewInstance(module, []engine.Provided{
		{CFunction: cfuncs.Add(), Params: []engine.ValType{i32, i32}, Results: []engine.ValType{i32}},
		{CFunction: cfuncs.Mix(), Params: []engine.ValType{i32, i64, f32, f64, i32, i64, f32, f64, i64, i64}, Results: []engine.ValType{f64}},
		{CFunction: cfuncs.Registers(), Params: []engine.ValType{f32, i32, f64, i64, i32, f64, i64}, Results: []engine.ValType{f32}},
		{CFunction: cfuncs.Go(), Params: []engine.ValType{i32}, Results: []engine.ValType{i32}},
		{FunctionIndex: 4, Params: []engine.ValType{i32}, Results: []engine.ValType{i32}},
	}, engine.InstanceOptions{ID: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Free()
	description, err := module.Describe()
	if err != nil {
		t.Fatal(err)
	}
	run := func(c bool, name string, slots ...uint64) (uint64, error) {
		f, err := fiber.Acquire()
		if err != nil {
			return 0, err
		}
		defer f.Release()
		for i, export := range description.Exports {
			if export.Name != name {
				continue
			}
			code, err := instance.Function(uint32(i))
			if err != nil {
				return 0, err
			}
			entry, n := fiber.Entry{Func: code, Store: instance.Store(), C: c}, export.Type.Func.Slots()
			own := unsafe.Slice((*uint64)(f.Prepare(&entry, incrementHost{}, n)), n)
			copy(own, slots)
			if err := f.Call(t.Context()); err != nil {
				return 0, err
			}
			return own[0], nil
		}
		t.Fatalf("no export %s", name)
		return 0, nil
	}
	expectSteady(t, 3, func() {
		inParallel(4, func(int) {
			for _, c := range []bool{false, true} {
				for _, f := range []struct {
					name  string
					slots []uint64
					want  uint64
				}{
					{"c_loop", []uint64{1000}, 1000 * 999 / 2},
					{"all_loop", []uint64{100}, 300},
					{"c_mix", nil, uint64(bits64(53))},
					{"c_registers", nil, uint64(math.Float32bits(28))},
					{"c_add_again", []uint64{40, 2}, 42},
					{"indirect", []uint64{0, 40, 2}, 42},
					{"c_at_depth", []uint64{1000}, 1000},
				} {
					if got, err := run(c, f.name, f.slots...); err != nil || got != f.want {
						t.Errorf("%s%v entered by cgo %v: %v, %v; expected %v", f.name, f.slots, c, got, err, f.want)
					}
				}
			}
		})
	})
}

// incrementHost is increment for fibers.
type incrementHost struct{}

func (incrementHost) HostCall(_ *fiber.Fiber, _ context.Context, _, _ uint64, slots []uint64) error {
	slots[0] = uint64(uint32(slots[0]) + 1)
	return nil
}

// A tiny heap: every allocation collects, and cleanups run all the time.
func TestCollectorAlwaysOn(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	expectSteady(t, 1, func() {
		inParallel(8, func(int) {
			for range pick(20, 5) {
				instance := stressGuest(t, increment)
				if value := call(t, &instance, "host_loop", 10); value.ToI32() != 23 {
					t.Errorf("host_loop(10) = %v", value)
				}
				instance = wasmer.Instance{} // dropped without Close
				runtime.GC()
			}
		})
	})
}
