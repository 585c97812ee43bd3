package tests

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// One test for each behaviour of Go's runtime that the engine leans on and that no documentation
// promises. When a new version of Go fails one of these, the comment says where in its sources to
// look.

// Go asks a thread to yield by SIGURG, and asks again until it does.
//
// runtime/preempt.go: suspendG calls preemptM in a loop; runtime/signal_unix.go: preemptM, `const
// sigPreempt = _SIGURG`, and sighandler, which hands the signal on to listeners.
func TestAssumePreemptionBySIGURG(t *testing.T) {
	heard := make(chan os.Signal, 1000)
	signal.Notify(heard, syscall.SIGURG)
	defer signal.Stop(heard)
	data := make([]byte, 128<<20)
	for attempt := range 20 {
		stop := make(chan struct{})
		collected := make(chan int)
		go func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					collected <- n
					return
				default:
					runtime.GC()
				}
			}
		}()
		// Assembly, which cannot be preempted inside: the signal has to come more than once while a
		// collection waits.
		for range 5 {
			if bytes.IndexByte(data, 1) >= 0 {
				t.Fatal("a byte that nobody has written")
			}
		}
		close(stop)
		<-collected
		time.Sleep(time.Millisecond)
		if n := len(heard); n >= 2 {
			t.Logf("%d signals heard after %d attempts", n, attempt+1)
			return
		}
	}
	t.Errorf("%d signals heard", len(heard))
}

// A guest in a loop is paused by that signal, so that a collection comes to its end.
//
// runtime/preempt.go: asyncPreempt is asked for at any program counter, and a handler that was
// installed after Go's sees the signal first.
func TestAssumeGuestsArePaused(t *testing.T) {
	instance := stressGuest(t, increment)
	defer instance.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := function(t, &instance, "endless").Call(ctx)
		ended <- err
	}()
	within(t, "a collection", func() {
		for range 10 {
			time.Sleep(time.Millisecond)
			runtime.GC()
		}
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Go installs its handlers with SA_ONSTACK, SA_SIGINFO and SA_RESTART, before any code of ours
// runs; ours take the place of five of them, in the same way, and no other; on arm64 of all of
// them.
//
// runtime/signal_unix.go: initsig; runtime/os_linux.go: setsig.
func TestAssumeHandlers(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	const flags = cfuncs.OnStack | cfuncs.SigInfo | cfuncs.Restart
	ours := map[syscall.Signal]bool{syscall.SIGSEGV: true, syscall.SIGBUS: true, syscall.SIGFPE: true, syscall.SIGILL: true, syscall.SIGURG: true, syscall.SIGPROF: true}
	before := map[syscall.Signal]uintptr{}
	all := []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGURG, syscall.SIGPROF, syscall.SIGPIPE, syscall.SIGCHLD, syscall.SIGTRAP}
	for _, number := range all {
		address, given := cfuncs.Handler(int(number))
		before[number] = address
		if address < 4096 || given&flags != flags {
			t.Errorf("Go's handler of %v is %#x, flags %#x", number, address, given)
		}
	}
	if err := engine.Init(); err != nil {
		t.Fatal(err)
	}
	for _, number := range all {
		address, given := cfuncs.Handler(int(number))
		if (address != before[number]) != (ours[number] || runtime.GOARCH == "arm64") {
			t.Errorf("handler of %v: %#x before, %#x after", number, before[number], address)
		}
		if given&flags != flags {
			t.Errorf("handler of %v: flags %#x", number, given)
		}
	}
}

// Every thread that runs Go code has an alternate signal stack of at least 16 KiB, threads of C
// while they run Go, too: the handler, and Go's after it, need it, as a guest's stack may be full.
//
// runtime/os_linux.go: mpreinit; runtime/signal_unix.go: minitSignalStack.
func TestAssumeAlternateStacks(t *testing.T) {
	check := func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if size := cfuncs.AlternateStack(); size < 16<<10 {
			t.Errorf("alternate stack of %d bytes", size)
		}
	}
	check()
	inParallel(8, func(int) { check() })
	if cfuncs.Available && !cfuncs.OnThread(256<<10, check) {
		t.Error("cannot create a thread")
	}
}

