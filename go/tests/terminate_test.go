package tests

import (
	"errors"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/tests/cfuncs"
	"github.com/gowasmer/wasmer/go/wasmer"
)

// Guests that hold no processor of Go get no signals from it: Terminate interrupts them itself. One
// that imports a C function is entered by cgo.
func TestTerminateGuestsThatCallC(t *testing.T) {
	needsCgo(t)
	terminateEndless(t, must(wasmer.NewImports().Append("add", cAdd, cfuncs.Add()))(t))
}

// The same where Go sends no signals at all.
func TestTerminateWithoutPreemption(t *testing.T) {
	if !inChild(t, childOptions{env: []string{"GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=2"}}) {
		return
	}
	terminateEndless(t, must(wasmer.NewImports().Append("add", func(a, b int32) int32 { return a + b }))(t))
}

// terminateEndless terminates guests that compute, and those that call an import again and again.
func terminateEndless(t *testing.T, set *wasmer.Imports) {
	t.Helper()
	bytes := must(wasmer.Wat2Wasm(`(module (import "env" "add" (func $add (param i32 i32) (result i32)))
		(func (export "spin") (loop $l (br $l)))
		(func (export "spin_add") (loop $l (drop (call $add (i32.const 1) (i32.const 2))) (br $l))))`))(t)
	module := must(wasmer.Compile(bytes))(t)
	defer module.Close()
	stop := errors.New("stop")
	for range 5 {
		instance := start(t, module, set)
		failures := make(chan error, 4)
		for _, name := range []string{"spin", "spin_add", "spin", "spin_add"} {
			go func() {
				_, err := instance.Exports[name]()
				failures <- err
			}()
		}
		time.Sleep(5 * time.Millisecond)
		instance.Terminate(stop)
		within(t, "terminating", func() {
			for range 4 {
				if err := <-failures; !errors.Is(err, stop) {
					t.Errorf("the error is %v", err)
				}
			}
		})
		instance.Close()
	}
}

// must fails the test for an error, and else returns the value.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
