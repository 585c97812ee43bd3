package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// TestStress lets 200 goroutines do everything at once that guests can do, good and bad, each
// checking its results, while the garbage collector runs, the CPU profiler interrupts 500 times a
// second, processes are started, and signals arrive that Go code listens to.
func TestStress(t *testing.T) {
	goroutines := pick(200, 60)
	s := newStress(t, stressTime(pick(5*time.Second, 3*time.Second)))
	defer s.shared.Close()
	defer s.sharedC.Close()
	profile := startProfile(t)
	var all sync.WaitGroup
	for _, disturb := range []func(){s.collect, s.execute, s.signals} {
		all.Go(disturb)
	}
	for seed := range goroutines {
		all.Go(func() { s.worker(uint64(seed)) })
	}
	time.Sleep(time.Until(s.end))
	within(t, "the stress test", all.Wait)
	checkProfile(t, profile())
	var counts []string
	for _, action := range s.actions {
		counts = append(counts, fmt.Sprintf("%s %d", action.name, action.count.Load()))
		if action.count.Load() == 0 {
			t.Errorf("%s was never done", action.name)
		}
	}
	t.Logf("%d goroutines, %v: %s; disturbed by %d collections, %d processes, %d signals", goroutines, time.Since(s.begin).Round(time.Millisecond),
		strings.Join(counts, ", "), s.collections.Load(), s.processes.Load(), s.received.Load())
}

// stress is what the goroutines share.
type stress struct {
	t          *testing.T
	begin, end time.Time
	shared     wasmer.Instance  // called by all goroutines at once
	sharedC    *wasmer.Instance // the same, entered by cgo
	spinDepth  int32            // the greatest depth of spin_at_depth
	depth      int32            // that of recurse, when sweep calls it
	actions    []*action

	collections, processes, received atomic.Int64
}

// action is one of the things that the goroutines do, chosen by chance.
type action struct {
	name  string
	run   func(*worker)
	count atomic.Int64
}

func newStress(t *testing.T, duration time.Duration) *stress {
	s := &stress{t: t}
	s.shared = stressGuest(t, s.host)
	s.sharedC = cGuest(t, s.host, nil)
	spin := function(t, &s.shared, "spin_at_depth")
	s.spinDepth = deepest(t, func(depth int32) error {
		_, err := spin.Call(t.Context(), depth, 0)
		return err
	})
	recurse := function(t, &s.shared, "recurse")
	s.depth = deepest(t, func(depth int32) error {
		_, err := recurse.Call(t.Context(), depth)
		return err
	}) - callersFrame
	for name, run := range map[string]func(*worker){
		"calls":               (*worker).calls,
		"traps":               (*worker).trap,
		"loops":               (*worker).loop,
		"endless loops":       (*worker).endless,
		"loops at the guard":  (*worker).loopAtGuard,
		"endless at guard":    (*worker).endlessAtGuard,
		"host calls":          (*worker).hostCalls,
		"nested calls":        (*worker).nested,
		"storms":              (*worker).storm,
		"C calls":             (*worker).cCalls,
		"endless C calls":     (*worker).endlessC,
		"C traps":             (*worker).cTrap,
		"instances":           (*worker).instance,
		"cancellations":       (*worker).cancel,
		"panics":              (*worker).panics,
		"concurrent closings": (*worker).closeDuringCall,
	} {
		s.actions = append(s.actions, &action{name: name, run: run})
	}
	s.begin = time.Now()
	s.end = s.begin.Add(duration)
	return s
}

// callersFrame is how many of the small frames of recurse its caller's may take.
const callersFrame = 16

// worker is one goroutine with instances of its own.
type worker struct {
	*stress
	*rand.Rand
	own  wasmer.Instance
	ownC *wasmer.Instance
}

func (s *stress) worker(seed uint64) {
	w := &worker{stress: s, Rand: rand.New(rand.NewPCG(seed, 1))}
	w.own = stressGuest(s.t, s.host)
	w.ownC = cGuest(s.t, s.host, func(instance *wasmer.Instance, n int32) int32 {
		return call(s.t, instance, "add", n, 1).ToI32()
	})
	defer w.own.Close()
	defer w.ownC.Close()
	// Each begins with an action of its own, so that even a short run does all of them.
	for at := int(seed) % len(s.actions); time.Now().Before(s.end); at = w.IntN(len(s.actions)) {
		s.actions[at].run(w)
		s.actions[at].count.Add(1)
	}
}

