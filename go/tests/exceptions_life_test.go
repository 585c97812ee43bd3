package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Modules with tags and handlers in what happens to modules and instances: they are serialized,
// cached, reset, copied and pooled, and begin with a start function that throws.

// counting counts what it has caught.
const counting = `(module
	(tag $t (export "t") (param i32))
	(memory (export "memory") 1)
	(table $exceptions (export "exceptions") 4 exnref)
	(global $caught (export "caught") (mut i32) (i32.const 0))
	(global $kept (export "kept") (mut exnref) (ref.null exn))
	(func $throw (param i32) (throw $t (local.get 0)))
	(func (export "throw") (param i32) (call $throw (local.get 0)))
	(func (export "legacy") (param i32) (result i32)
		try (call $throw (local.get 0))
		catch $t (i32.add (global.get $caught)) (global.set $caught) end
		(i32.store (i32.const 0) (global.get $caught))
		(i32.load (i32.const 0)))
	(func (export "standard") (param i32) (result i32)
		(block $caught (result i32)
			(try_table (catch $t $caught) (call $throw (local.get 0)))
			(unreachable))
		(i32.add (global.get $caught)) (global.set $caught)
		(i32.store (i32.const 0) (global.get $caught))
		(i32.load (i32.const 0)))
	(func $reference (export "reference") (param i32) (result exnref)
		(block $caught (result exnref)
			(try_table (catch_all_ref $caught) (call $throw (local.get 0)))
			(unreachable)))
	(func (export "keep") (param i32) (global.set $kept (call $reference (local.get 0))))
	(func (export "keep_in_table") (param i32 i32)
		(table.set $exceptions (local.get 0) (call $reference (local.get 1))))
	(func (export "clear") (global.set $kept (ref.null exn)) (table.fill $exceptions (i32.const 0) (ref.null exn) (i32.const 4)))
	(func (export "throw_kept") (throw_ref (global.get $kept)))
	(func (export "throw_of_table") (param i32) (throw_ref (table.get $exceptions (local.get 0)))))`

// expectCounting uses an instance of counting that is new.
func expectCounting(t testing.TB, instance *wasmer.Instance) {
	t.Helper()
	expectI32(t, instance, 5, "legacy", 5)
	expectI32(t, instance, 12, "standard", 7)
	expectI32(t, instance, 13, "legacy", 1)
	call(t, instance, "keep", 3)
	call(t, instance, "keep_in_table", 2, 4)
	tag := must(instance.Tag("t"))(t)
	_, err := instance.Exports["throw_kept"]()
	expectException(t, "throw_kept", err, tag, wasmer.I32(3))
	_, err = instance.Exports["throw_of_table"](2)
	expectException(t, "throw_of_table", err, tag, wasmer.I32(4))
	if _, err := instance.Exports["throw_of_table"](1); !errors.Is(err, wasmer.ErrNullReference) {
		t.Errorf("%v, expected %v", err, wasmer.ErrNullReference)
	}
}

func TestModulesWithExceptionsAreSerialized(t *testing.T) {
	for name, options := range waysToCompile {
		t.Run(name, func(t *testing.T) {
			module := compile(t, assemble(t, counting), options...)
			defer module.Close()
			if err := module.Complete(context.Background()); err != nil {
				t.Fatal(err)
			}
			copied := must(wasmer.DeserializeModule(must(module.Serialize())(t)))(t)
			defer copied.Close()
			instance := start(t, copied, nil)
			defer instance.Close()
			expectCounting(t, &instance)
		})
	}
	// All of legacy.wat, of the code as it was written.
	module := compile(t, assemble(t, exceptionsFile(t, "legacy.wat")))
	defer module.Close()
	copied := must(wasmer.DeserializeModule(must(module.Serialize())(t)))(t)
	defer copied.Close()
	var instance wasmer.Instance
	instance = start(t, copied, throwingImports(t, &instance))
	defer instance.Close()
	for line := range strings.Lines(exceptionsFile(t, "legacy.txt")) {
		call, result, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if got := outcome(t, &instance, call); got != result {
			t.Errorf("%s = %s, expected %s", call, got, result)
		}
	}
}

