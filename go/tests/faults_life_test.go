package tests

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Closing, dropping, and what the next one finds.

// An instance that is closed while calls of it run, one waiting in a host function: the calls come
// to their end, new ones are refused.
func TestCloseDuringCall(t *testing.T) {
	expectSteady(t, 3, func() {
		entered, leave := make(chan struct{}), make(chan struct{})
		instance := stressGuest(t, func(_ context.Context, n int32) (int32, error) {
			entered <- struct{}{}
			<-leave
			return n + 1, nil
		})
		add := instance.Exports["add"]
		var all sync.WaitGroup
		all.Go(func() {
			if value := call(t, &instance, "host_once", 1); value.ToI32() != 102 {
				t.Errorf("host_once(1) = %v", value)
			}
		})
		<-entered
		inParallel(3, func(int) { instance.Close() })
		if _, err := add(1, 2); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("call after Close: %v", err)
		}
		runtime.GC()
		close(leave)
		all.Wait()
	})
}

// A host function that closes its own instance, and its module and imports too.
func TestCloseFromHostFunction(t *testing.T) {
	expectSteady(t, 3, func() {
		var instance wasmer.Instance
		var module wasmer.Module
		var set *wasmer.Imports
		module = compile(t, guest(t, "stress"))
		set = imports(t, func(_ context.Context, n int32) (int32, error) {
			instance.Close()
			module.Close()
			set.Close()
			runtime.GC()
			_, err := instance.Exports["add"](1, 2)
			if !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("call after Close: %v", err)
			}
			return n + 1, nil
		})
		instance = start(t, module, set)
		if value := call(t, &instance, "host_once", 1); value.ToI32() != 102 {
			t.Errorf("host_once(1) = %v", value)
		}
		if _, err := instance.Exports["host_once"](1); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("call after Close: %v", err)
		}
	})
}

// Everything can be closed twice, and says after it that it is closed, whatever is done with it;
// zero values are as if closed.
func TestUseAfterClose(t *testing.T) {
	expectSteady(t, 3, func() {
		module := compile(t, guest(t, "small"))
		instance := start(t, module, nil)
		copied, memory := instance, instance.Memory
		owned, err := wasmer.NewMemory(1, 2)
		if err != nil {
			t.Fatal(err)
		}
		set := imports(t, increment)
		object := wasmer.NewImportObject()
		for range 2 {
			instance.Close()
			module.Close()
			owned.Close()
			set.Close()
			object.Close()
			memory.Close()
		}
		for _, instance := range []*wasmer.Instance{&instance, &copied, {}, nil} {
			if instance != nil && instance.Exports != nil {
				if _, err := instance.Exports["sum"](1, 2); !errors.Is(err, wasmer.ErrClosed) {
					t.Errorf("call: %v", err)
				}
			}
			if _, err := instance.Function("sum"); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("Function: %v", err)
			}
			instance.SetContextData(1)
			instance.HasMemory()
			instance.Close()
		}
		for _, module := range []*wasmer.Module{&module, {}, nil} {
			if _, err := module.Instantiate(); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("Instantiate: %v", err)
			}
			if _, err := module.InstantiateWithImports(set); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("InstantiateWithImports: %v", err)
			}
			if _, err := module.InstantiateWithImportObject(object); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("InstantiateWithImportObject: %v", err)
			}
			if _, err := module.Serialize(); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("Serialize: %v", err)
			}
			module.Close()
		}
		for _, memory := range []*wasmer.Memory{memory, owned, {}, nil} {
			if memory.Data() != nil || memory.Length() != 0 {
				t.Errorf("memory of %d bytes", memory.Length())
			}
			if err := memory.Grow(1); !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("Grow: %v", err)
			}
			memory.IsOwned()
			memory.Close()
		}
		living := compiled(t, "stress")
		if _, err := living.InstantiateWithImports(set); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("closed imports: %v", err)
		}
		if _, err := set.Append("host", increment); !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("Append: %v", err)
		}
		if context := wasmer.IntoInstanceContext(nil); context.Memory() != nil || context.Data() != nil {
			t.Error("a context of nothing has a memory or data")
		}
	})
}