// host is env.host of all instances: n + 1, after one of the things that host functions do.
func (s *stress) host(_ context.Context, n int32) (int32, error) {
	switch rand.IntN(12) {
	case 0:
		runtime.Gosched()
	case 1:
		growStack(200 + rand.IntN(2000))
	case 2:
		time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
	case 3:
		garbage := make([]byte, rand.IntN(1<<16))
		sink.Store(&garbage)
	case 4:
		runtime.LockOSThread()
		time.Sleep(time.Microsecond)
		runtime.UnlockOSThread()
	case 5:
		if _, err := os.Stat("/proc/self/stat"); err != nil {
			s.t.Error(err)
		}
	}
	return n + 1, nil
}

var sink atomic.Pointer[[]byte]

// growStack makes the goroutine's stack grow, and so move.
func growStack(depth int) int {
	var pad [64]int
	pad[depth%64] = depth
	if depth == 0 {
		return pad[1]
	}
	return growStack(depth-1) + pad[2]
}

// some gives the worker's instance, or that which all share.
func (w *worker) some() *wasmer.Instance {
	if w.IntN(2) == 0 {
		return &w.own
	}
	return &w.shared
}

func (w *worker) someC() *wasmer.Instance {
	if w.IntN(2) == 0 {
		return w.ownC
	}
	return w.sharedC
}

func (w *worker) expect(instance *wasmer.Instance, want int64, name string, arguments ...any) {
	value, err := instance.Exports[name](arguments...)
	if got := value.ToI64(); err != nil || got != want {
		w.t.Errorf("%s%v = %v, %v; expected %v", name, arguments, got, err, want)
	}
}

func (w *worker) calls() {
	for range 100 {
		a, b := int32(w.Uint32()), int32(w.Uint32())
		w.expect(w.some(), int64(uint32(a+b)), "add", a, b)
	}
}

func (w *worker) trap() {
	instance := w.some()
	for range 20 {
		trap := guestTraps[w.IntN(len(guestTraps))]
		_, err := instance.Exports[trap.function](trap.arguments...)
		expectTrap(w.t, trap.function, err, trap.code)
	}
	expectSane(w.t, instance)
}

func (w *worker) loop() {
	n := int64(w.IntN(300_000) + 1)
	w.expect(w.some(), mix(n), "mix", n)
}

// expire calls a function that never returns, until a deadline.
func (w *worker) expire(instance *wasmer.Instance, name string, arguments ...any) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(w.IntN(2000))*time.Microsecond)
	defer cancel()
	_, err := function(w.t, instance, name).Call(ctx, arguments...)
	if !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("%s%v: error %v, expected the deadline", name, arguments, err)
	}
}

func (w *worker) endless() {
	loop := endlessLoops[w.IntN(len(endlessLoops))]
	w.expire(w.some(), loop.function, loop.arguments...)
	expectSane(w.t, &w.own)
}

func (w *worker) loopAtGuard() {
	n := int64(w.IntN(500_000))
	w.expect(w.some(), n+int64(w.spinDepth), "spin_at_depth", w.spinDepth, n)
	w.expect(w.some(), int64(w.depth), "sweep", w.depth, 1)
}

func (w *worker) endlessAtGuard() {
	w.expire(w.some(), "spin_at_depth", w.spinDepth, int64(-1))
	w.expire(w.some(), "endless_sweep", w.depth)
}

func (w *worker) hostCalls() {
	n := w.IntN(50)
	w.expect(w.some(), int64(2*n+3), "host_loop", n)
}

// nested goes wasm -> Go -> wasm, some levels deep.
func (w *worker) nested() {
	var instance wasmer.Instance
	instance = stressGuest(w.t, func(ctx context.Context, n int32) (int32, error) {
		if n == 0 {
			return 1000, nil
		}
		results, err := function(w.t, &instance, "host_once").Call(ctx, n-1)
		if err != nil {
			return 0, err
		}
		return results[0].ToI32(), nil
	})
	defer instance.Close()
	depth := w.IntN(30)
	w.expect(&instance, 1000+100*int64(depth+1), "host_once", depth)
}

func (w *worker) storm() {
	instance := &w.own // they write to memory and tables
	n := w.IntN(50) + 1
	w.expect(instance, 0, "grow_storm", n)
	w.expect(instance, 0, "table_storm", n)
	w.expect(instance, int64(2*n), "bulk_storm", n)
}

func (w *worker) cCalls() {
	instance := w.someC()
	n := w.IntN(200)
	w.expect(instance, int64(n*(n-1)/2), "c_loop", n)
	w.expect(instance, int64(3*(n%20)), "all_loop", n%20)
	w.expect(instance, 42, "indirect", 0, 40, 2)
}

