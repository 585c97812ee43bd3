package wasmer_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestCallWithDeadline(t *testing.T) {
	instance := instantiate(t, guest(t, "traps"), nil)
	for name, arguments := range map[string][]interface{}{
		"endless_loop": nil, "endless_loop_counting": nil, "endless_br_table": {0}, "endless_loop_against_the_guard": nil,
		"spin_at_depth": {100},
	} {
		f := must(instance.Function(name))(t)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		start := time.Now()
		results, err := f.Call(ctx, arguments...)
		took := time.Since(start)
		cancel()
		var failure *wasmer.ExportedFunctionError
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failure) || results != nil {
			t.Errorf("%s: %v, %v", name, results, err)
		}
		if took > 5*time.Second { // generous: the machine may be busy
			t.Errorf("%s: given up after %v", name, took)
		}
		if got := call(t, instance, "sane", 5, 37); got != wasmer.I32(42) {
			t.Errorf("after %s: sane = %v", name, got)
		}
	}
}

func TestCancelWithCause(t *testing.T) {
	instance := instantiate(t, guest(t, "traps"), nil)
	f := must(instance.Function("endless_loop"))(t)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	if _, err := f.Call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	// A context that is done already: nothing runs.
	if _, err := f.Call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	//lint:ignore SA1012 a nil context is what is tested
	if _, err := f.Call(nil); err == nil {
		t.Error("a nil context is accepted")
	}
}

// A host function that blocks sees the end of the context; the call then ends, too.
func TestDeadlineInHostFunction(t *testing.T) {
	instance := instantiate(t, guest(t, "host_calls"), hostCalls(t, func(ctx context.Context) { <-ctx.Done() }))
	f := must(instance.Function("call_nop"))(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := f.Call(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestInstantiateWithDeadline(t *testing.T) {
	bytes := guest(t, "start_loop")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := wasmer.NewInstanceContext(ctx, bytes, nil)
	var instanceError *wasmer.InstanceError
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &instanceError) {
		t.Errorf("NewInstanceContext: %v", err)
	}
	module := must(wasmer.Compile(bytes))(t)
	defer module.Close()
	for range 2 { // the second time with a context that is done
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		var moduleError *wasmer.ModuleError
		if _, err := module.InstantiateContext(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &moduleError) {
			t.Errorf("InstantiateContext: %v", err)
		}
		cancel()
	}
	if _, err := wasmer.NewInstanceContext(ctx, guest(t, "sum"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that is done: %v", err)
	}
}

// An endless guest does not keep the garbage collector from running.
func TestCollectionDuringEndlessLoop(t *testing.T) {
	instance := instantiate(t, guest(t, "traps"), nil)
	f := must(instance.Function("endless_loop"))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := f.Call(ctx)
		done <- err
	}()
	for range 5 {
		start := time.Now()
		runtime.GC()
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("a collection took %v", took)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFunction(t *testing.T) {
	instance := instantiate(t, guest(t, "types"), nil)
	sum := must(instance.Function("sum"))(t)
	if sum.Name() != "sum" || sum.String() != "sum(i32, i32) -> (i32)" {
		t.Errorf("%s, %s", sum.Name(), sum)
	}
	results, err := sum.Call(context.Background(), 5, 37)
	if err != nil || len(results) != 1 || results[0] != wasmer.I32(42) {
		t.Errorf("sum = %v (%v)", results, err)
	}
	void := must(instance.Function("void"))(t)
	if results, err := void.Call(context.Background()); err != nil || len(results) != 0 || void.String() != "void() -> ()" {
		t.Errorf("void = %v (%v)", results, err)
	}
	_, err = sum.Call(context.Background(), 5)
	checkText(t, err, "Missing 1 argument(s) when calling the `sum` exported function; Expect 2 argument(s), given 1.")
	_, err = sum.Call(context.Background(), 5, "7")
	checkContains(t, err, `argument #2 is the string "7", expected an integer from -2147483648 to 4294967295, a bool or a Value of type i32`)
	for _, name := range []string{"none", "memory", ""} {
		_, err = instance.Function(name)
		checkText(t, err, "Cannot find the function `"+name+"`:\n    the instance exports no function of this name")
	}
	instance.Close()
	if _, err := instance.Function("sum"); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Function of a closed instance: %v", err)
	}
	if _, err := sum.Call(context.Background(), 5, 37); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("Call of a closed instance: %v", err)
	}
}
