package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

const (
	mathGuest = `(module
	  (import "host" "base" (func $base (result i32)))
	  (global (export "calls") (mut i32) (i32.const 0))
	  (func (export "add") (param i32) (result i32)
	    (global.set 0 (i32.add (global.get 0) (i32.const 1)))
	    (i32.add (call $base) (local.get 0))))`
	userGuest = `(module
	  (import "math" "add" (func $add (param i32) (result i32)))
	  (import "math" "calls" (global $calls (mut i32)))
	  (func (export "run") (param i32) (result i32)
	    (i32.add (i32.mul (i32.const 100) (call $add (local.get 0))) (global.get $calls))))`
)

// hostOfLinker is a set with host.base.
func hostOfLinker(t testing.TB) *wasmer.Imports {
	t.Helper()
	return must(wasmer.NewImports().Namespace("host").Append("base", func() int32 { return 40 }))(t)
}

func TestLinker(t *testing.T) {
	ctx := context.Background()
	linker := wasmer.NewLinker()
	defer linker.Close()
	mathModule, userModule := wat(t, mathGuest), wat(t, userGuest)
	if _, err := linker.Instantiate(ctx, "math", &mathModule); err == nil {
		t.Fatal("math was instantiated without its host")
	} else if checkContains(t, err, "cannot instantiate `math`: "); !errors.As(err, new(*wasmer.ModuleError)) {
		t.Errorf("%v is no ModuleError", err)
	}
	if err := linker.DefineImports(hostOfLinker(t)); err != nil {
		t.Fatal(err)
	}
	math := must(linker.Instantiate(ctx, "math", &mathModule))(t)
	user := must(linker.Instantiate(ctx, "user", &userModule))(t)
	if got := call(t, user, "run", 2); got != wasmer.I32(4201) {
		t.Errorf("run is %v, expected 4201", got)
	}
	if got := fmt.Sprint(linker.Names()); got != "[math user]" {
		t.Errorf("names %s", got)
	}
	if found, ok := linker.Instance("math"); !ok || call(t, found, "add", 1) != wasmer.I32(41) {
		t.Error("math is not found")
	}
	for _, name := range []string{"none", "host"} {
		if _, ok := linker.Instance(name); ok {
			t.Errorf("there is an instance %q", name)
		}
	}
	// Without a name.
	unnamed := instanceOf(t, userModule, must(linker.Imports())(t))
	if got := call(t, unnamed, "run", 2); got != wasmer.I32(4203) {
		t.Errorf("run is %v, expected 4203", got)
	}
	for what, err := range map[string]error{
		"Define":        linker.Define("math", &user),
		"of the host":   linker.Define("host", &user),
		"Instantiate":   second(linker.Instantiate(ctx, "user", &userModule)),
		"DefineImports": linker.DefineImports(must(wasmer.NewImports().Namespace("math").Append("sub", func() {}))(t)),
		"the same":      linker.DefineImports(hostOfLinker(t)),
	} {
		if !errors.Is(err, wasmer.ErrNameTaken) {
			t.Errorf("%s: %v, expected ErrNameTaken", what, err)
		}
	}
	checkText(t, linker.Define("math", &user), "cannot define `math`: the linker has this name already")
	// More in the same namespace of the host.
	if err := linker.DefineImports(must(wasmer.NewImports().Namespace("host").Append("more", func() {}))(t)); err != nil {
		t.Error(err)
	}
	// Another instance in place of one that is removed; those that import the first one keep it.
	if !linker.Remove("math") || linker.Remove("math") || linker.Remove("host") {
		t.Error("Remove")
	}
	if err := linker.Define("math", &math); err != nil {
		t.Error(err)
	}
	linker.Close()
	linker.Close()
	if got := call(t, math, "add", 2); got != wasmer.I32(42) {
		t.Errorf("a removed instance was closed: %v", got)
	}
	if _, err := user.Exports["run"](2); !errors.Is(err, wasmer.ErrClosed) {
		t.Errorf("user is not closed: %v", err)
	}
	math.Close()
	for what, err := range map[string]error{
		"Define":              linker.Define("new", &unnamed),
		"DefineImports":       linker.DefineImports(hostOfLinker(t)),
		"Instantiate":         second(linker.Instantiate(ctx, "new", &userModule)),
		"Imports":             second(linker.Imports()),
		"a closed instance":   wasmer.NewLinker().Define("math", &math),
		"no instance":         wasmer.NewLinker().Define("math", nil),
		"nil: Define":         (*wasmer.Linker)(nil).Define("new", &unnamed),
		"nil: DefineImports":  (*wasmer.Linker)(nil).DefineImports(nil),
		"nil: Imports":        second((*wasmer.Linker)(nil).Imports()),
		"nil: Instantiate":    second((*wasmer.Linker)(nil).Instantiate(ctx, "new", &userModule)),
		"Instantiate nothing": second(new(wasmer.Linker).Instantiate(ctx, "new", nil)),
	} {
		if !errors.Is(err, wasmer.ErrClosed) {
			t.Errorf("%s: %v, expected ErrClosed", what, err)
		}
	}
	var none *wasmer.Linker
	none.Close()
	if _, ok := none.Instance(""); ok || none.Names() != nil || none.Remove("") {
		t.Error("a nil linker has something")
	}
}

// A start function that fails or panics leaves the name free.
func TestLinkerAfterFailure(t *testing.T) {
	linker := wasmer.NewLinker()
	defer linker.Close()
	boom := errors.New("boom")
	fail, panics := true, true
	host := must(wasmer.NewImports().Append("start", func() error {
		if panics {
			panic(boom)
		}
		if fail {
			return boom
		}
		return nil
	}))(t)
	if err := linker.DefineImports(host); err != nil {
		t.Fatal(err)
	}
	module := wat(t, `(module (import "env" "start" (func $start)) (start $start))`)
	func() {
		defer func() {
			if recover() != boom {
				t.Error("the panic did not arrive")
			}
		}()
		_, _ = linker.Instantiate(t.Context(), "a", &module)
	}()
	panics = false
	if _, err := linker.Instantiate(t.Context(), "a", &module); !errors.Is(err, boom) {
		t.Error(err)
	}
	fail = false
	must(linker.Instantiate(t.Context(), "a", &module))(t)
}

// Many goroutines instantiate, define and remove the same names.
func TestLinkerHammer(t *testing.T) {
	module := wat(t, `(module (func (export "f")))`)
	linker := wasmer.NewLinker()
	var workers sync.WaitGroup
	var closing atomic.Bool
	for worker := range 8 {
		workers.Go(func() {
			for round := range 200 {
				name := fmt.Sprint((worker + round) % 5)
				in, err := linker.Instantiate(context.Background(), name, &module)
				switch {
				case errors.Is(err, wasmer.ErrNameTaken):
					linker.Names()
					if linker.Remove(name) && round%2 == 0 {
						_, _ = linker.Instance(name)
					}
				case errors.Is(err, wasmer.ErrClosed) && closing.Load():
				case err != nil:
					t.Error(err)
				default:
					if round > 150 {
						closing.Store(true)
						linker.Close()
					}
					_, _ = in.Exports["f"]()
				}
			}
		})
	}
	workers.Wait()
}
