package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// The clocks that the engine reads by itself (rust/engine/src/fiber/clock.rs) have to tell what
// package wasi would, and leave to it what is an error.

// clockGuest asks for clocks. Its memory has one page and may have two.
const clockGuest = `(module
	(import "%s" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
	(import "%[1]s" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
	%s
	(export "again" (func $clock))
	(table 1 funcref)
	(elem (i32.const 0) $clock)
	;; the error number
	(func (export "errno") (param $id i32) (param $at i32) (result i32)
		(call $clock (local.get $id) (i64.const 1) (local.get $at)))
	(func (export "now") (param $id i32) (result i64)
		(if (call $clock (local.get $id) (i64.const 1) (i32.const 8)) (then unreachable))
		(i64.load (i32.const 8)))
	(func (export "through_table") (param $id i32) (result i64)
		(if (call_indirect (param i32 i64 i32) (result i32) (local.get $id) (i64.const 1) (i32.const 16) (i32.const 0)) (then unreachable))
		(i64.load (i32.const 16)))
	;; what is at an address after the clock was asked to write there
	(func (export "written") (param $at i32) (result i64)
		(drop (call $clock (i32.const 0) (i64.const 1) (local.get $at)))
		(i64.load (local.get $at)))
	(func (export "grow") (drop (memory.grow (i32.const 1))))
	(global $last (mut i64) (i64.const 0))
	(global $back (mut i64) (i64.const 0))
	;; asks at each depth of the stack down to its end, and keeps the largest step back
	(func $descend (export "descend") (result i32)
		(if (call $clock (i32.const 1) (i64.const 1) (i32.const 8)) (then unreachable))
		(if (i64.gt_s (i64.sub (global.get $last) (i64.load (i32.const 8))) (global.get $back))
			(then (global.set $back (i64.sub (global.get $last) (i64.load (i32.const 8))))))
		(global.set $last (i64.load (i32.const 8)))
		(i32.add (call $descend) (i32.const 1)))
	(func (export "back") (result i64) (global.get $back))
	;; asks at each depth of the stack down to its end
	(func $deep (export "deep") (result i32)
		(if (call $clock (i32.const 1) (i64.const 1) (i32.const 8)) (then unreachable))
		(i32.add (call $deep) (i32.const 1)))
	(func (export "endless") (loop (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 8))) (br 0)))
	;; sleeps until 5 ms from now, and gives the times of that and after it
	(func (export "sleep") (result i64 i64) (local $until i64)
		(if (call $clock (i32.const 1) (i64.const 1) (i32.const 8)) (then unreachable))
		(local.set $until (i64.add (i64.load (i32.const 8)) (i64.const 5000000)))
		(i64.store (i32.const 64) (i64.const 0))
		(i64.store (i32.const 72) (i64.const 0))
		(i32.store (i32.const 80) (i32.const 1))
		(i64.store (i32.const 88) (local.get $until))
		(i64.store (i32.const 96) (i64.const 0))
		(i32.store (i32.const 104) (i32.const 1))
		(if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192)) (then unreachable))
		(if (call $clock (i32.const 1) (i64.const 1) (i32.const 8)) (then unreachable))
		(local.get $until) (i64.load (i32.const 8))))`

const ownMemory = `(memory (export "memory") 1 2)`

// clockInstance instantiates the guest with the functions of one version of WASI.
func clockInstance(t *testing.T, w *wasmer.Wasi, namespace, memory string, more func(*wasmer.Imports)) wasmer.Instance {
	t.Helper()
	object := must(w.ImportObject())(t)
	imports := must(object.Imports())(t)
	if more != nil {
		more(imports)
	}
	return instantiate(t, must(wasmer.Wat2Wasm(fmt.Sprintf(clockGuest, namespace, memory)))(t), imports)
}

func TestWasiClocksOfTheSystem(t *testing.T) {
	const einval, efault, page = 28, 21, 65536
	for _, namespace := range []string{"wasi_snapshot_preview1", "wasi_unstable"} {
		instance := clockInstance(t, &wasmer.Wasi{}, namespace, ownMemory, nil)
		before := time.Now().UnixNano()
		realtime := call(t, instance, "now", 0).ToI64()
		if after := time.Now().UnixNano(); realtime < before || realtime > after {
			t.Errorf("%s: the clock of the day tells %d, between %d and %d", namespace, realtime, before, after)
		}
		last := int64(0)
		for i := range 1000 {
			name := []string{"now", "through_table"}[i%2]
			now := call(t, instance, name, 1).ToI64()
			if now <= 0 || now < last || now > int64(time.Minute) {
				t.Fatalf("%s: the clock tells %d, and then %d", namespace, last, now)
			}
			last = now
		}
		for _, id := range []int{2, 3} { // processor time
			if now := call(t, instance, "now", id).ToI64(); now <= 0 {
				t.Errorf("%s: clock %d tells %d", namespace, id, now)
			}
		}
		for _, test := range []struct{ id, at, errno int }{
			{0, page - 8, 0}, {1, page - 8, 0}, {1, 0, 0}, {1, 1, 0}, {0, page - 7, efault}, {1, page, efault}, {1, -1, efault}, {0, -8, efault},
			{1, -9, efault}, {4, 8, einval}, {-1, 8, einval}, {4, -1, einval},
		} {
			if errno := int(call(t, instance, "errno", test.id, test.at).ToI32()); errno != test.errno {
				t.Errorf("%s: clock %d to %d: error %d, expected %d", namespace, test.id, test.at, errno, test.errno)
			}
		}
		if text := int64(call(t, instance, "written", page-8).ToI64()); text < before {
			t.Errorf("%s: at the end of memory there is %d", namespace, text)
		}
		call(t, instance, "grow")
		if errno := call(t, instance, "errno", 1, 2*page-8).ToI32(); errno != 0 {
			t.Errorf("%s: error %d in the page that is new", namespace, errno)
		}
	}
}

