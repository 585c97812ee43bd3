package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// reactor is a library that copies its input to its output, tells how many arguments it has, reads
// the file "f" of its first directory, and tells the clock. It counts in a global how often it was
// initialised.
const reactor = `(module
	(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
	(memory (export "memory") 1)
	(data (i32.const 100) "f")
	(global $initialized (export "initialized") (mut i32) (i32.const 0))
	(func (export "_initialize") (global.set $initialized (i32.add (global.get $initialized) (i32.const 1))))
	;; copies up to 100 bytes from a descriptor to standard output
	(func $copy (export "copy") (param $from i32) (result i32)
		(i32.store (i32.const 0) (i32.const 1000))
		(i32.store (i32.const 4) (i32.const 100))
		(if (i32.ne (call $read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 0)) (then (return (i32.const 1))))
		(i32.store (i32.const 4) (i32.load (i32.const 8)))
		(call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
	;; opens "f" and returns its descriptor, or minus the error
	(func $openf (export "open") (result i32) (local $error i32)
		(local.set $error (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 0)
			(i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
		(if (local.get $error) (then (return (i32.sub (i32.const 0) (local.get $error)))))
		(i32.load (i32.const 16)))
	(func (export "args") (result i32) (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
	(func (export "now") (result i64) (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 8))) (i64.load (i32.const 8)))
	(func (export "exit") (param i32) (call $exit (local.get 0)))
	(func (export "trap") unreachable))`

func compileText(t testing.TB, text string) *wasmer.Module {
	t.Helper()
	module := must(wasmer.Compile(must(wasmer.Wat2Wasm(text))(t)))(t)
	t.Cleanup(module.Close)
	return &module
}

func TestWasiInstantiate(t *testing.T) {
	module, ctx := compileText(t, reactor), context.Background()
	base := wasmer.Wasi{Args: []string{"program", "argument"}}
	var outputs [2]bytes.Buffer
	for i := range outputs { // each with streams and directories of its own
		w := base
		w.Stdin, w.Stdout = strings.NewReader(fmt.Sprint("input ", i)), &outputs[i]
		w.Dirs = []wasmer.WasiDir{{FS: fstest.MapFS{"f": {Data: fmt.Append(nil, ", file ", i)}}}}
		instance := must(w.Instantiate(ctx, module, nil))(t)
		defer instance.Close()
		initialized := must(instance.Global("initialized"))(t)
		if v := must(initialized.Get())(t); v.ToI32() != 1 {
			t.Errorf("it was initialised %v times", v)
		}
		if n := call(t, instance, "args"); n.ToI32() != 2 {
			t.Errorf("%v arguments", n)
		}
		call(t, instance, "copy", 0)
		call(t, instance, "copy", call(t, instance, "open"))
		if text := outputs[i].String(); text != fmt.Sprintf("input %d, file %[1]d", i) {
			t.Errorf("the output is %q", text)
		}
	}
	// A library without "_initialize" needs none; and neither does a program.
	plain := must(base.Instantiate(ctx, compileText(t, `(module (func (export "f") (result i32) (i32.const 7)))`), nil))(t)
	defer plain.Close()
	if v := call(t, plain, "f"); v.ToI32() != 7 {
		t.Errorf("f returned %v", v)
	}
	program := must(base.Instantiate(ctx, tool(t), nil))(t)
	program.Close()
}

