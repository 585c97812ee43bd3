package wasmer_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/emulator"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// inChildWithoutPreemption runs a test again in a child with GODEBUG=asyncpreemptoff=1.
func inChildWithoutPreemption(t *testing.T) {
	t.Helper()
	const variable = "GOWASMER_TEST_CHILD"
	if os.Getenv(variable) != "" {
		return
	}
	command := emulator.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	command.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", variable+"=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("without preemption: %v\n%s", err, output)
	}
}

// A deadline is met within 50 ms, also by a typed function, and the instance goes on. A busy
// machine may spoil a measurement: the best of some counts.
func TestDeadlineIsMet(t *testing.T) {
	inChildWithoutPreemption(t)
	in := instantiate(t, guest(t, "traps"), nil)
	loop := must(wasmer.Proc0(&in, "endless_loop"))(t)
	sane := must(wasmer.Func2[int32, int32, int32](&in, "sane"))(t)
	late := time.Hour
	for range 20 {
		if late <= 50*time.Millisecond {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		begin := time.Now()
		if err := loop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		late = min(late, time.Since(begin)-10*time.Millisecond)
		cancel()
		for range 3 {
			if v, err := sane(context.Background(), 5, 37); v != 42 || err != nil {
				t.Errorf("sane = %d (%v)", v, err)
			}
		}
	}
	if late > 50*time.Millisecond {
		t.Errorf("the deadline was met %v late at best", late)
	}
	t.Logf("%v late", late)
}

// A context that ends when its call is over, or just then, never hits the next call.
func TestLateCancelHitsNothing(t *testing.T) {
	inChildWithoutPreemption(t)
	in := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() {}))
	next := must(wasmer.Func1[int32, int32](&in, "call_next"))(t)
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	cancelled := 0
	for i := range rounds {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range i % 50 {
				runtime.Gosched()
			}
			cancel()
		}()
		if v, err := next(ctx, 20); err != nil && !errors.Is(err, context.Canceled) || err == nil && v != 20 {
			t.Fatalf("call_next = %d (%v)", v, err)
		} else if err != nil {
			cancelled++
		}
		for range 3 {
			if v, err := next(context.Background(), 20); v != 20 || err != nil {
				t.Fatalf("the next call: %d (%v)", v, err)
			}
		}
		<-done
	}
	t.Logf("%d of %d calls were cancelled", cancelled, rounds)
}

// The context is looked at when a host function returns.
func TestCancelInHostFunction(t *testing.T) {
	inChildWithoutPreemption(t)
	calls := 0
	var cancel context.CancelFunc
	in := instantiate(t, guest(t, "host_calls"), hostCalls(t, func() {
		if calls++; calls == 3 {
			cancel()
		}
	}))
	f := must(wasmer.Proc1[int32](&in, "call_nop"))(t)
	for range 3 {
		ctx, end := context.WithCancel(context.Background())
		cancel, calls = end, 0
		if err := f(ctx, 100); !errors.Is(err, context.Canceled) || calls != 3 {
			t.Errorf("after %d calls: %v", calls, err)
		}
		end()
		calls = 10
		if err := f(context.Background(), 100); err != nil {
			t.Error(err)
		}
	}
}