// An instance, its module and imports are dropped, only one of its functions is held: it works on,
// under collections without end; dropped too, all is freed.
func TestOnlyFunctionHeld(t *testing.T) {
	expectSteady(t, 2, func() {
		stop := make(chan struct{})
		var collector sync.WaitGroup
		collector.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
				}
			}
		})
		inParallel(4, func(int) {
			hostOnce := func() func(...any) (wasmer.Value, error) {
				module := compile(t, guest(t, "stress"))
				var instance wasmer.Instance
				instance = start(t, module, imports(t, func(_ context.Context, n int32) (int32, error) {
					value, err := instance.Exports["add"](n, 1) // the closure refers to the instance, in a circle
					return value.ToI32(), err
				}))
				return instance.Exports["host_once"]
			}()
			for i := range pick(200, 50) {
				if value, err := hostOnce(i); err != nil || value.ToI32() != int32(i)+101 {
					t.Errorf("host_once(%d) = %v, %v", i, value, err)
				}
			}
		})
		close(stop)
		collector.Wait()
	})
}

// What is dropped without Close is freed by the collector: instances whose imports refer to them,
// modules, memories.
func TestDroppedIsFreed(t *testing.T) {
	expectSteady(t, 2, func() {
		for range 20 {
			var instance wasmer.Instance
			instance = start(t, compile(t, guest(t, "stress")), imports(t, func(context.Context, int32) (int32, error) {
				return call(t, &instance, "add", 1, 2).ToI32(), nil
			}))
			instance.SetContextData(&instance)
			call(t, &instance, "host_once", 1)
			instance.Memory.Data()[0] = 1
			c := cGuest(t, increment, func(instance *wasmer.Instance, n int32) int32 { return n })
			call(t, c, "c_go", 1)
			memory, err := wasmer.NewMemory(1, 2)
			if err != nil {
				t.Fatal(err)
			}
			memory.Data()[0] = 1
		}
	})
}

// A start function that traps: an error that is this trap, and nothing stays. So with a segment
// that does not fit.
func TestFailingStart(t *testing.T) {
	trapping := read(t, "../../testdata/guests/start_trap.wasm")
	var b builder
	b.memories.add(limits(1))
	b.data.add([]byte{0, opI32Const}, s(65533), []byte{opEnd}, name("four"))
	outside := b.module()
	expectSteady(t, 5, func() {
		_, err := wasmer.NewInstance(trapping)
		expectTrap(t, "start", err, wasmer.TrapUnreachable)
		_, err = wasmer.NewInstance(outside)
		expectTrap(t, "an active segment", err, wasmer.TrapMemoryOutOfBounds)
	})
}

// A new instance finds zeros, whatever earlier ones wrote, in memory that grew, too.
func TestMemoryIsClean(t *testing.T) {
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithExplicitBounds()}} {
		module := compile(t, guest(t, "small"), options...)
		var b builder
		b.memories.add(limits(1))
		b.exports.add(name("memory"), []byte{kindMemory}, u(0))
		empty := compile(t, b.module(), options...)
		zeros := make([]byte, 5*65536)
		expectSteady(t, 20, func() {
			instance := start(t, module, nil)
			defer instance.Close()
			call(t, &instance, "grow", 3)
			data := instance.Memory.Data()
			for i := range data {
				data[i] = 0xaa
			}
			instance.Close()
			next := start(t, empty, nil)
			defer next.Close()
			if err := next.Memory.Grow(4); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(next.Memory.Data(), zeros) {
				t.Error("memory of a new instance is not zero")
			}
		})
		empty.Close()
		module.Close()
	}
}

