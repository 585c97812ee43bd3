package tests

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Guests that throw while much else happens: collections of both collectors, pauses, the ends of
// contexts, termination, and other goroutines.

// throwingLoops throws in loops that end late or never.
const throwingLoops = `(module
	(tag $t (export "t") (param i64 f64 v128))
	(tag $i (param i32))
	(func $throw (param i64 f64 v128) (throw $t (local.get 0) (local.get 1) (local.get 2)))
	(func $rethrow (param i64 f64 v128)
		try (call $throw (local.get 0) (local.get 1) (local.get 2)) catch_all rethrow 0 end)
	(func $deep (param $depth i32) (param i64 f64 v128)
		(if (local.get $depth)
			(then (call $deep (i32.sub (local.get $depth) (i32.const 1)) (local.get 1) (local.get 2) (local.get 3)))
			(else (call $rethrow (local.get 1) (local.get 2) (local.get 3)))))
	;; Sums up what it catches; negative for a difference.
	(func (export "sum") (param $n i32) (result i64)
		(local $sum i64) (local $i i64) (local $x f64) (local $v v128) (local $f f64) (local $g f64) (local $w v128)
		(loop $again
			(local.set $i (i64.add (local.get $i) (i64.const 1)))
			(local.set $f (f64.convert_i64_s (local.get $i)))
			(local.set $w (i64x2.splat (local.get $i)))
			try (result i64 f64 v128)
				(call $deep (i32.and (local.get $n) (i32.const 7)) (local.get $i) (local.get $f) (local.get $w))
				unreachable
			catch $t
			end
			(local.set $v) (local.set $x) (local.get $sum) (i64.add) (local.set $sum)
			(if (f64.ne (local.get $x) (local.get $f)) (then (return (i64.const -1))))
			(if (v128.any_true (v128.xor (local.get $v) (local.get $w))) (then (return (i64.const -2))))
			(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
		(local.get $sum))
	(func $throw_i (param i32) (throw $i (local.get 0)))
	(func (export "endless_legacy")
		loop
			try (call $throw_i (i32.const 1)) catch $i drop end
			br 0
		end)
	(func (export "endless_rethrow")
		loop
			try try (call $throw_i (i32.const 1)) catch_all rethrow 0 end catch $i drop end
			br 0
		end)
	(func (export "endless_reference") (local $e exnref)
		(loop $again
			(block $caught (result exnref)
				(try_table (catch_all_ref $caught)
					(if (ref.is_null (local.get $e)) (then (call $throw_i (i32.const 1))) (else (throw_ref (local.get $e)))))
				(unreachable))
			(local.set $e)
			(br $again)))
	(func (export "endless_handler") (local i32)
		try (call $throw_i (i32.const 1))
		catch_all
			loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) br 0 end
		end)
	(func $down (param i32) (try_table (call $down (i32.add (local.get 0) (i32.const 1)))))
	(func (export "overflow") (param i32) (result i32)
		try (call $down (i32.const 0)) catch_all (return (i32.const -1)) end
		i32.const 0))`

var endless = []string{"endless_legacy", "endless_rethrow", "endless_reference", "endless_handler"}

func triangle(n int32) int64 { return int64(n) * int64(n+1) / 2 }

func TestThrowingGuestsEndWithTheirContext(t *testing.T) {
	for name, options := range waysToCompile {
		instance := newInstance(t, throwingLoops, nil, options...)
		for _, function := range endless {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			within(t, function, func() {
				if _, err := must(instance.Function(function))(t).Call(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, %s: %v, expected %v", name, function, err, context.DeadlineExceeded)
				}
			})
			cancel()
			if value := call(t, instance, "sum", 100); value.ToI64() != triangle(100) {
				t.Errorf("%s: the sum is %v after %s was given up", name, value, function)
			}
		}
	}
}

func TestThrowingGuestsAreTerminated(t *testing.T) {
	module := compile(t, assemble(t, throwingLoops))
	defer module.Close()
	stop := errors.New("stop")
	for range 3 {
		instance := start(t, module, nil)
		failures := make(chan error, len(endless))
		for _, name := range endless {
			go func() {
				_, err := instance.Exports[name]()
				failures <- err
			}()
		}
		time.Sleep(5 * time.Millisecond)
		instance.Terminate(stop)
		within(t, "terminating", func() {
			for range endless {
				if err := <-failures; !errors.Is(err, stop) || !errors.Is(err, wasmer.ErrTerminated) {
					t.Errorf("the error is %v", err)
				}
			}
		})
		instance.Close()
	}
}

