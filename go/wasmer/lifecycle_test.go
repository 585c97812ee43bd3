package wasmer_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestInstanceClose(t *testing.T) {
	instance := must(wasmer.NewInstance(guest(t, "memory")))(t)
	size, memory := instance.Exports["size"], instance.Memory
	instance.Close()
	instance.Close()
	_, err := size()
	checkText(t, err, "Failed to call the `size` exported function.\nthe instance is closed")
	if !errors.Is(err, wasmer.ErrClosed) {
		t.Error("the error does not match ErrClosed")
	}
	if memory.Data() != nil || memory.Length() != 0 || memory.Grow(1) == nil {
		t.Error("the memory of a closed instance works")
	}
	instance.SetContextData(1)
	var zero wasmer.Instance
	zero.Close()
	zero.SetContextData(1)
	if zero.HasMemory() {
		t.Error("the zero instance has a memory")
	}
	var none *wasmer.Instance
	none.Close()
	none.SetContextData(1)
	if _, err := none.Function("f"); !errors.Is(err, wasmer.ErrClosed) || none.HasMemory() {
		t.Errorf("Function of nil: %v", err)
	}
}

// Close during a call: the call ends as usual, new ones are refused, memory is there until the end.
func TestCloseDuringCall(t *testing.T) {
	var instance wasmer.Instance
	calls := 0
	instance = instantiate(t, guest(t, "host_calls"), hostCalls(t, func(ctx *wasmer.InstanceContext) {
		calls++
		instance.Close()
		if _, err := instance.Exports["call_next"](1); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("a nested call: %v", err)
		}
		if ctx.Memory().Length() != 65536 {
			t.Errorf("the memory has %d bytes during the call", ctx.Memory().Length())
		}
	}))
	call(t, instance, "call_nop", 10)
	if calls != 10 {
		t.Errorf("%d host calls, expected 10", calls)
	}
	if instance.Memory.Data() != nil {
		t.Error("the memory is there after the call")
	}
}

// Goexit in a host function unwinds the goroutine; nothing is lost.
func TestGoexitInHostFunction(t *testing.T) {
	before := baseline()
	instance := must(wasmer.NewInstanceWithImports(guest(t, "host_calls"), hostCalls(t, func() { runtime.Goexit() })))(t)
	for range 200 {
		deferred := make(chan bool)
		go func() {
			defer close(deferred)
			_, _ = instance.Exports["call_nop"](1)
			t.Error("the call came back")
		}()
		<-deferred
	}
	if got := call(t, instance, "call_next", 3); got != wasmer.I32(3) {
		t.Errorf("call_next = %v, expected 3", got)
	}
	instance.Close()
	if after := engine.ReadStats(); after.Instances != before.Instances || after.Stores != before.Stores {
		t.Errorf("before %+v, after Close %+v", before, after)
	}
}