func TestModulesWithExceptionsAreCached(t *testing.T) {
	folder := t.TempDir()
	bytes := assemble(t, strings.Replace(counting, "(module", `(module (func (export "of_this_test"))`, 1))
	for range 2 {
		cache := must(wasmer.OpenCache(folder))(t)
		module := compile(t, bytes, wasmer.WithCache(cache))
		instance := start(t, module, nil)
		expectCounting(t, &instance)
		instance.Close()
		module.Close()
		if stats := cache.Stats(); stats.LastError != nil || stats.Rejected+stats.Failed > 0 {
			t.Errorf("the cache: %+v", stats)
		}
	}
}

func TestInstancesWithExceptionsAreReset(t *testing.T) {
	instance := newInstance(t, counting, nil)
	tag := must(instance.Tag("t"))(t)
	for range 3 {
		expectCounting(t, instance)
		if err := instance.Reset(context.Background()); err != nil {
			t.Fatal(err)
		}
		if !tag.Is(must(instance.Tag("t"))(t)) {
			t.Error("the tag is another one after a reset")
		}
		if _, err := instance.Exports["throw_kept"](); !errors.Is(err, wasmer.ErrNullReference) {
			t.Errorf("%v, expected %v", err, wasmer.ErrNullReference)
		}
	}
	// What was got before stays an exception of the instance.
	exception := call(t, instance, "reference", 8).ToException()
	if err := instance.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := must(instance.Global("kept"))(t).Set(wasmer.ExnRef(exception)); err != nil {
		t.Fatal(err)
	}
	_, err := instance.Exports["throw_kept"]()
	expectException(t, "throw_kept", err, tag, wasmer.I32(8))
}

func TestSnapshotsOfInstancesWithExceptions(t *testing.T) {
	module := compile(t, assemble(t, counting))
	defer module.Close()
	instance := start(t, module, nil)
	defer instance.Close()
	call(t, &instance, "legacy", 100)
	call(t, &instance, "standard", 11)
	for what, name := range map[string][]any{"global": {"keep", 1}, "table": {"keep_in_table", 2, 1}} {
		call(t, &instance, name[0].(string), name[1:]...)
		_, err := instance.Snapshot()
		var instanceError *wasmer.InstanceError
		if !errors.As(err, &instanceError) || !strings.Contains(err.Error()+errors.Unwrap(err).Error(), what) || !strings.Contains(err.Error()+errors.Unwrap(err).Error(), "exnref") {
			t.Errorf("a snapshot with an exnref in a %s: %v", what, err)
		}
		call(t, &instance, "clear")
	}
	snapshot := must(instance.Snapshot())(t)
	defer snapshot.Close()
	read := must(module.DeserializeSnapshot(must(snapshot.Serialize())(t)))(t)
	defer read.Close()
	first := must(instance.Tag("t"))(t)
	for _, from := range []*wasmer.Snapshot{snapshot, read} {
		copied := must(from.Instantiate(context.Background(), nil))(t)
		defer copied.Close()
		expectI32(t, &copied, 116, "legacy", 5)
		expectI32(t, &copied, 118, "standard", 2)
		_, err := copied.Exports["throw"](6)
		tag := must(copied.Tag("t"))(t)
		expectException(t, "throw", err, tag, wasmer.I32(6))
		if tag.Is(first) {
			t.Error("two instances have the same tag")
		}
		if err := copied.Reset(context.Background()); err != nil {
			t.Fatal(err)
		}
		expectI32(t, &copied, 112, "legacy", 1)
	}
}