func TestWasiInstantiateFails(t *testing.T) {
	initialize := func(body string) *wasmer.Module {
		return compileText(t, `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
			(import "env" "fail" (func $fail)) (func (export "_initialize") `+body+`))`)
	}
	broken := errors.New("broken")
	fails := must(wasmer.NewImports().Append("fail", func() error { return broken }))(t)
	panics := must(wasmer.NewImports().Append("fail", func() { panic("at the disco") }))(t)
	for body, check := range map[string]func(error) bool{
		"unreachable":                         func(err error) bool { return errors.Is(err, wasmer.ErrUnreachable) },
		"(call $fail)":                        func(err error) bool { return errors.Is(err, broken) },
		"(loop (br 0))":                       func(err error) bool { return errors.Is(err, context.DeadlineExceeded) },
		"(call $exit (i32.const 3))":          func(err error) bool { var e *wasmer.ExitError; return errors.As(err, &e) && e.Code == 3 },
		"(call $exit (i32.const 0))":          func(err error) bool { var e *wasmer.ExitError; return errors.As(err, &e) && e.Code == 0 },
		") (func (export \"f\") (param i32) ": func(err error) bool { return err == nil },
	} {
		module := initialize(body)
		timeout := time.Minute
		if body == "(loop (br 0))" {
			timeout = 100 * time.Millisecond
		}
		before := baseline()
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		instance, err := new(wasmer.Wasi).Instantiate(ctx, module, fails)
		cancel()
		if !check(err) {
			t.Errorf("%s: %v", body, err)
		}
		instance.Close()
		if after := baseline(); after.Instances != before.Instances {
			t.Errorf("%s: %d instances before, %d after", body, before.Instances, after.Instances)
		}
	}
	before := baseline()
	func() {
		defer func() {
			if recover() != "at the disco" {
				t.Error("the panic does not arrive")
			}
		}()
		_, _ = new(wasmer.Wasi).Instantiate(context.Background(), initialize("(call $fail)"), panics)
	}()
	if after := baseline(); after.Instances != before.Instances {
		t.Errorf("after a panic %d instances before, %d after", before.Instances, after.Instances)
	}
	bad := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: "/nowhere/at/all"}}}
	_, err := bad.Instantiate(context.Background(), initialize(""), fails)
	checkContains(t, err, "no such file")
	_, err = new(wasmer.Wasi).Instantiate(context.Background(), nil, nil)
	if !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("no module: %v", err)
	}
}

func TestWasiRunOfWhatIsNoProgram(t *testing.T) {
	w, ctx := wasmer.Wasi{}, context.Background()
	var typed *wasmer.ModuleError
	err := w.Run(ctx, compileText(t, reactor))
	checkText(t, err, "cannot run the module: it exports `_initialize` and no `_start`, so it is a library (a WASI reactor), "+
		"expected a program; use Wasi.Instantiate and call its other exports")
	if !errors.As(err, &typed) {
		t.Errorf("the error is a %T", err)
	}
	err = w.Run(ctx, compileText(t, `(module (func (export "f")) (global (export "_start") i32 (i32.const 0)))`))
	checkText(t, err, "cannot run the module: it exports no function `_start`, expected a WASI program; "+
		"use Wasi.Instantiate for a library, or Module.InstantiateContext if it has nothing to do with WASI")
	if err := w.Run(ctx, nil); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("no module: %v", err)
	}
}

