package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// stateful has all that an instance can change, and a start function that counts in an import.
const stateful = `(module
	(import "env" "started" (func $started))
	(memory (export "memory") 1 4)
	(table (export "table") 2 5 funcref)
	(global $g (export "global") (mut i32) (i32.const 7))
	(data (i32.const 8) "hello")
	(data $more "more")
	(elem (i32.const 1) func $one)
	(func $one (export "one") (result i32) (i32.const 1))
	(func $start (call $started) (i32.store8 (i32.const 100) (i32.const 42)))
	(start $start)
	(func (export "change") (param i32)
		(i32.store8 (i32.const 8) (local.get 0))
		(global.set $g (local.get 0))
		(table.set (i32.const 1) (ref.null func))
		(drop (memory.grow (i32.const 1)))
		(i32.store8 (i32.const 131071) (local.get 0))
		(memory.init $more (i32.const 200) (i32.const 0) (i32.const 4))
		(data.drop $more))
	(func (export "sum") (result i32) (local $at i32) (local $sum i32)
		(loop $next
			(local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
			(br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1)))
				(i32.mul (memory.size) (i32.const 65536)))))
		(i32.add (local.get $sum) (global.get $g)))
	(func (export "indirect") (result i32) (call_indirect (result i32) (i32.const 1)))
	(func (export "spin") (loop $l (br $l)))
	(func (export "trap") unreachable))`

// fresh is what sum returns of an instance that nobody has changed.
const fresh = 'h' + 'e' + 'l' + 'l' + 'o' + 42 + 7

// compileText compiles a module in the text format, which is closed with the test.
func compileModule(t testing.TB, text string, options ...wasmer.CompileOption) *wasmer.Module {
	t.Helper()
	binary := must(wasmer.Wat2Wasm(text))(t)
	module := must(wasmer.Compile(binary, options...))(t)
	t.Cleanup(module.Close)
	return &module
}

// counting returns imports of stateful, and how many start functions have run.
func counting(t testing.TB) (*wasmer.Imports, *int) {
	t.Helper()
	count := new(int)
	var mutex sync.Mutex
	imports := must(wasmer.NewImports().Namespace("env").AppendFunction("started", func() {
		mutex.Lock()
		*count++
		mutex.Unlock()
	}, nil))(t)
	return imports, count
}

func TestResetTakesAnInstanceBack(t *testing.T) {
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithExplicitBounds()}} {
		module := compileModule(t, stateful, options...)
		imports, started := counting(t)
		instance := must(module.InstantiateWithImports(imports))(t)
		defer instance.Close()
		data := instance.Memory.Data()
		table := must(instance.Table("table"))(t)
		ctx := context.Background()
		for round := range 3 {
			if sum := call(t, instance, "sum").ToI32(); sum != fresh {
				t.Fatalf("round %d: the sum is %d, expected %d", round, sum, fresh)
			}
			call(t, instance, "change", 200)
			if sum := call(t, instance, "sum").ToI32(); sum == fresh {
				t.Fatal("nothing was changed")
			}
			if err := instance.Reset(ctx); err != nil {
				t.Fatal(err)
			}
			if *started != round+2 {
				t.Errorf("the start function has run %d times, expected %d", *started, round+2)
			}
			if instance.Memory.Size() != 65536 || data[8] != 'h' || data[100] != 42 || &instance.Memory.Data()[0] != &data[0] {
				t.Errorf("the memory has %d bytes and %d at 8", instance.Memory.Size(), data[8])
			}
			if table.Size() != 2 || call(t, instance, "indirect").ToI32() != 1 {
				t.Error("the table is not what it was")
			}
		}
	}
}