// A slice of Data that outlives its instance can fault, but never shows what another instance
// writes.
func TestStaleData(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	debug.SetPanicOnFault(true)
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithExplicitBounds()}} {
		module := compile(t, guest(t, "small"), options...)
		defer module.Close()
		var stale [][]byte
		faults := 0
		for i := range 200 {
			instance := start(t, module, nil)
			data := instance.Memory.Data()
			data[2000] = byte(i)
			instance.Close()
			stale = append(stale, data)
			tenant := start(t, module, nil)
			fresh := tenant.Memory.Data()
			for i := range fresh {
				fresh[i] = 0x55
			}
			for _, old := range stale {
				if caught := catch(func() {
					if old[2000] == 0x55 {
						t.Error("a stale slice shows the bytes of another instance")
					}
				}); caught != nil {
					faults++
				}
			}
			tenant.Close()
		}
		t.Logf("%d reads of stale slices fault", faults)
		if faults == 0 {
			t.Error("no stale slice faults")
		}
	}
}

// Instances of modules, made and closed by many goroutines at once, with collections: each finds
// its own state.
func TestConcurrentLives(t *testing.T) {
	module := compiled(t, "small")
	var made atomic.Int64
	expectSteady(t, 1, func() {
		inParallel(16, func(g int) {
			for range pick(100, 20) {
				instance, err := module.Instantiate()
				if err != nil {
					t.Error(err)
					return
				}
				if g%2 == 0 {
					instance.Memory.Data()[0] = 1
				}
				expectSane(t, &instance)
				if calls := call(t, &instance, "calls"); calls.ToI32() != 1 {
					t.Errorf("a new instance has counted %v calls", calls)
				}
				if g%4 > 1 {
					instance.Close()
				}
				made.Add(1)
			}
		})
	})
}

// Many goroutines compile at once, and drop modules while instances live.
func TestConcurrentCompiles(t *testing.T) {
	bytes := guest(t, "stress")
	expectSteady(t, 1, func() {
		inParallel(8, func(int) {
			for range pick(5, 2) {
				module, err := wasmer.Compile(bytes)
				if err != nil {
					t.Error(err)
					return
				}
				instance := start(t, module, imports(t, increment))
				module.Close()
				expectSane(t, &instance)
				expectTrapOf(t, &instance, "trap_load", wasmer.TrapMemoryOutOfBounds, -1)
				instance.Close()
			}
		})
	})
}

// Memory that several instances share is freed with the last of them.
func TestSharedMemoryLives(t *testing.T) {
	module := compile(t, read(t, "../../testdata/guests/imports_all.wasm"))
	defer module.Close()
	expectSteady(t, 3, func() {
		memory, err := wasmer.NewMemory(1, 4)
		if err != nil {
			t.Fatal(err)
		}
		set := wasmer.NewImports()
		for _, namespace := range []string{"env", "other"} {
			if _, err := set.Namespace(namespace).Append("shared", func(x int32) int32 { return x }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := set.Namespace("env").AppendMemory("memory", memory); err != nil {
			t.Fatal(err)
		}
		first, second := start(t, module, set), start(t, module, set)
		memory.Close()
		call(t, &first, "store8", 65535, 77)
		if value := call(t, &second, "load8", 65535); value.ToI32() != 77 {
			t.Errorf("the other instance reads %v", value)
		}
		if value := call(t, &first, "grow", 1); value.ToI32() != 1 {
			t.Errorf("grow = %v", value)
		}
		first.Close()
		runtime.GC()
		if value := call(t, &second, "load8", 65535); value.ToI32() != 77 || second.Memory.Length() != 2*65536 {
			t.Errorf("after the other was closed: %v, %d bytes", value, second.Memory.Length())
		}
		_, err = second.Exports["load8"](2 * 65536)
		expectTrap(t, "load8", err, wasmer.TrapMemoryOutOfBounds)
		second.Close()
	})
}