// TestWasiInstanceClosesItsFiles: what a library has open is closed with it.
func TestWasiInstanceClosesItsFiles(t *testing.T) {
	module, dir := compileText(t, reactor), t.TempDir()
	if err := os.WriteFile(dir+"/f", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() int { return len(must(os.ReadDir("/proc/self/fd"))(t)) }
	w := wasmer.Wasi{Dirs: []wasmer.WasiDir{{Host: dir, Guest: "/"}}}
	first := must(w.Instantiate(context.Background(), module, nil))(t)
	first.Close()
	baseline() // files that earlier tests have dropped are closed then
	before := open()
	instance := must(w.Instantiate(context.Background(), module, nil))(t)
	for range 10 {
		if fd := call(t, instance, "open"); fd.ToI32() < 0 {
			t.Fatalf("open returned %v", fd)
		}
	}
	if now := open(); now != before+11 { // the directory and ten files
		t.Errorf("%d descriptors before, %d with files", before, now)
	}
	instance.Close()
	if after := open(); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestPoolWithWasi(t *testing.T) {
	module, ctx := compileText(t, reactor), context.Background()
	var shared bytes.Buffer
	base := wasmer.Wasi{Stdout: &shared, Args: []string{"base"}}
	pool := must(wasmer.NewPool(module, nil, wasmer.WithWasi(&base), wasmer.WithReuse(4), wasmer.WithLimit(4)))(t)
	defer pool.Close()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for round := range 50 {
				var out bytes.Buffer
				text := fmt.Sprint("request ", i, " ", round)
				w := base
				w.Args = make([]string, i+2)
				w.Stdin, w.Stdout = strings.NewReader(text), &out
				w.Dirs = []wasmer.WasiDir{{FS: fstest.MapFS{"f": {Data: []byte("!")}}}}
				instance, err := pool.GetWasi(ctx, &w)
				if err != nil {
					t.Error(err)
					return
				}
				args, err := instance.Exports["args"]()
				_, copyErr := instance.Exports["copy"](0)
				fd, openErr := instance.Exports["open"]()
				_, fileErr := instance.Exports["copy"](fd)
				if err := errors.Join(err, copyErr, openErr, fileErr); err != nil || out.String() != text+"!" || args.ToI32() != int32(i+2) || fd.ToI32() != 4 {
					t.Errorf("%q, %v arguments, descriptor %v, %v", out.String(), args, fd, err)
				}
				initialized := must(instance.Global("initialized"))(t)
				if v := must(initialized.Get())(t); v.ToI32() != 1 {
					t.Errorf("it was initialised %v times", v)
				}
				if err := pool.Put(instance, err); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	stats := pool.Stats()
	if stats.Made > 4 || stats.InUse != 0 || stats.Idle != int(stats.Made) || stats.Discarded != 0 || stats.Waiting != 0 {
		t.Errorf("%+v", stats)
	}
	// Get has the pool's own again, and no file of another user.
	instance := must(pool.Get(ctx))(t)
	if n := call(t, *instance, "args"); n.ToI32() != 1 {
		t.Errorf("%v arguments", n)
	}
	if fd := call(t, *instance, "open"); fd.ToI32() >= 0 {
		t.Errorf("a file of another user was found: %v", fd)
	}
	if err := pool.Put(instance); err != nil {
		t.Error(err)
	}
	// Clocks that an instance was not made for give a new one.
	made := pool.Stats().Made
	w := wasmer.Wasi{Realtime: func() time.Time { return time.Unix(0, 42) }}
	for range 2 {
		instance = must(pool.GetWasi(ctx, &w))(t)
		if now := call(t, *instance, "now"); now.ToI64() != 42 {
			t.Errorf("now is %v", now)
		}
		if err := pool.Put(instance); err != nil {
			t.Error(err)
		}
	}
	if after := pool.Stats(); after.Made != made+1 {
		t.Errorf("%d made, expected %d", after.Made, made+1)
	}
	if _, err := pool.GetWasi(ctx, &wasmer.Wasi{Args: []string{"\x00"}}); err == nil {
		t.Error("a bad Wasi is accepted")
	}
	other := must(wasmer.NewPool(compileText(t, "(module)"), nil))(t)
	defer other.Close()
	_, err := other.GetWasi(ctx, &w)
	checkContains(t, err, "it was made without WASI, expected NewPool with WithWasi for GetWasi")
}

func TestPoolHookImportsAndDiscarding(t *testing.T) {
	module := compileText(t, `(module (import "env" "number" (func $n (result i32))) (import "env" "shared" (func $s (result i32)))
		(memory (export "memory") 1)
		(func (export "sum") (result i32) (i32.add (call $n) (call $s))) (func (export "trap") unreachable))`)
	shared := must(wasmer.NewImports().Append("shared", func() int32 { return 100 }))(t)
	shared = must(shared.Append("number", func() int32 { return -1 }))(t) // which each replaces
	type key struct{}
	next := int32(0)
	broken := errors.New("broken")
	var failImports, failHook bool
	pool := must(wasmer.NewPool(module, shared, wasmer.WithReuse(1), wasmer.WithLimit(2),
		wasmer.WithInstanceImports(func(ctx context.Context) (*wasmer.Imports, error) {
			if failImports {
				return nil, broken
			}
			next++
			number := next
			return wasmer.NewImports().Append("number", func() int32 { return number })
		}),
		wasmer.WithNewInstance(func(ctx context.Context, instance *wasmer.Instance) error {
			if failHook {
				return broken
			}
			if who, ok := ctx.Value(key{}).(string); ok {
				return instance.Memory.WriteCString(0, who)
			}
			return nil
		})))(t)
	defer pool.Close()
	ctx := context.WithValue(context.Background(), key{}, "Ada")
	first := must(pool.Get(ctx))(t)
	second := must(pool.Get(ctx))(t)
	if v, w := call(t, *first, "sum"), call(t, *second, "sum"); v.ToI32() != 101 || w.ToI32() != 102 {
		t.Errorf("the sums are %v and %v", v, w)
	}
	if who := must(second.Memory.ReadCString(0, 10))(t); who != "Ada" {
		t.Errorf("prepared for %q", who)
	}
	if stats := pool.Stats(); stats.InUse != 2 || stats.Idle != 0 || stats.Made != 2 || stats.Waits != 0 {
		t.Errorf("%+v", stats)
	}
	waiting, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { _, err := pool.Get(waiting); done <- err }()
	for pool.Stats().Waiting == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ended with %v", err)
	}
	if stats := pool.Stats(); stats.Waiting != 0 || stats.Waits != 1 || stats.Waited <= 0 {
		t.Errorf("%+v", stats)
	}
	// One that failed is not reused.
	_, err := first.Exports["trap"]()
	if err == nil {
		t.Error("it does not trap")
	}
	if err := pool.Put(first, err); err != nil {
		t.Error(err)
	}
	if stats := pool.Stats(); stats.Idle != 0 || stats.Discarded != 1 || stats.InUse != 1 || !first.IsClosed() {
		t.Errorf("%+v", stats)
	}
	if err := pool.Put(second, nil); err != nil {
		t.Error(err)
	}
	if stats := pool.Stats(); stats.Idle != 1 || stats.Discarded != 1 || second.IsClosed() {
		t.Errorf("%+v", stats)
	}
	must(pool.Get(ctx))(t) // the idle one
	before := baseline()
	for _, fail := range []*bool{&failImports, &failHook} {
		*fail = true
		for range 3 {
			var typed *wasmer.ModuleError
			if _, err := pool.Get(ctx); !errors.Is(err, broken) || !errors.As(err, &typed) {
				t.Errorf("the error is %v", err)
			}
		}
		*fail = false
	}
	if after := baseline(); after.Instances != before.Instances {
		t.Errorf("%d instances before, %d after", before.Instances, after.Instances)
	}
	var none *wasmer.Pool
	if none.Stats() != (wasmer.PoolStats{}) {
		t.Error("no pool has figures")
	}
}

// A library keeps its state between calls; this one is given streams of its own.
func ExampleWasi_Instantiate() {
	code, err := wasmer.Wat2Wasm(reactor)
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(code)
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()

	w := wasmer.Wasi{Stdin: strings.NewReader("from the host to the guest and back\n"), Stdout: os.Stdout}
	instance, err := w.Instantiate(context.Background(), &module, nil) // has called "_initialize"
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	copyInput, err := wasmer.Func1[int32, int32](&instance, "copy")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := copyInput(context.Background(), 0); err != nil {
		log.Fatal(err)
	}
	// Output: from the host to the guest and back
}

// Instances are initialised once and reused, each time with the streams of another request.
func ExamplePool_GetWasi() {
	code, err := wasmer.Wat2Wasm(reactor)
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(code)
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close()
	base := wasmer.Wasi{Args: []string{"plug-in"}}
	pool, err := wasmer.NewPool(&module, nil, wasmer.WithWasi(&base), wasmer.WithReuse(8))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	serve := func(ctx context.Context, request string) (response string, err error) {
		var out strings.Builder
		w := base
		w.Stdin, w.Stdout = strings.NewReader(request), &out
		instance, err := pool.GetWasi(ctx, &w)
		if err != nil {
			return "", err
		}
		defer func() { _ = pool.Put(instance, err) }()
		copyInput, err := wasmer.Func1[int32, int32](instance, "copy")
		if err != nil {
			return "", err
		}
		_, err = copyInput(ctx, 0)
		return out.String(), err
	}
	for _, request := range []string{"first", "second"} {
		fmt.Println(serve(context.Background(), request))
	}
	fmt.Println("made:", pool.Stats().Made)
	// Output:
	// first <nil>
	// second <nil>
	// made: 1
}