// TestWasiClockAtTheEndOfTheStack: where there is too little of it to read the clock there, Go
// reads it; then the stack ends.
func TestWasiClockAtTheEndOfTheStack(t *testing.T) {
	instance := clockInstance(t, &wasmer.Wasi{}, "wasi_snapshot_preview1", ownMemory, nil)
	for range 3 {
		if _, err := instance.Exports["deep"](); !errors.Is(err, wasmer.ErrStackOverflow) {
			t.Fatalf("the error is %v", err)
		}
		call(t, instance, "now", 1)
	}
}

// TestWasiClockNeverGoesBack: also where the stack becomes too small for the engine to read it
// there.
func TestWasiClockNeverGoesBack(t *testing.T) {
	instance := clockInstance(t, &wasmer.Wasi{}, "wasi_snapshot_preview1", ownMemory, nil)
	for range 200 {
		if _, err := instance.Exports["descend"](); !errors.Is(err, wasmer.ErrStackOverflow) {
			t.Fatalf("the error is %v", err)
		}
	}
	if back := call(t, instance, "back").ToI64(); back != 0 {
		t.Errorf("the clock went back by %d ns", back)
	}
}

// TestWasiClockDoesNotSeeWakingEarly: who sleeps until a time finds that it has come.
func TestWasiClockDoesNotSeeWakingEarly(t *testing.T) {
	instance := clockInstance(t, &wasmer.Wasi{}, "wasi_snapshot_preview1", ownMemory, nil)
	sleep := must(instance.Function("sleep"))(t)
	for range 20 {
		results := must(sleep.Call(context.Background()))(t)
		if until, now := results[0].ToI64(), results[1].ToI64(); now < until {
			t.Fatalf("woke %d ns early", until-now)
		}
	}
}

// TestWasiClockLoopEnds: a guest that does nothing but ask for the time, and so is hardly ever in
// its own code, blocks neither a deadline nor a collection.
func TestWasiClockLoopEnds(t *testing.T) {
	instance := clockInstance(t, &wasmer.Wasi{}, "wasi_snapshot_preview1", ownMemory, nil)
	endless := must(instance.Function("endless"))(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := endless.Call(ctx)
		done <- err
	}()
	for ctx.Err() == nil {
		runtime.GC()
	}
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	call(t, instance, "now", 1)
}

// TestWasiClocksThatAreReplaced are asked, each for what it tells.
func TestWasiClocksThatAreReplaced(t *testing.T) {
	fixed := time.Unix(1000, 7)
	for _, test := range []struct {
		w                   wasmer.Wasi
		realtime, monotonic int64
	}{
		{wasmer.Wasi{Realtime: func() time.Time { return fixed }}, fixed.UnixNano(), 0},
		{wasmer.Wasi{Monotonic: func() time.Duration { return 42 }}, 0, 42},
	} {
		instance := clockInstance(t, &test.w, "wasi_snapshot_preview1", ownMemory, nil)
		for id, expected := range []int64{test.realtime, test.monotonic} {
			if now := call(t, instance, "now", id).ToI64(); expected != 0 && now != expected || now == 0 {
				t.Errorf("clock %d tells %d, expected %d", id, now, expected)
			}
		}
	}
}

// TestWasiClockOfSharedInstances: the time is written to the memory of the instance that imports
// the function, its own or an imported one, whoever calls it; without a memory it is EFAULT.
func TestWasiClockOfSharedInstances(t *testing.T) {
	const namespace = "wasi_snapshot_preview1"
	memory := must(wasmer.NewMemory(1, 2))(t)
	defer memory.Close()
	owner := clockInstance(t, &wasmer.Wasi{}, namespace, `(import "env" "memory" (memory 1))`, func(imports *wasmer.Imports) {
		must(imports.Namespace("env").AppendMemory("memory", memory))(t)
	})
	call(t, owner, "now", 0)
	if clear := memory.Data()[8:16]; string(clear) == string(make([]byte, 8)) {
		t.Error("nothing was written to the imported memory")
	}
	imports := wasmer.NewImports()
	must(imports.Namespace("owner").AppendExportedFunction("clock", must(owner.Function("again"))(t)))(t)
	user := instantiate(t, must(wasmer.Wat2Wasm(`(module
		(import "owner" "clock" (func $clock (param i32 i64 i32) (result i32)))
		(memory 1)
		(func (export "ask") (param $at i32) (result i64)
			(if (call $clock (i32.const 0) (i64.const 1) (local.get $at)) (then unreachable))
			(i64.load (local.get $at))))`))(t), imports)
	if here := call(t, user, "ask", 800).ToI64(); here != 0 {
		t.Errorf("%d was written to the memory of who only calls the function", here)
	}
	if there := memory.Data()[800:808]; string(there) == string(make([]byte, 8)) {
		t.Error("nothing was written to the memory of who imports the function")
	}
	object := must((&wasmer.Wasi{}).ImportObject())(t)
	without := instantiate(t, must(wasmer.Wat2Wasm(`(module
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(func (export "errno") (result i32) (call $clock (i32.const 1) (i64.const 1) (i32.const 0))))`))(t), must(object.Imports())(t))
	if errno := call(t, without, "errno").ToI32(); errno != 21 {
		t.Errorf("without a memory: error %d", errno)
	}
}