func (w *worker) endlessC() {
	w.expire(w.someC(), []string{"endless", "endless_c", "endless_c_go"}[w.IntN(3)])
	expectSane(w.t, w.ownC)
}

func (w *worker) cTrap() {
	trap := cTraps[w.IntN(len(cTraps))]
	_, err := w.someC().Exports[trap.function](trap.arguments...)
	expectTrap(w.t, trap.function, err, trap.code)
}

func (w *worker) instance() {
	var instance wasmer.Instance
	var err error
	if w.IntN(8) == 0 {
		instance, err = wasmer.NewInstance(guest(w.t, "small")) // compiles
	} else {
		module := compiled(w.t, "small")
		instance, err = module.Instantiate()
	}
	if err != nil {
		w.t.Error(err)
		return
	}
	defer instance.Close()
	expectSane(w.t, &instance)
	w.expect(&instance, 1, "grow", 3)
	w.expect(&instance, 0, "load", 4*65536-4)
	if data := instance.Memory.Data(); len(data) != 4*65536 || string(data[1024:1029]) != "hello" {
		w.t.Errorf("memory of %d bytes: %q", len(data), data[1024:1029])
	}
}

// cancel ends a loop from another goroutine, with a cause.
func (w *worker) cancel() {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	timer := time.AfterFunc(time.Duration(w.IntN(3000))*time.Microsecond, func() { cancel(cause) })
	defer timer.Stop()
	_, err := function(w.t, w.some(), "endless").Call(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		w.t.Errorf("cancelled call: error %v", err)
	}
}

// panics lets a host function panic through a guest, under both entries.
func (w *worker) panics() {
	thrown := fmt.Sprint(w.Int())
	host := func(context.Context, int32) (int32, error) { panic(thrown) }
	goGuest := stressGuest(w.t, host)
	defer goGuest.Close()
	cGuest := cGuest(w.t, host, func(*wasmer.Instance, int32) int32 { panic(thrown) })
	defer cGuest.Close()
	for _, f := range []func(...any) (wasmer.Value, error){goGuest.Exports["host_once"], cGuest.Exports["host"], cGuest.Exports["c_go"]} {
		if caught := catch(func() { _, _ = f(1) }); caught != thrown {
			w.t.Errorf("caught %v, thrown %v", caught, thrown)
		}
	}
}

// catch returns what f panics with.
func catch(f func()) (caught any) {
	defer func() { caught = recover() }()
	f()
	return nil
}

// closeDuringCall closes an instance that runs: the call comes to its end.
func (w *worker) closeDuringCall() {
	instance := stressGuest(w.t, w.host)
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() {
			for {
				value, err := instance.Exports["mix"](20_000)
				if errors.Is(err, wasmer.ErrClosed) {
					return
				}
				if err != nil || value.ToI64() != mix(20_000) {
					w.t.Errorf("call while the instance is closed: %v, %v", value, err)
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(w.IntN(1000)) * time.Microsecond)
	instance.Close()
	calls.Wait()
}

// collect keeps the garbage collector running.
func (s *stress) collect() {
	for time.Now().Before(s.end) {
		runtime.GC()
		s.collections.Add(1)
		time.Sleep(time.Millisecond)
	}
}

// execute starts processes.
func (s *stress) execute() {
	for time.Now().Before(s.end) {
		if output, err := exec.Command("/bin/echo", "alive").Output(); err != nil || string(output) != "alive\n" {
			s.t.Errorf("echo: %q, %v", output, err)
		}
		s.processes.Add(1)
	}
}

// signals sends signals that Go code listens to, among them the one that pauses guests.
func (s *stress) signals() {
	heard := make(chan os.Signal, 100)
	signal.Notify(heard, syscall.SIGUSR1, syscall.SIGURG, syscall.SIGCHLD, syscall.SIGPIPE)
	defer signal.Stop(heard)
	for time.Now().Before(s.end) {
		for _, number := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGPIPE} {
			if err := syscall.Kill(os.Getpid(), number); err != nil {
				s.t.Error(err)
			}
		}
		time.Sleep(time.Millisecond)
		for len(heard) > 0 {
			<-heard
			s.received.Add(1)
		}
	}
}

// startProfile begins a CPU profile of 500 samples a second; the function that it returns ends it
// and gives its bytes.
func startProfile(t *testing.T) func() []byte {
	t.Helper()
	var profile bytes.Buffer
	runtime.SetCPUProfileRate(500) // pprof keeps the rate that is set, and complains on stderr
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(pprof.StopCPUProfile)
	t.Cleanup(stop)
	return func() []byte {
		stop()
		return profile.Bytes()
	}
}