func TestPoolsOfInstancesWithExceptions(t *testing.T) {
	for name, options := range map[string][]wasmer.PoolOption{"fresh": nil, "reset": {wasmer.WithReset(2)}} {
		t.Run(name, func(t *testing.T) {
			module := compile(t, assemble(t, counting))
			defer module.Close()
			pool := must(wasmer.NewPool(&module, nil, options...))(t)
			defer pool.Close()
			for range 5 {
				instance := must(pool.Get(context.Background()))(t)
				expectCounting(t, instance)
				if err := pool.Put(instance); err != nil {
					t.Fatal(err)
				}
			}
			instance := must(pool.Get(context.Background()))(t)
			_, failure := instance.Exports["throw"](1)
			expectException(t, "throw", failure, must(instance.Tag("t"))(t), wasmer.I32(1))
			if err := pool.Put(instance, failure); err != nil {
				t.Fatal(err)
			}
			instance = must(pool.Get(context.Background()))(t)
			expectCounting(t, instance)
			if err := pool.Put(instance); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestStartFunctionsThatThrow(t *testing.T) {
	tag := must(wasmer.NewTag(wasmer.TypeI32))(t)
	defer tag.Close()
	bytes := assemble(t, `(module
		(import "m" "t" (tag $t (param i32)))
		(import "m" "fail" (func $fail (result i32)))
		(func $inner (if (call $fail) (then (throw $t (i32.const 12)))))
		(func $start (call $inner))
		(export "start" (func $start))
		(start $start))`)
	fail := true
	set := must(wasmer.NewImports().Namespace("m").AppendTag("t", tag))(t)
	set = must(set.Append("fail", func() bool { return fail }))(t)
	expect := func(what string, err error) {
		t.Helper()
		expectException(t, what, err, tag, wasmer.I32(12))
		var exception *wasmer.Exception
		if errors.As(err, &exception) && len(exception.Backtrace) != 2 {
			t.Errorf("%s: the backtrace is %v, expected 2 frames", what, exception.Backtrace)
		}
		if err != nil && !strings.Contains(err.Error(), "uncaught exception (i32) with 12") {
			t.Errorf("%s: the error is %q", what, err)
		}
	}
	_, err := wasmer.NewInstanceWithImports(bytes, set)
	expect("NewInstanceWithImports", err)
	module := compile(t, bytes)
	defer module.Close()
	_, err = module.InstantiateWithImports(set)
	expect("InstantiateWithImports", err)
	_, err = wasmer.NewPool(&module, set, wasmer.WithReset(1))
	expect("NewPool", err)
	fail = false
	instance := start(t, module, set)
	defer instance.Close()
	fail = true
	_, err = instance.Exports["start"]()
	expect("a call", err)
	expect("Reset", instance.Reset(context.Background()))
	if !instance.IsClosed() {
		t.Error("the instance is open although its start function has failed in a reset")
	}
}

// TestManyHandlersAreCompiledInTime compiles 1000 calls within 10 handlers, and within 80, which
// may take longer in proportion and not much more.
func TestManyHandlersAreCompiledInTime(t *testing.T) {
	took := func(handlers int) time.Duration {
		var tags, clauses strings.Builder
		for i := range handlers {
			fmt.Fprintf(&tags, "(tag $t%d)", i)
			fmt.Fprintf(&clauses, "(catch $t%d 0)", i)
		}
		bytes := assemble(t, fmt.Sprintf("(module %s (func $f (throw $t7)) (func block try_table %s %s end end))",
			tags.String(), clauses.String(), strings.Repeat("call $f ", 1000)))
		begin := time.Now()
		module := compile(t, bytes)
		defer module.Close()
		return time.Since(begin)
	}
	if few, many := took(10), took(80); many > 30*few {
		t.Errorf("80 handlers take %v, 10 take %v", many, few)
	}
}

// TestTagsAndExceptionsOfClosedInstances closes everything that an exception refers to.
func TestTagsAndExceptionsOfClosedInstances(t *testing.T) {
	module := compile(t, assemble(t, counting))
	defer module.Close()
	instance := start(t, module, nil)
	other := start(t, module, nil)
	defer other.Close()
	tag := must(instance.Tag("t"))(t)
	exception := call(t, &instance, "reference", 21).ToException()
	_, err := instance.Exports["throw"](22)
	// Another instance does not know the tag.
	kept := must(other.Global("kept"))(t)
	if err := kept.Set(wasmer.ExnRef(exception)); err == nil {
		t.Error("an exception of another store is set")
	} else {
		t.Logf("%v", err)
	}
	instance.Close()
	expectException(t, "the error of a call", err, tag, wasmer.I32(22))
	if exception.Values[0] != wasmer.I32(21) || !exception.Tag.Is(tag) || tag.String() != "(i32)" {
		t.Errorf("the exception is %v", exception)
	}
	made, err := wasmer.NewException(tag, wasmer.I32(1))
	if err != nil {
		t.Logf("of a closed instance: %v", err)
	} else if err := kept.Set(wasmer.ExnRef(made)); err == nil {
		t.Error("an exception of a closed tag is set")
	} else {
		t.Logf("%v", err)
	}
	set, err := wasmer.NewImports().Namespace("m").AppendTag("t", tag)
	if err == nil {
		_, err = wasmer.NewInstanceWithImports(assemble(t, `(module (import "m" "t" (tag (param i32))))`), set)
	}
	if err == nil {
		t.Error("a closed tag was imported")
	} else {
		t.Logf("%v", err)
	}
	if _, err := instance.Tag("t"); err == nil {
		t.Error("a closed instance has given a tag")
	}
	expectCounting(t, &other)
}
