//go:build !(gowasmer_static && cgo && linux && (amd64 || arm64))

package engine

import (
	"context"
	"errors"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image"
)

// This file is the form of the engine that is embedded: an image, whose functions run on stacks
// that Go gives them.

// load maps the image when it is first used, and again where the system was short of something.
func load() error { return image.Load(abiNumber, entryCount) }

// build tells builds of the engine apart.
func build() string { return image.Build() }

// findPauses finds out whether Go pauses guests by signals, where the settings of the program do
// not tell. Until it is known, guests are entered as if it did not.
func findPauses() {
	if image.WithoutP() {
		go image.PausesArrive()
	}
}

// area is one call. Its memory is a part of the stack that the call runs on.
type area struct {
	*memory
	stack *image.Stack
	err   error // why there is no stack
}

// takeArea returns an area for one call.
func takeArea() area {
	if err := load(); err != nil {
		return area{memory: new(memory), err: err} // the call will say so
	}
	stack := image.Take()
	return area{memory: (*memory)(unsafe.Pointer(stack.Words())), stack: stack}
}

// release gives it back.
func (a area) release() {
	if a.stack != nil {
		a.stack.Release()
	}
}

// call calls a function by its number.
func (a area) call(number int) {
	if a.stack == nil {
		*a.memory = memory{}
		return
	}
	a.stack.Call(number)
}

// takeError turns the owned error that the call gave, if it gave one, into a Go error and frees it.
func (a area) takeError() error {
	if err := a.failed(); err != nil {
		return err
	}
	if a.words[0] == 0 {
		return nil
	}
	owned := a.result()
	err := a.readError(owned)
	a.errorFree(owned)
	return err
}

// failed says why the call has not come back.
func (a area) failed() error {
	if a.stack == nil {
		return a.err
	}
	return failure(a.stack.Failed())
}

// failure is the error of a call that has not come back.
func failure(err error) error {
	if err == nil {
		return nil
	}
	var died *image.Died
	if errors.As(err, &died) {
		if died.Reason == image.Starved {
			return &Error{Kind: KindResource, Message: died.Error()}
		}
		return &Error{Kind: KindInternal, Message: "bug of the engine: " + died.Error()}
	}
	return err
}

// workHeap is where what work makes stays until it is released.
type workHeap = image.Heap

func newWorkHeap() *workHeap {
	if load() != nil {
		return nil
	}
	return image.NewHeap()
}

func releaseWorkHeap(heap *workHeap) {
	if heap != nil {
		heap.Release()
	}
}

// workHeapRoot is what the engine knows a heap by, whose work has made something.
func workHeapRoot(heap *workHeap) uintptr { return heap.Root() }

// forgetWorkHeap leaves a heap to the engine, which has taken over what lies there.
func forgetWorkHeap(heap *workHeap) { heap.Forget() }

// work calls a function that may run long. It ends early, with the context's error, when the
// context is done; the heap is then of no further use.
func (a area) work(ctx context.Context, heap *workHeap, number int) error {
	if a.stack == nil {
		a.call(number)
		return a.err
	}
	return failure(a.stack.CallWork(ctx, number, heap))
}

// workError turns what came of work into a Go error. An error of the engine lies in the heap of the
// work, and goes with it.
func (a area) workError(err error) error {
	if err != nil || a.words[0] == 0 {
		return err
	}
	return a.readError(a.result())
}

// takeWorkBytes copies bytes that work has made.
func takeWorkBytes(bytes gwBytes) []byte {
	if bytes.data == nil {
		return nil
	}
	return append(make([]byte, 0, bytes.len), bytes.view()...)
}

// freeCompilation has nothing to free: a compilation lies in the heap of its work.
func freeCompilation(unsafe.Pointer) {}

// freeBatch and freeBench have nothing to free either.
func freeBatch(unsafe.Pointer) {}

func freeBench(unsafe.Pointer) {}
