package tests

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// pressing is a guest whose endless loop has a value in each register that there is.
func pressing() string {
	const values = 40
	var locals, step strings.Builder
	for i := range values {
		fmt.Fprintf(&locals, " (local $v%d i64)", i)
		fmt.Fprintf(&step, "(local.set $v%d (i64.add (i64.mul (local.get $v%d) (i64.const 3)) (local.get $v%d)))\n", i, i, (i+7)%values)
	}
	return fmt.Sprintf(`(module (func (export "endless") (result i64) %s (loop $again %s (br_if $again (i64.ne (local.get $v0) (i64.const 1)))) (local.get $v0)))`,
		&locals, &step)
}

// Signals that the program listens for arrive while a guest runs that uses all registers: Go's
// handlers find their goroutine, on arm64 without cgo too, where it is in one of the registers. The
// handlers of the later ones were installed by Go after those of the engine.
func TestNotifyWhileGuestRuns(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	signal.Ignore(syscall.SIGUSR2)
	code, err := wasmer.Wat2Wasm(pressing())
	if err != nil {
		t.Fatal(err)
	}
	instance, err := wasmer.NewInstance(code)
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Close()
	endless := function(t, &instance, "endless")
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan int), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		started <- cfuncs.ThreadID()
		_, _ = endless.Call(ctx)
	}()
	thread := <-started
	time.Sleep(50 * time.Millisecond)

	// From the start, first of all after the engine's, ignored at first.
	for _, s := range []os.Signal{syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGPROF, syscall.SIGCONT, syscall.SIGUSR2} {
		heard := make(chan os.Signal, 1000)
		signal.Notify(heard, s)
		for i := range 300 {
			sendTo(t, thread, s.(syscall.Signal))
			if s == syscall.SIGPROF {
				continue // Go tells nobody
			}
			select {
			case got := <-heard:
				if got != s {
					t.Errorf("heard %v, expected %v", got, s)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%v was not heard, number %d", s, i)
			}
		}
		signal.Stop(heard)
	}
	cancel()
	<-ended
}
