package tests

import (
	"runtime"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// runtime.Goexit in Go code that C has called, with a guest below the C frames: the goroutine ends,
// its deferred calls run, and the instance and its fiber can be used again.
func TestGoexitInCallbackOfC(t *testing.T) {
	needsCgo(t)
	instance := cGuest(t, increment, func(*wasmer.Instance, int32) int32 {
		runtime.Goexit()
		return 0
	})
	defer instance.Close()
	expectSteady(t, 2, func() {
		for range pick(1000, 100) {
			returned, ended := false, make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = instance.Exports["c_go"](1)
				returned = true
			}()
			<-ended
			if returned {
				t.Fatal("the call returned")
			}
		}
		expectSane(t, instance)
	})
}