func TestStackOverflowInsideOfHandlers(t *testing.T) {
	for name, options := range waysToCompile {
		instance := newInstance(t, throwingLoops, nil, options...)
		for range 3 {
			_, err := instance.Exports["overflow"](0)
			expectTrap(t, name, err, wasmer.TrapStackOverflow)
		}
		if value := call(t, instance, "sum", 50); value.ToI64() != triangle(50) {
			t.Errorf("%s: the sum is %v after the stack was exhausted", name, value)
		}
	}
}

// TestThrowingOnManyGoroutines throws on eight goroutines, on instances of their own and on one
// that all share, while Go collects garbage without an end and so pauses the guests at all places.
func TestThrowingOnManyGoroutines(t *testing.T) {
	const workers = 8
	end := time.Now().Add(stressTime(pick(2*time.Second, time.Second)))
	var collecting sync.WaitGroup
	var done atomic.Bool
	collecting.Go(func() {
		for !done.Load() {
			runtime.GC()
		}
	})
	for _, options := range [][]wasmer.CompileOption{nil, {wasmer.WithLazy(), wasmer.WithOptLevel(wasmer.OptLevelNone)}} {
		module := compile(t, assemble(t, throwingLoops), options...)
		shared := start(t, module, nil)
		var group sync.WaitGroup
		for worker := range workers {
			group.Go(func() {
				own := start(t, module, nil)
				defer own.Close()
				n := int32(1000 + worker)
				for first := true; first || time.Now().Before(end); first = false {
					for _, instance := range []*wasmer.Instance{&own, &shared} {
						value, err := instance.Exports["sum"](n)
						if err != nil || value.ToI64() != triangle(n) {
							t.Errorf("the sum is %v, %v, expected %d", value, err, triangle(n))
							return
						}
					}
				}
			})
		}
		group.Wait()
		shared.Close()
		module.Close()
	}
	done.Store(true)
	collecting.Wait()
}

// holding keeps references in exceptions: in a global, a table, a local, and in the exception of a
// handler that throws it again.
const holding = `(module
	(import "m" "make" (func $make (param i32) (result externref)))
	(import "m" "check" (func $check (param externref i32)))
	(import "m" "collect" (func $collect))
	(tag $t (export "t") (param externref i32 funcref))
	(tag $nested (param exnref))
	(type $i (func (result i32)))
	(table $calls 1 funcref)
	(table $exceptions 100 exnref)
	(global $kept (mut exnref) (ref.null exn))
	(elem declare func $answer)
	(func $answer (result i32) (i32.const 42))
	(func $throw (param i32) (throw $t (call $make (local.get 0)) (local.get 0) (ref.func $answer)))
	(func $reference (param i32) (result exnref)
		(block $caught (result exnref)
			(try_table (catch_all_ref $caught) (call $throw (local.get 0)))
			(unreachable)))
	;; Throws a reference, and checks what it has.
	(func $look (param $e exnref) (param $number i32) (local $f funcref) (local $n i32) (local $held externref)
		(block $caught (result externref i32 funcref)
			(try_table (catch $t $caught) (throw_ref (local.get $e)))
			(unreachable))
		(local.set $f) (local.set $n) (local.set $held)
		(call $check (local.get $held) (local.get $number))
		(if (i32.ne (local.get $n) (local.get $number)) (then (unreachable)))
		(table.set $calls (i32.const 0) (local.get $f))
		(if (i32.ne (call_indirect $calls (type $i) (i32.const 0)) (i32.const 42)) (then (unreachable))))
	(func (export "global") (param i32)
		(global.set $kept (call $reference (local.get 0)))
		(call $collect)
		(call $look (global.get $kept) (local.get 0))
		(global.set $kept (ref.null exn)))
	(func (export "local") (param i32) (local $e exnref)
		(local.set $e (call $reference (local.get 0)))
		(call $collect)
		(call $look (local.get $e) (local.get 0)))
	(func (export "operand") (param i32)
		(call $reference (local.get 0))
		(call $collect)
		(local.get 0)
		(call $look))
	(func (export "table") (param i32) (local $i i32)
		(loop $fill
			(table.set $exceptions (local.get $i) (call $reference (i32.add (local.get 0) (local.get $i))))
			(br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))
		(call $collect)
		(local.set $i (i32.const 0))
		(loop $read
			(call $look (table.get $exceptions (local.get $i)) (i32.add (local.get 0) (local.get $i)))
			(table.set $exceptions (local.get $i) (ref.null exn))
			(br_if $read (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100)))))
	(func (export "handler") (param i32) (local $held externref) (local $n i32)
		try (result externref i32 funcref)
			try (call $throw (local.get 0))
			catch_all (call $collect) rethrow 0 end
			unreachable
		catch $t
		end
		drop (local.set $n) (local.set $held)
		(call $collect)
		(call $check (local.get $held) (local.get 0))
		(call $check (local.get $held) (local.get $n)))
	(func $throw_nested (param i32) (throw $nested (call $reference (local.get 0))))
	(func (export "nested") (param i32)
		(block $caught (result exnref)
			(try_table (catch_all_ref $caught) (call $throw_nested (local.get 0)))
			(unreachable))
		(global.set $kept)
		(call $collect)
		(block $caught (result exnref)
			(try_table (catch $nested $caught) (throw_ref (global.get $kept)))
			(unreachable))
		(call $collect)
		(local.get 0)
		(call $look))
	(func (export "uncaught") (param i32) (call $throw (local.get 0)))
	(func (export "uncaught_after") (param i32)
		try (call $throw (local.get 0)) catch_all (call $collect) rethrow 0 end)
	(func (export "back") (param exnref i32) (call $collect) (call $look (local.get 0) (local.get 1)))
	(func (export "drop_many") (param i32)
		(loop $again
			(drop (call $reference (local.get 0)))
			(br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`