// Go's own faults reach Go's handler through ours, with the registers as they were.
//
// runtime/signal_amd64.go: preparePanic makes the fault a call of sigpanic.
func TestAssumeChainedFaults(t *testing.T) {
	if err := engine.Init(); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if err, ok := catch(func() { *nilPointer = 1 }).(runtime.Error); !ok {
			t.Fatalf("caught %v", err)
		}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	mapping, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	address, ok := catch(func() { mapping[100] = 1 }).(interface{ Addr() uintptr })
	if want := uintptr(unsafe.Pointer(unsafe.SliceData(mapping))) + 100; !ok || address.Addr() != want {
		t.Errorf("fault at %v, expected %#x", address, want)
	}
	if err := syscall.Munmap(mapping); err != nil {
		t.Error(err)
	}
}

// signal.Ignore takes our handler of SIGURG away, and a later signal.Notify puts Go's in its place;
// the next instantiation puts ours back. Go's handler, to which ours hands the signal on, does
// nothing where handlingSig is 0, and a thread whose signalPending is not taken back gets no
// further signal: so instantiation makes Go handle it again, too. signal.Notify and signal.Stop
// alone do not take ours away.
//
// runtime/signal_unix.go: sigignore, sigenable (which acts only where handlingSig is 0),
// sigdisable, sigfwdgo, preemptM, doSigPreempt.
func TestAssumeIgnoringRemovesHandler(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	module := compiled(t, "stress")
	set := imports(t, increment)
	instance := start(t, module, set)
	defer instance.Close()
	ours, _ := cfuncs.Handler(int(syscall.SIGURG))
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGURG)
	signal.Stop(heard)
	signal.Reset(syscall.SIGURG)
	if now, _ := cfuncs.Handler(int(syscall.SIGURG)); now != ours {
		t.Errorf("after Notify, Stop and Reset the handler is %#x, expected %#x", now, ours)
	}
	for _, remove := range []func(){
		func() { signal.Ignore(syscall.SIGURG) },
		func() { signal.Ignore(syscall.SIGURG); signal.Notify(heard, syscall.SIGURG) },
		func() { signal.Ignore() },
	} {
		remove()
		inParallel(4, func(int) { // some threads are sent the signal while it is ignored
			for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
				pauseBriefly()
			}
			runtime.GC()
		})
		if now, _ := cfuncs.Handler(int(syscall.SIGURG)); now == ours {
			t.Error("signal.Ignore leaves the handler")
		}
		another := start(t, module, set)
		if now, _ := cfuncs.Handler(int(syscall.SIGURG)); now != ours {
			t.Errorf("after instantiation the handler is %#x, expected %#x", now, ours)
		}
		expectDeadline(t, "an endless loop", function(t, &another, "endless"))
		another.Close()
	}
}

// An assembly function without a frame may switch to another stack and come back: nothing looks at
// the goroutine's stack pointer meanwhile but signal handlers, which find the program counter in no
// Go function and leave the goroutine alone.
//
// cmd/internal/obj/x86/obj6.go: NOFRAME and NOSPLIT; runtime/preempt.go: isAsyncSafePoint,
// wantAsyncPreempt; runtime/proc.go: sigprof ("ExternalCode").
func TestAssumeForeignStack(t *testing.T) {
	instance := stressGuest(t, increment)
	defer instance.Close()
	profile := startProfile(t)
	want := mix(1_000_000)
	// The calls take the time of many samples also where the machine is busy with others meanwhile.
	end := time.Now().Add(pick(300*time.Millisecond, 200*time.Millisecond))
	for calls := 0; calls < 50 || time.Now().Before(end); calls++ {
		if value := call(t, &instance, "mix", 1_000_000); value.ToI64() != want {
			t.Fatalf("mix = %v, expected %d", value, want)
		}
	}
	content := profile()
	checkProfile(t, content)
	unzipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	message, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	// Where the engine's handler goes before Go's with every signal, as on arm64, that sees the
	// place of the entry.
	if !bytes.Contains(message, []byte("runtime._ExternalCode")) && !bytes.Contains(message, []byte("/internal/fiber.run")) {
		t.Error("the profile shows the guest neither as external code nor as the function that enters it")
	}
}

