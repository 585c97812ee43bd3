package tests

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Values of the host that guests hold: kept at least as long as a guest can reach them, and let go
// of some time later. Collections happen by themselves when guests have got more than a thousand
// values. What lies below the host functions is tested in go/internal/externref.

// token is such a value.
type token struct {
	number int32
	_      [3]int64
}

// referenceGuest is what the tests have of an instance of a guest externref*.wat.
type referenceGuest struct {
	wasmer.Instance
	t         *testing.T
	meanwhile func(int32) error
	made      sync.Map // number -> weak.Pointer[token], the newest of each
}

func newReferenceGuest(t *testing.T, name string, extend func(imports *wasmer.Imports)) *referenceGuest {
	t.Helper()
	g := &referenceGuest{t: t}
	bytes, err := wasmer.ReadBytes(filepath.Join("..", "..", "testdata", "guests", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	imports := wasmer.NewImports()
	defer imports.Close()
	for name, function := range map[string]any{
		"make": func(number int32) any {
			made := &token{number: number}
			g.made.Store(number, weak.Make(made))
			return made
		},
		"check": func(value any, number int32) error {
			if found, ok := value.(*token); !ok || found.number != number {
				return fmt.Errorf("the value is %v, expected token %d", value, number)
			}
			return nil
		},
		"meanwhile": func(number int32) error {
			if g.meanwhile == nil {
				return nil
			}
			return g.meanwhile(number)
		},
	} {
		if _, err := imports.Append(name, function); err != nil {
			t.Fatal(err)
		}
	}
	if extend != nil {
		extend(imports)
	}
	if g.Instance, err = wasmer.NewInstanceWithImports(bytes, imports); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// call calls an export that is expected to work.
func (g *referenceGuest) call(name string, arguments ...any) wasmer.Value {
	g.t.Helper()
	result, err := g.Exports[name](arguments...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// churn makes so many values that there are collections, by a guest of the same store.
func (g *referenceGuest) churn() { g.call("drop_many", int32(5000)) }

// gone waits until Go has freed what a weak pointer leads to.
func gone(t *testing.T, g *referenceGuest, what string, pointer weak.Pointer[token]) {
	t.Helper()
	for end := time.Now().Add(hang); pointer.Value() != nil; {
		if time.Now().After(end) {
			t.Fatalf("%s is still there", what)
		}
		g.churn()
		runtime.GC()
	}
}

// put stores a new value somewhere and leads to it.
func put(number int32, store func(value any)) weak.Pointer[token] {
	value := &token{number: number}
	store(value)
	return weak.Make(value)
}

func TestExternrefTablesAndGlobals(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	table, err := g.Table("table")
	if err != nil {
		t.Fatal(err)
	}
	global, err := g.Global("global")
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	values := []weak.Pointer[token]{
		put(0, func(v any) { g.call("put", int32(0), v) }),
		put(1, func(v any) { must(table.Set(1, wasmer.ExternRef(v))) }),
		put(2, func(v any) { must(global.Set(wasmer.ExternRef(v))) }),
		put(3, func(v any) {
			_, err := table.Grow(5, wasmer.ExternRef(v))
			must(err)
		}),
	}
	read := func(want int32, value wasmer.Value, err error) {
		t.Helper()
		if got, ok := value.ToExternRef().(*token); err != nil || !ok || got.number != want {
			t.Errorf("the value is %v, %v; expected token %d", value.ToExternRef(), err, want)
		}
	}
	for range 3 {
		g.churn()
		runtime.GC()
		value, err := table.Get(0)
		read(0, value, err)
		read(1, g.call("get", int32(1)), nil)
		read(2, g.call("get_global"), nil)
		value, err = global.Get()
		read(2, value, err)
		value, err = table.Get(20)
		read(3, value, err)
	}
	g.call("put", int32(0), nil)
	must(table.Set(1, wasmer.ExternRef(nil)))
	g.call("set_global", &token{number: 9})
	g.call("fill", int32(16), nil, int32(5))
	for i, value := range values {
		gone(t, g, fmt.Sprintf("value %d, which was overwritten,", i), value)
	}
	read(9, g.call("get_global"), nil)
	runtime.KeepAlive(g)
}

func TestExternrefMillion(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	g.call("drop_many", int32(20_000))
	heap := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	g.made.Clear()
	before := heap()
	for range pick(50, 3) {
		g.call("drop_many", int32(20_000))
		g.made.Clear()
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("%d bytes of heap after a million values, %d before", after, before)
	}
}

// A guest has values in its locals while others are made and collected, in nested calls and by
// other goroutines.
func TestExternrefDuringHostCalls(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	depth := 0
	g.meanwhile = func(from int32) error {
		if depth++; depth < 3 {
			g.call("hold_deep", from+100, int32(30))
		}
		g.churn()
		runtime.GC()
		return nil
	}
	g.call("hold", int32(10))
	for number := range int32(23) { // what the calls had held
		pointer, _ := g.made.Load(number + 200)
		if pointer != nil {
			gone(t, g, fmt.Sprintf("token %d", number+200), pointer.(weak.Pointer[token]))
		}
	}
	g.meanwhile = func(int32) error { panic("give up") }
	func() {
		defer func() { _ = recover() }()
		g.call("hold", int32(7000))
	}()
	pointer, _ := g.made.Load(int32(7003))
	gone(t, g, "what a guest held that was given up", pointer.(weak.Pointer[token]))
}

func TestExternrefSharedTables(t *testing.T) {
	owner := newReferenceGuest(t, "externref", nil)
	shared, err := owner.Table("table")
	if err != nil {
		t.Fatal(err)
	}
	functions, err := wasmer.NewTable(wasmer.TypeFuncRef, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer functions.Close()
	var first *wasmer.Global
	kept := put(500, func(v any) { first, err = wasmer.NewGlobal(wasmer.TypeExternRef, false, wasmer.ExternRef(v)) })
	if err != nil {
		t.Fatal(err)
	}
	user := newReferenceGuest(t, "externref_import", func(imports *wasmer.Imports) {
		imports.Namespace("host")
		_, err1 := imports.AppendTable("functions", functions)
		_, err2 := imports.AppendTable("values", shared)
		_, err3 := imports.AppendGlobal("first", first)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
	})
	first.Close()
	moved := put(501, func(v any) { user.call("put", int32(3), v) })
	owner.churn()
	runtime.GC()
	if got := owner.call("get", int32(3)).ToExternRef(); got.(*token) != moved.Value() {
		t.Errorf("the owner of the table finds %v", got)
	}
	copied, err := user.Global("copy")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := copied.Get(); err != nil || got.ToExternRef() != any(kept.Value()) {
		t.Errorf("the copy of the imported global is %v, %v", got, err)
	}
	// Calls from one instance to the other, with values in frames of both.
	value, err := functions.Get(0)
	if err != nil {
		t.Fatal(err)
	}
	user.meanwhile = func(int32) error {
		owner.call("hold", int32(40))
		owner.churn()
		runtime.GC()
		return nil
	}
	if _, err := value.ToFunc().Call(context.Background()); err != nil {
		t.Error(err)
	}
	// What is in the table stays when one of both is closed.
	user.Close()
	owner.churn()
	runtime.GC()
	if got := owner.call("get", int32(3)).ToExternRef(); got.(*token) != moved.Value() {
		t.Errorf("the owner of the table finds %v after the other was closed", got)
	}
	owner.call("put", int32(3), nil)
	gone(t, owner, "a value taken out of the table", moved)
}

// An instance that has nothing to do with externref is linked with others that have during a call:
// its stack is none that is looked at, so nothing is dropped until the call has ended.
func TestExternrefLinkedDuringACall(t *testing.T) {
	var user, helper *referenceGuest
	var late wasmer.Instance
	var held weak.Pointer[token]
	imports := wasmer.NewImports()
	defer imports.Close()
	if _, err := imports.Append("link", func() error {
		helper = newReferenceGuest(t, "externref", nil)
		values, err1 := helper.Table("table")
		functions, err2 := late.Table("functions")
		first, err3 := wasmer.NewGlobal(wasmer.TypeExternRef, false, wasmer.ExternRef(nil))
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		user = newReferenceGuest(t, "externref_import", func(imports *wasmer.Imports) {
			imports.Namespace("host")
			_, err1 := imports.AppendTable("functions", functions)
			_, err2 := imports.AppendTable("values", values)
			_, err3 := imports.AppendGlobal("first", first)
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
		})
		user.meanwhile = func(int32) error {
			pointer, _ := user.made.Load(int32(1001))
			held = pointer.(weak.Pointer[token])
			for range 3 {
				helper.churn()
				if _, err := late.Exports["nothing"](); err != nil { // a nested call
					return err
				}
				runtime.GC()
			}
			if held.Value() == nil {
				return errors.New("a value was dropped that a guest holds")
			}
			return nil
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	bytes, err := wasmer.ReadBytes(filepath.Join("..", "..", "testdata", "guests", "externref_late.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if late, err = wasmer.NewInstanceWithImports(bytes, imports); err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	for range 3 { // so that it keeps a fiber
		if _, err := late.Exports["nothing"](); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := late.Exports["run"](); err != nil {
		t.Fatal(err)
	}
	gone(t, helper, "what the guest held during the call", held)
	for range 3 {
		if _, err := late.Exports["again"](); err != nil {
			t.Fatal(err)
		}
	}
	gone(t, helper, "what the guest held during the last call", held)
}

// References on raw slots are kept until they are passed on, and results until they are read.
func TestExternrefOnRawSlots(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	identity, err := g.Function("identity")
	if err != nil {
		t.Fatal(err)
	}
	slots := make([]uint64, 1)
	value := put(1, func(v any) { err = g.ValueToSlots(wasmer.ExternRef(v), slots) })
	churn := func() {
		t.Helper()
		for range 3 {
			g.churn()
			runtime.GC()
		}
		if value.Value() == nil {
			t.Fatal("the value is gone")
		}
	}
	churn()
	if err := errors.Join(err, identity.CallSlots(context.Background(), slots)); err != nil {
		t.Fatal(err)
	}
	churn()
	got, err := g.ValueFromSlots(wasmer.TypeExternRef, slots)
	if err != nil || got.ToExternRef() != any(value.Value()) {
		t.Errorf("the result is %v, %v", got, err)
	}
	gone(t, g, "a value that was read from raw slots", value)
	// Numbers that are no references, or none any more, are errors, in whatever way they come back.
	for _, slot := range []uint64{slots[0], 1, 0xe7c << 52, 1<<64 - 1} {
		slots[0] = slot
		if err := identity.CallSlots(context.Background(), slots); err != nil {
			t.Error(err)
		}
		if got, err := g.ValueFromSlots(wasmer.TypeExternRef, slots); err == nil {
			t.Errorf("%#x gives %v", slot, got.ToExternRef())
		}
	}
	other := newReferenceGuest(t, "externref", nil)
	if err := other.ValueToSlots(wasmer.ExternRef("foreign"), slots); err != nil {
		t.Fatal(err)
	}
	if got, err := g.ValueFromSlots(wasmer.TypeExternRef, slots); err == nil {
		t.Errorf("a reference of another store gives %v", got.ToExternRef())
	}
}

// Many goroutines call, nest, cancel, link and close; what they find is always what they stored.
func TestExternrefHammer(t *testing.T) {
	owner := newReferenceGuest(t, "externref", nil)
	shared, err := owner.Table("table")
	if err != nil {
		t.Fatal(err)
	}
	null, err := wasmer.NewGlobal(wasmer.TypeExternRef, false, wasmer.ExternRef(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var wait sync.WaitGroup
	for worker := range int32(6) {
		wait.Go(func() {
			for round := range int32(pick(30, 6)) {
				functions, err := wasmer.NewTable(wasmer.TypeFuncRef, 1, 1)
				if err != nil {
					t.Error(err)
					return
				}
				user := newReferenceGuest(t, "externref_import", func(imports *wasmer.Imports) {
					imports.Namespace("host")
					_, err1 := imports.AppendTable("functions", functions)
					_, err2 := imports.AppendTable("values", shared)
					_, err3 := imports.AppendGlobal("first", null)
					if err := errors.Join(err1, err2, err3); err != nil {
						t.Error(err)
					}
				})
				number := worker*1000 + round
				user.call("put", worker, &token{number: number})
				ctx, cancel := context.WithCancel(context.Background())
				user.meanwhile = func(int32) error {
					owner.call("drop_many", int32(400))
					if round%3 == 0 {
						cancel()
					}
					return nil
				}
				hold, err := user.Function("hold")
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				if _, err := hold.Call(ctx); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
				owner.call("hold_deep", number, int32(10))
				user.Close()
				functions.Close()
				if got := owner.call("get", worker).ToExternRef(); got.(*token).number != number {
					t.Errorf("the value in the table is %v, expected %d", got, number)
				}
			}
		})
	}
	wait.Wait()
}

// Guests that spin do not keep others from going on.
func TestExternrefSpinningGuest(t *testing.T) {
	spinner := newReferenceGuest(t, "externref", nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	spin, err := spinner.Function("spin")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := spin.Call(ctx, &token{number: 1}, &token{number: 2}, int32(1))
		done <- err
	}()
	for running := uint32(0); running == 0; runtime.Gosched() {
		if running, err = spinner.Memory.ReadUint32Le(4); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		spinner.churn()
	}
	if err := spinner.Memory.WriteUint32Le(0, 1); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Closing an instance lets go of all that only it could reach.
func TestExternrefClose(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	value := put(1, func(v any) { g.call("set_global", v) })
	g.Close()
	for end := time.Now().Add(hang); value.Value() != nil; runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("the value is still there")
		}
	}
	runtime.KeepAlive(g)
}

// A value that refers to the instance whose guest holds it does not keep both from being collected.
func TestExternrefCycle(t *testing.T) {
	g := newReferenceGuest(t, "externref", nil)
	type cycle struct{ instance wasmer.Instance }
	value := func() weak.Pointer[cycle] {
		value := &cycle{g.Instance}
		g.call("set_global", value)
		g.churn()
		return weak.Make(value)
	}()
	if g.call("get_global").ToExternRef().(*cycle) != value.Value() {
		t.Fatal("the guest does not hold the value")
	}
	g.Instance = wasmer.Instance{}
	for end := time.Now().Add(hang); value.Value() != nil; runtime.GC() {
		if time.Now().After(end) {
			t.Fatal("the value is still there")
		}
	}
}