func TestEverythingIsFreedByClose(t *testing.T) {
	memory := must(wasmer.NewMemory(1, 4))(t)
	memory.Close()
	before := baseline()
	for range 100 {
		module := must(wasmer.Compile(guest(t, "memory")))(t)
		first, second := must(module.Instantiate())(t), must(module.Instantiate())(t)
		module.Close()
		first.Close()
		call(t, second, "store8", 1, 1)
		second.Memory.Data()[0] = 1
		second.Close()
		if _, err := wasmer.NewInstance(guest(t, "start_trap")); err == nil {
			t.Error("start_trap does not trap")
		}
	}
	after := engine.ReadStats()
	after.Fibers, after.Mappings = before.Fibers, before.Mappings // pooled
	if after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// What is dropped without Close is collected, also where a host function refers to its instance,
// and so is a memory.
func TestEverythingIsFreedByCollection(t *testing.T) {
	before := baseline()
	for range 50 {
		func() {
			instance := new(wasmer.Instance)
			imports := hostCalls(t, func(_ unsafe.Pointer, x int32) int32 { return x })
			imports = replaced(t, imports, "nop", func() { _, _ = instance.Exports["call_next"](1) })
			*instance = must(wasmer.NewInstanceWithImports(guest(t, "host_calls"), imports))(t)
			instance.SetContextData(instance)
			call(t, *instance, "call_nop", 3)
			_ = instance.Memory.Data()
			module := must(wasmer.Compile(guest(t, "sum")))(t)
			must(module.Instantiate())(t)
			must(wasmer.NewMemory(1, 1))(t)
		}()
	}
	settle(t, "instances, modules and memories are freed", func() bool {
		after := engine.ReadStats()
		return after.Instances <= before.Instances && after.Modules <= before.Modules && after.Memories <= before.Memories && after.Stores <= before.Stores
	})
}

// An exported function keeps its instance; a memory keeps its bytes.
func TestFunctionKeepsInstance(t *testing.T) {
	before := baseline()
	f, memory := func() (func(...interface{}) (wasmer.Value, error), *wasmer.Memory) {
		instance := must(wasmer.NewInstance(guest(t, "memory")))(t)
		other := must(wasmer.NewInstance(guest(t, "memory")))(t)
		return instance.Exports["size"], other.Memory
	}()
	for range 20 {
		runtime.GC()
		if got, err := f(); err != nil || got != wasmer.I32(2) {
			t.Fatalf("size = %v (%v)", got, err)
		}
		data := memory.Data()
		data[len(data)-1]++
	}
	if data := memory.Data(); data[len(data)-1] != 20 {
		t.Errorf("the memory holds %d, expected 20", data[len(data)-1])
	}
	runtime.KeepAlive(memory)
	f, memory = nil, nil
	settle(t, "the instances are freed", func() bool { return engine.ReadStats().Instances <= before.Instances })
}

// IntoInstanceContext of what is no living instance.
func TestUnknownInstanceContext(t *testing.T) {
	var pointer unsafe.Pointer
	imports := hostCalls(t, func(p unsafe.Pointer) { pointer = p })
	instance := instantiate(t, guest(t, "host_calls"), imports)
	call(t, instance, "call_nop", 1)
	if pointer == nil {
		t.Fatal("the host function got no pointer")
	}
	ctx := wasmer.IntoInstanceContext(pointer)
	if ctx.Memory().Length() != 65536 {
		t.Errorf("%d bytes", ctx.Memory().Length())
	}
	instance.Close()
	for _, pointer := range []unsafe.Pointer{nil, pointer, unsafe.Pointer(t)} {
		ctx := wasmer.IntoInstanceContext(pointer)
		if ctx.Memory() != nil || ctx.Data() != nil || ctx.Memory().Data() != nil {
			t.Error("a context of nothing has a memory or data")
		}
	}
	if ctx.Memory().Data() != nil {
		t.Error("the memory of a closed instance has bytes")
	}
	var none *wasmer.InstanceContext
	if none.Memory() != nil || none.Data() != nil {
		t.Error("a nil context has a memory or data")
	}
}

func TestCloseHammer(t *testing.T) {
	module := must(wasmer.Compile(guest(t, "host_calls")))(t)
	defer module.Close()
	imports := hostCalls(t, func(ctx *wasmer.InstanceContext) { _ = ctx.Memory().Length() })
	before := baseline()
	rounds := 200
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		instance := must(module.InstantiateWithImports(imports))(t)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for i := range 20 {
					value, err := instance.Exports["call_next"](i)
					if err == nil && value != wasmer.I32(int32(i)) || err != nil && !errors.Is(err, wasmer.ErrClosed) {
						t.Errorf("call_next(%d) = %v (%v)", i, value, err)
					}
					if i == 15 {
						instance.Close()
					}
				}
			})
		}
		group.Wait()
	}
	if after := engine.ReadStats(); after.Instances != before.Instances {
		t.Errorf("%d instances before, %d after", before.Instances, after.Instances)
	}
}
