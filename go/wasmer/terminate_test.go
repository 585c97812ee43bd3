package wasmer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

const spinner = `(module (import "env" "host" (func $host))
	(memory (export "memory") 1)
	(func (export "spin") (loop $l (br $l)))
	(func (export "spin_host") (loop $l (call $host) (br $l)))
	(func (export "once") (call $host))
	(func (export "answer") (result i32) (i32.const 42)))`

// Terminate ends what runs, in compiled code and in host functions, and what comes later.
func TestTerminate(t *testing.T) {
	stop := errors.New("out of time")
	began := make(chan struct{}, 100)
	release := make(chan struct{})
	imports := must(wasmer.NewImports().Append("host", func() {
		select {
		case began <- struct{}{}:
		default:
		}
		<-release
	}))(t)
	instance := instantiate(t, fromText(t, spinner), imports)
	if got := call(t, instance, "answer"); got != wasmer.I32(42) {
		t.Fatal(got)
	}
	failures := make(chan error)
	for _, name := range []string{"spin", "spin", "once", "spin_host"} {
		go func() {
			_, err := instance.Exports[name]()
			failures <- err
		}()
	}
	<-began
	<-began
	time.Sleep(time.Millisecond)
	instance.Terminate(stop)
	instance.Terminate(errors.New("too late"))
	check := func(err error) {
		t.Helper()
		if !errors.Is(err, stop) || !errors.Is(err, wasmer.ErrTerminated) || errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("the error is %v", err)
		}
	}
	check(<-failures)
	check(<-failures)
	close(release) // those in host functions
	check(<-failures)
	check(<-failures)
	_, err := instance.Exports["answer"]()
	checkText(t, err, "Failed to call the `answer` exported function.\nthe instance was terminated: out of time")
	check(err)
	_, err = must(instance.Function("answer"))(t).Call(context.Background())
	check(err)
	check(must(instance.Function("answer"))(t).CallSlots(context.Background(), make([]uint64, 1)))
	_, err = must(wasmer.Func0[int32](&instance, "answer"))(t)(context.Background())
	check(err)
	if err := instance.Memory.WriteString(0, "still here"); err != nil {
		t.Error(err)
	}
	instance.Close()
	if _, err = instance.Exports["answer"](); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
	instance.Terminate(nil)
	(*wasmer.Instance)(nil).Terminate(nil)
	new(wasmer.Instance).Terminate(nil)
}

func TestTerminateWithoutReason(t *testing.T) {
	instance := instantiate(t, guest(t, "sum"), nil)
	instance.Terminate(nil)
	_, err := instance.Exports["sum"](1, 2)
	checkText(t, err, "Failed to call the `sum` exported function.\nthe instance was terminated")
	if !errors.Is(err, wasmer.ErrTerminated) {
		t.Error(err)
	}
}

// A call of another instance that calls a host function of this one ends, too; that of a nested
// call of the same instance in any case.
func TestTerminateFromHostFunction(t *testing.T) {
	var inner wasmer.Instance
	stop := errors.New("enough")
	inner = instantiate(t, fromText(t, spinner), must(wasmer.NewImports().Append("host", func() { inner.Terminate(stop) }))(t))
	imports := must(wasmer.NewImports().AppendExportedFunction("f", must(inner.Function("spin_host"))(t)))(t)
	outer := instantiate(t, fromText(t, `(module (import "env" "f" (func $f)) (func (export "run") (call $f)))`), imports)
	if _, err := outer.Exports["run"](); !errors.Is(err, stop) {
		t.Errorf("the error is %v", err)
	}
}

// Instances are called, terminated and closed at the same time, by many goroutines.
func TestTerminateHammer(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	before := baseline()
	stop := errors.New("stop")
	module := must(wasmer.Compile(fromText(t, spinner)))(t)
	imports := must(wasmer.NewImports().Append("host", func() {}))(t)
	for round := range rounds {
		instance := must(module.InstantiateWithImports(imports))(t)
		var calls sync.WaitGroup
		var made atomic.Int32
		for i := range 8 {
			name := []string{"spin", "spin_host", "answer", "once"}[i%4]
			calls.Go(func() {
				for {
					_, err := instance.Exports[name]()
					made.Add(1)
					switch {
					case errors.Is(err, stop), round%3 == 0 && errors.Is(err, wasmer.ErrClosed):
						return
					case err != nil || i%4 < 2:
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
		for made.Load() < 20 {
			time.Sleep(time.Millisecond / 10)
		}
		calls.Go(func() { instance.Terminate(stop) })
		calls.Go(func() { instance.Terminate(stop) })
		if round%3 == 0 {
			calls.Go(instance.Close)
		}
		calls.Wait()
		instance.Close()
	}
	module.Close()
	settle(t, "nothing is left", func() bool { return baseline().Instances <= before.Instances })
}
