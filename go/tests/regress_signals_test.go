package tests

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
)

// spinOnThread runs an endless guest on a thread of its own until the context is done, and gives
// the number of the thread.
func spinOnThread(t *testing.T, ctx context.Context) (thread int, ended chan struct{}) {
	t.Helper()
	instance := stressGuest(t, increment)
	endless := function(t, &instance, "endless")
	started := make(chan int)
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- cfuncs.ThreadID()
		_, _ = endless.Call(ctx)
		expectSane(t, &instance)
		instance.Close()
	}()
	thread = <-started
	time.Sleep(50 * time.Millisecond)
	return thread, ended
}

func sendTo(t *testing.T, thread int, s syscall.Signal) {
	t.Helper()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(os.Getpid()), uintptr(thread), uintptr(s)); errno != 0 {
		t.Fatal(errno)
	}
}

// SIGQUIT that arrives at a running guest prints the stacks of all goroutines, and neither faults
// again nor dumps the guest's stack.
func TestQuitWhileGuestRuns(t *testing.T) {
	if os.Getenv(childVariable) == t.Name() {
		thread, ended := spinOnThread(t, context.Background())
		sendTo(t, thread, syscall.SIGQUIT)
		<-ended
	}
	for _, traceback := range []string{"all", "crash"} {
		output, _ := runChild(t, t.Name(), childOptions{env: []string{"GOTRACEBACK=" + traceback}})
		for text, expected := range map[string]bool{
			"SIGQUIT: quit":         true,
			"goroutine 1 gp=":       true,
			"(*Function).Call":      true, // who called the guest
			"panic during panic":    false,
			"unexpected return pc":  false,
			"unknown pc":            false,
			"unexpected signal":     false,
			"a guest's stack; this": false,
		} {
			if bytes.Contains(output, []byte(text)) != expected {
				t.Errorf("GOTRACEBACK=%s: %q in the output, expected %v:\n%s", traceback, text, expected, tail(output))
			}
		}
	}
}

// A signal of a fault that another process sends is no fault: it goes to signal.Notify, also while
// a guest runs.
func TestSentFaultWhileGuestRuns(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	signals := []os.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL}
	heard := make(chan os.Signal, 100)
	signal.Notify(heard, signals...)
	ctx, cancel := context.WithCancel(t.Context())
	thread, ended := spinOnThread(t, ctx)
	for range 20 {
		for _, s := range signals {
			sendTo(t, thread, s.(syscall.Signal))
			if got := <-heard; got != s {
				t.Errorf("heard %v, expected %v", got, s)
			}
		}
	}
	cancel()
	<-ended
}
