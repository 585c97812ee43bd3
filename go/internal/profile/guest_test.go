//go:build linux && (amd64 || arm64)

package profile

import (
	"context"
	"os"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// guest is a module with an instance.
type guest struct {
	engine.Module
	name     string
	about    *engine.Description
	instance engine.Instance
}

func (g *guest) Name() string { return g.name }

func (g *guest) HostCall(*fiber.Fiber, context.Context, uint64, uint64, []uint64) error {
	panic("it imports nothing")
}

// newGuest loads a guest of testdata that imports nothing.
func newGuest(t testing.TB, file string) *guest {
	t.Helper()
	if err := engine.Init(); err != nil {
		t.Fatal(err)
	}
	bytes, err := os.ReadFile("../../../testdata/guests/" + file)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{}
	g.Module, err = engine.Compile(context.Background(), bytes, engine.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if g.about, err = g.Describe(); err != nil {
		t.Fatal(err)
	}
	if g.instance, err = engine.NewInstance(g.Module, nil, engine.InstanceOptions{ID: 1}); err != nil {
		t.Fatal(err)
	}
	g.name = g.about.Name
	Loaded(g)
	return g
}

// free unloads the guest.
func (g *guest) free() {
	Unloaded(g)
	g.instance.Free()
	g.Free()
}

// call calls an exported function.
func (g *guest) call(t testing.TB, name string, viaC bool, arguments ...uint64) {
	for i := range g.about.Exports {
		if export := &g.about.Exports[i]; export.Name == name {
			code, err := g.instance.Function(uint32(i))
			if err != nil {
				t.Fatal(err)
			}
			f, err := fiber.Acquire()
			if err != nil {
				t.Fatal(err)
			}
			entry := fiber.Entry{Func: code, Store: g.instance.Store(), C: viaC}
			n := max(export.Type.Func.Slots(), 6)
			slots := unsafe.Slice((*uint64)(f.Prepare(&entry, g, n)), n)
			copy(slots, arguments)
			if err := f.Call(context.Background()); err != nil {
				t.Fatal(err)
			}
			f.Release()
			return
		}
	}
	t.Fatalf("no export %s", name)
}

// spinning keeps a processor busy with a guest.
//
//go:noinline
func spinning(t testing.TB, g *guest, viaC bool, duration time.Duration) {
	for end := time.Now().Add(duration); time.Now().Before(end); {
		g.call(t, "app_main", viaC)
	}
}