func TestResetWhileACallRuns(t *testing.T) {
	module := compileModule(t, stateful)
	imports, _ := counting(t)
	instance := must(module.InstantiateWithImports(imports))(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	spin := must(instance.Function("spin"))(t)
	go func() {
		_, err := spin.Call(ctx)
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	checkContains(t, instance.Reset(context.Background()), "is running, or a memory is being used; expected none")
	_, err := instance.Snapshot()
	checkContains(t, err, "is running, or a memory is being used; expected none")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := instance.Reset(context.Background()); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := instance.Reset(cancelled); !errors.Is(err, context.Canceled) || instance.IsClosed() {
		t.Error(err)
	}
	instance.Close()
	if err := instance.Reset(context.Background()); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
	if _, err := instance.Snapshot(); !errors.Is(err, wasmer.ErrClosed) {
		t.Error(err)
	}
}

func TestResetFromWithinACall(t *testing.T) {
	module := compileModule(t, `(module (import "env" "reset" (func $reset)) (memory 1) (func (export "run") (call $reset)))`)
	var instance wasmer.Instance
	var found error
	imports := must(wasmer.NewImports().Namespace("env").AppendFunction("reset", func() {
		found = instance.Reset(context.Background())
	}, nil))(t)
	instance = must(module.InstantiateWithImports(imports))(t)
	defer instance.Close()
	for range 3 {
		call(t, instance, "run")
		checkContains(t, found, "is running, or a memory is being used; expected none")
	}
}

func TestResetOfLinkedInstances(t *testing.T) {
	first := compileModule(t, `(module
		(memory (export "memory") 1) (global (export "g") (mut i32) (i32.const 1))
		(func (export "set") (param i32) (i32.store8 (i32.const 0) (local.get 0))))`)
	second := compileModule(t, `(module
		(import "a" "memory" (memory 1)) (import "a" "set" (func $set (param i32))) (import "a" "g" (global $g (mut i32)))
		(global $own (mut i32) (i32.const 5))
		(func (export "run") (call $set (i32.const 9)) (global.set $g (i32.const 9)) (global.set $own (i32.const 9)))
		(func (export "sum") (result i32)
			(i32.add (i32.load8_u (i32.const 0)) (i32.add (global.get $g) (global.get $own)))))`)
	a := must(first.Instantiate())(t)
	defer a.Close()
	imports := wasmer.NewImports()
	if _, err := imports.Namespace("a").AppendInstance(&a); err != nil {
		t.Fatal(err)
	}
	b := must(second.InstantiateWithImports(imports))(t)
	defer b.Close()
	call(t, b, "run")
	if err := b.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if sum := call(t, b, "sum").ToI32(); sum != 9+9+5 {
		t.Errorf("after a reset of the importing one the sum is %d", sum)
	}
	if err := a.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if sum := call(t, b, "sum").ToI32(); sum != 0+1+5 {
		t.Errorf("after a reset of the exporting one the sum is %d", sum)
	}
}

func TestSnapshot(t *testing.T) {
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithExplicitBounds()}} {
		module := compileModule(t, stateful, options...)
		imports, started := counting(t)
		first := must(module.InstantiateWithImports(imports))(t)
		call(t, first, "change", 200)
		changed := call(t, first, "sum").ToI32()
		snapshot := must(first.Snapshot())(t)
		first.Close()
		file := must(snapshot.Serialize())(t)
		read := must(module.DeserializeSnapshot(file))(t)
		again := must(wasmer.DeserializeModule(must(module.Serialize())(t)))(t)
		readAgain := must(again.DeserializeSnapshot(file))(t)
		again.Close()
		ctx := context.Background()
		for _, snapshot := range []*wasmer.Snapshot{snapshot, read, readAgain} {
			a := must(snapshot.Instantiate(ctx, imports))(t)
			b := must(snapshot.Instantiate(ctx, imports))(t)
			for range 2 {
				if sum := call(t, a, "sum").ToI32(); sum != changed {
					t.Errorf("the sum is %d, expected %d", sum, changed)
				}
				_ = a.Memory.Write(0, bytes.Repeat([]byte{1}, 1000))
				_ = a.Memory.Grow(1)
				if err := a.Reset(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if sum := call(t, b, "sum").ToI32(); sum != changed {
				t.Errorf("the sum of another instance is %d, expected %d", sum, changed)
			}
			snapshot.Close()
			snapshot.Close()
			if sum := call(t, a, "sum").ToI32(); sum != changed {
				t.Errorf("after Close the sum is %d, expected %d", sum, changed)
			}
			if _, err := snapshot.Instantiate(ctx, imports); !errors.Is(err, wasmer.ErrClosed) {
				t.Error(err)
			}
			if _, err := snapshot.Serialize(); !errors.Is(err, wasmer.ErrClosed) {
				t.Error(err)
			}
			a.Close()
			b.Close()
		}
		if *started != 1 {
			t.Errorf("the start function has run %d times, expected once", *started)
		}
		other := compileModule(t, `(module (memory 1))`)
		_, err := other.DeserializeSnapshot(file)
		checkContains(t, err, "another module")
		file[len(file)-1] ^= 1
		_, err = module.DeserializeSnapshot(file)
		checkContains(t, err, "it was altered")
		_, err = module.DeserializeSnapshot(nil)
		checkContains(t, err, "expected 8 at least")
	}
}

func TestSnapshotsOfWhatCannotBeKept(t *testing.T) {
	module := compileModule(t, `(module (table (export "t") 2 externref) (table (export "f") 1 funcref))`)
	instance := must(module.Instantiate())(t)
	defer instance.Close()
	table := must(instance.Table("t"))(t)
	if err := table.Set(1, wasmer.ExternRef("a value")); err != nil {
		t.Fatal(err)
	}
	_, err := instance.Snapshot()
	checkContains(t, err, "element 1 of table 0 holds a value of type externref")
	if err := instance.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if value := must(table.Get(1))(t); !value.IsNull() {
		t.Errorf("the element is %v after a reset", value)
	}
	snapshot := must(instance.Snapshot())(t)
	snapshot.Close()
}

// Instances of two modules are made and closed by many goroutines, some of them after traps and
// cancelled calls. None may see a byte of another.
func TestInstancesOfTwoModulesHammer(t *testing.T) {
	imports, _ := counting(t)
	modules := []*wasmer.Module{compileModule(t, stateful), compileModule(t, `(module
		(memory (export "memory") 2 9) (data (i32.const 65530) "0123456789")
		(func (export "trap") (memory.fill (i32.const 0) (i32.const 0x5a) (i32.const 0x20000)) unreachable)
		(func (export "spin") (drop (memory.grow (i32.const 5)))
			(loop $l (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 0x70000)) (br $l))))`)}
	initial := make([][]byte, len(modules))
	for i, module := range modules {
		instance := must(module.InstantiateWithImports(imports))(t)
		initial[i] = must(instance.Memory.Read(0, instance.Memory.Size()))(t)
		instance.Close()
	}
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	var group sync.WaitGroup
	for g := range 6 {
		group.Go(func() {
			for round := range rounds {
				which := (g + round) % len(modules)
				instance, err := modules[which].InstantiateWithImports(imports)
				if err != nil {
					t.Error(err)
					return
				}
				found, err := instance.Memory.Read(0, instance.Memory.Size())
				if err != nil || !bytes.Equal(found, initial[which]) {
					t.Errorf("round %d of goroutine %d: another memory than that of module %d: %v", round, g, which, err)
				}
				switch round % 4 {
				case 0:
					_, _ = instance.Exports["trap"]()
				case 1:
					ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
					spin, _ := instance.Function("spin")
					_, _ = spin.Call(ctx)
					cancel()
				case 2:
					data := instance.Memory.Data()
					data[len(data)-1] = 0x99
				default:
					_ = instance.Memory.Write(uint64(round), []byte(fmt.Sprintf("goroutine %d", g)))
					if err := instance.Reset(context.Background()); err != nil {
						t.Error(err)
					}
					if found, _ := instance.Memory.Read(0, instance.Memory.Size()); !bytes.Equal(found, initial[which]) {
						t.Errorf("round %d of goroutine %d: another memory after a reset", round, g)
					}
				}
				instance.Close()
			}
		})
	}
	group.Wait()
}

func TestPoolWithReset(t *testing.T) {
	module := compileModule(t, stateful)
	imports, started := counting(t)
	prepared := 0
	pool := must(wasmer.NewPool(module, imports, wasmer.WithReset(2), wasmer.WithNewInstance(func(_ context.Context, in *wasmer.Instance) error {
		prepared++
		in.SetContextData("data of all")
		return in.Memory.WriteUint8(300, 3)
	})))(t)
	defer pool.Close()
	ctx := context.Background()
	var last *wasmer.Instance
	for round := range 5 {
		in := must(pool.Get(ctx))(t)
		if sum := call(t, *in, "sum").ToI32(); sum != fresh+3 {
			t.Errorf("round %d: the sum is %d, expected %d", round, sum, fresh+3)
		}
		call(t, *in, "change", 99)
		reused := last == in
		if expected := round > 0 && round != 3; reused != expected {
			t.Errorf("round %d: the instance is reused: %v", round, reused)
		}
		if round == 2 {
			_ = in.Memory.Data() // what it returned may still be in use
		}
		last = in
		if err := pool.Put(in); err != nil {
			t.Error(err)
		}
	}
	if prepared != 1 || *started != 1 {
		t.Errorf("prepared %d times, started %d times, expected once each", prepared, *started)
	}
	in := must(pool.Get(ctx))(t)
	_, err := in.Exports["trap"]()
	_ = pool.Put(in, err)
	if stats := pool.Stats(); stats.Discarded != 1 || stats.Idle != 0 {
		t.Errorf("%+v", stats)
	}
}

func TestWasiSnapshot(t *testing.T) {
	module := compileText(t, reactor)
	w := &wasmer.Wasi{Args: []string{"reactor"}}
	ctx := context.Background()
	first := must(w.Instantiate(ctx, module, nil))(t)
	snapshot := must(first.Snapshot())(t)
	defer snapshot.Close()
	first.Close()
	second := must(w.InstantiateSnapshot(ctx, snapshot, nil))(t)
	defer second.Close()
	if err := second.Reset(ctx); err != nil {
		t.Error(err)
	}
	third := must(second.Snapshot())(t)
	third.Close()
}

func TestWasiSnapshotOfOpenFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	module := compileModule(t, `(module
		(import "wasi_snapshot_preview1" "path_open"
			(func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
		(memory (export "memory") 1) (data (i32.const 0) "a")
		(func (export "open") (result i32)
			(drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)
				(i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
			(i32.load (i32.const 8)))
		(func (export "close") (result i32) (call $close (i32.const 4))))`)
	w := &wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: dir, Guest: "/"}}}
	ctx := context.Background()
	instance := must(w.Instantiate(ctx, module, nil))(t)
	defer instance.Close()
	if fd := call(t, instance, "open").ToI32(); fd != 4 {
		t.Fatalf("the file is descriptor %d", fd)
	}
	_, err := instance.Snapshot()
	checkContains(t, err, "the guest has opened the file descriptor 4")
	call(t, instance, "close")
	snapshot := must(instance.Snapshot())(t)
	snapshot.Close()
	call(t, instance, "open")
	if err := instance.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if fd := call(t, instance, "open").ToI32(); fd != 4 {
		t.Errorf("after a reset the file is descriptor %d, expected 4: the one before was closed", fd)
	}
}