// The goroutine's stack may move while a host function runs: what entered the guest has left
// nothing on it that would have to stay.
//
// runtime/stack.go: newstack, copystack; a shrinking collection, shrinkstack, likewise.
func TestAssumeStackMoves(t *testing.T) {
	moved, shrunk := 0, 0
	instance := stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		before := stackAddress()
		growStack(20_000)
		if stackAddress() != before {
			moved++
		}
		before = stackAddress()
		for range 3 {
			runtime.GC()
		}
		if stackAddress() != before {
			shrunk++
		}
		return n + 1, nil
	})
	defer instance.Close()
	for range 10 {
		inParallel(1, func(int) { // a new goroutine has a small stack
			if value := call(t, &instance, "host_loop", 3); value.ToI32() != 9 {
				t.Errorf("host_loop(3) = %v", value)
			}
		})
	}
	if moved == 0 {
		t.Error("no stack has moved")
	}
	t.Logf("stacks moved %d times in growing, %d times in a collection", moved, shrunk)
}

//go:noinline
func stackAddress() uintptr {
	var here byte
	return uintptr(unsafe.Pointer(&here))
}

// A goroutine may go on on another thread after a host function: compiled code and stubs keep
// nothing of the thread.
//
// runtime/proc.go: schedule; the entry by Go assembly does not lock the thread, and no thread-local
// variable is read.
func TestAssumeThreadChanges(t *testing.T) {
	changes := 0
	instance := stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		before := cfuncs.ThreadID()
		for range 20 {
			time.Sleep(50 * time.Microsecond)
			if cfuncs.ThreadID() != before {
				changes++
				break
			}
		}
		return n + 1, nil
	})
	defer instance.Close()
	var changing atomic.Bool
	changing.Store(true)
	go func() { // makes the threads change roles
		for changing.Load() {
			inParallel(4, func(int) { time.Sleep(10 * time.Microsecond) })
		}
	}()
	defer changing.Store(false)
	within(t, "changing threads", func() {
		for changes == 0 {
			if value := call(t, &instance, "host_loop", 20); value.ToI32() != 43 {
				t.Fatalf("host_loop(20) = %v", value)
			}
		}
	})
}

// With GODEBUG=asyncpreemptoff=1 Go sends no such signal, and a guest that is entered by assembly
// would never yield. By cgo it gives its P away, even the only one.
//
// runtime/signal_unix.go: preemptM looks at debug.asyncpreemptoff; runtime/proc.go: retake takes
// the P of a thread in a system call or cgo.
func TestAssumePreemptionCanBeOff(t *testing.T) {
	if !inChild(t, childOptions{env: []string{"GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1"}}) {
		return
	}
	instance := stressGuest(t, increment)
	defer instance.Close()
	for range 3 {
		expectDeadline(t, "an endless loop", function(t, &instance, "endless"))
		expectSane(t, &instance)
	}
	if value := call(t, &instance, "host_loop", 100); value.ToI32() != 203 {
		t.Errorf("host_loop(100) = %v", value)
	}
}

// A panic in Go code that C has called unwinds the C frames without running them, and the guest's
// with them.
//
// runtime/cgocall.go: cgocallbackg1, unwindm, which restores the thread's stack pointer.
func TestAssumePanicsUnwindC(t *testing.T) {
	needsCgo(t)
	instance := cGuest(t, increment, func(*wasmer.Instance, int32) int32 { panic("thrown") })
	defer instance.Close()
	for range pick(20_000, 2_000) { // more than fit on the thread's stack, if it were not restored
		if caught := catch(func() { _, _ = instance.Exports["c_go"](1) }); caught != "thrown" {
			t.Fatalf("caught %v", caught)
		}
	}
	expectSane(t, instance)
}

// A suspended guest is memory and nothing else: the fiber that it is on can be given up at any time
// and used again.
func TestAssumeAbandonedFibers(t *testing.T) {
	instance := stressGuest(t, func(_ context.Context, n int32) (int32, error) {
		if n >= 3 {
			return 0, errors.ErrUnsupported
		}
		return n + 1, nil
	})
	defer instance.Close()
	expectSteady(t, 1, func() {
		for range 1000 {
			if _, err := instance.Exports["host_loop"](10); !errors.Is(err, errors.ErrUnsupported) {
				t.Fatal(err)
			}
			expectSane(t, &instance)
		}
	})
}