func TestReferencesInExceptionsAreKept(t *testing.T) {
	for name, options := range waysToCompile {
		t.Run(name, func(t *testing.T) {
			var instance *wasmer.Instance
			collecting := false
			set := must(wasmer.NewImports().Namespace("m").Append("make", func(n int32) any { return &token{number: n} }))(t)
			set = must(set.Append("check", func(value any, n int32) error {
				if found, ok := value.(*token); !ok || found.number != n {
					return fmt.Errorf("the value is %v, expected token %d", value, n)
				}
				return nil
			}))(t)
			set = must(set.Append("collect", func() error {
				runtime.GC()
				if collecting {
					return nil
				}
				collecting = true
				_, err := instance.Exports["drop_many"](3000)
				collecting = false
				return err
			}))(t)
			instance = newInstance(t, holding, set, options...)
			for round := range int32(pick(3, 1)) {
				for _, name := range []string{"global", "local", "operand", "table", "handler", "nested"} {
					call(t, instance, name, 1000*round+7)
				}
				for _, name := range []string{"uncaught", "uncaught_after"} {
					_, err := instance.Exports[name](round)
					var exception *wasmer.Exception
					if !errors.As(err, &exception) {
						t.Fatalf("%s: %v, expected an exception", name, err)
					}
					call(t, instance, "drop_many", 3000)
					runtime.GC()
					if found, ok := exception.Values[0].ToExternRef().(*token); !ok || found.number != round {
						t.Errorf("%s: the exception has %v", name, exception.Values)
					}
					if result, err := exception.Values[2].ToFunc().Call(context.Background()); err != nil || result[0] != wasmer.I32(42) {
						t.Errorf("%s: the function returns %v, %v", name, result, err)
					}
					call(t, instance, "back", exception, round)
				}
			}
		})
	}
}

// TestReferencesInExceptionsGo lets go of all exceptions: what they have held goes with them.
func TestReferencesInExceptionsGo(t *testing.T) {
	var made []weak.Pointer[token]
	set := must(wasmer.NewImports().Namespace("m").Append("make", func(n int32) any {
		value := &token{number: n}
		if n == 77 {
			made = append(made, weak.Make(value))
		}
		return value
	}))(t)
	set = must(set.Append("check", func(any, int32) {}))(t)
	set = must(set.Append("collect", func() {}))(t)
	instance := newInstance(t, holding, set)
	for _, name := range []string{"global", "local", "handler"} {
		call(t, instance, name, 77)
	}
	_, err := instance.Exports["uncaught"](77)
	if err == nil || len(made) != 4 {
		t.Fatalf("%v, %d values", err, len(made))
	}
	for _, pointer := range made[:3] {
		for end := time.Now().Add(hang); pointer.Value() != nil; {
			if time.Now().After(end) {
				t.Fatal("what an exception has held is still there")
			}
			call(t, instance, "drop_many", 3000)
			runtime.GC()
		}
	}
	if made[3].Value() == nil {
		t.Error("what the error of a call holds is gone")
	}
	runtime.KeepAlive(err)
}