func BenchmarkInstances(b *testing.B) {
	module := compileModule(b, `(module (memory (export "memory") 4 100) (data (i32.const 70000) "some data")
		(func (export "touch") (i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 70000) (i32.const 1))))`)
	ctx := context.Background()
	touch := func(instance *wasmer.Instance) {
		f, err := instance.Function("touch")
		if err == nil {
			_, err = f.Call(ctx)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("make and close", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			instance := must(module.Instantiate())(b)
			instance.Close()
		}
	})
	b.Run("make, call and close", func(b *testing.B) {
		for b.Loop() {
			instance := must(module.Instantiate())(b)
			touch(&instance)
			instance.Close()
		}
	})
	b.Run("make, call and close, shown", func(b *testing.B) {
		for b.Loop() {
			instance := must(module.Instantiate())(b)
			touch(&instance)
			_ = instance.Memory.Data()
			instance.Close()
		}
	})
	b.Run("call and reset", func(b *testing.B) {
		instance := must(module.Instantiate())(b)
		defer instance.Close()
		for b.Loop() {
			touch(&instance)
			if err := instance.Reset(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pool with reset", func(b *testing.B) {
		pool := must(wasmer.NewPool(module, nil, wasmer.WithReset(2)))(b)
		defer pool.Close()
		for b.Loop() {
			instance := must(pool.Get(ctx))(b)
			touch(instance)
			if err := pool.Put(instance); err != nil {
				b.Fatal(err)
			}
		}
	})
}
