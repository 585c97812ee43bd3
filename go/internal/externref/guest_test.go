package externref

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// token is a value of the tests: a pointer, so that the garbage collector can be watched.
type token struct {
	number int32
	_      [4]int64
}

// guest is an instance of the guest externref.wat in a space, with the host functions that it
// imports.
type guest struct {
	t        testing.TB
	space    *Space
	instance engine.Instance
	exports  map[string]*guestFunction
	made     func(*token) // told what make makes, if not nil
	during   func(from int32)
	memory   []byte
}

type guestFunction struct {
	typ   *engine.FuncType
	entry fiber.Entry
}

var guestID atomic.Uint64

// newGuest makes an instance in a space.
func newGuest(t testing.TB, space *Space) *guest {
	t.Helper()
	bytes, err := os.ReadFile("../../../testdata/guests/externref.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Init(); err != nil {
		t.Fatal(err)
	}
	module, err := engine.Compile(context.Background(), bytes, engine.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Free()
	about, err := module.Describe()
	if err != nil {
		t.Fatal(err)
	}
	provided := make([]engine.Provided, len(about.Imports))
	for i := range about.Imports {
		provided[i].FunctionIndex = uint64(i)
		provided[i].Params, provided[i].Results = about.Imports[i].Type.Func.Params, about.Imports[i].Type.Func.Results
	}
	instance, err := engine.NewInstance(module, provided, engine.InstanceOptions{ID: guestID.Add(1)})
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, space: space, instance: instance, exports: map[string]*guestFunction{}}
	for i := range about.Exports {
		switch export := about.Exports[i]; export.Type.Kind {
		case engine.ExternFunction:
			code, err := instance.Function(uint32(i))
			if err != nil {
				t.Fatal(err)
			}
			g.exports[export.Name] = &guestFunction{export.Type.Func, fiber.Entry{Func: code, Store: instance.Store()}}
		case engine.ExternMemory:
			memory, err := instance.Export(uint32(i))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(memory.Free)
			g.memory = memory.MemoryDefinition().Bytes()
		}
	}
	if err := space.AddStore(instance); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Free)
	return g
}

// HostCall implements fiber.Host: make, check and meanwhile.
func (g *guest) HostCall(_ *fiber.Fiber, _ context.Context, _, function uint64, slots []uint64) error {
	switch function {
	case 0:
		made := &token{number: int32(slots[0])}
		if g.made != nil {
			g.made(made)
		}
		g.space.Put(made, func(handle uint64) { slots[0] = handle })
	case 1:
		value, ok := g.space.Refs().Get(slots[0])
		if found, is := value.(*token); !ok || !is || found.number != int32(slots[1]) {
			return fmt.Errorf("handle %#x gives %v, %v; expected token %d", slots[0], value, ok, int32(slots[1]))
		}
	case 2:
		if g.during != nil {
			g.during(int32(slots[0]))
		}
	}
	return nil
}

// call calls an export: arguments of type int32 and *token, or nil; so are the results.
func (g *guest) call(name string, arguments ...any) (any, error) {
	return g.callContext(context.Background(), name, arguments...)
}

func (g *guest) callContext(ctx context.Context, name string, arguments ...any) (any, error) {
	f := g.exports[name]
	fb, err := fiber.Acquire()
	if err != nil {
		return nil, err
	}
	defer g.space.Idle()
	defer fb.Release()
	slots := unsafe.Slice((*uint64)(fb.Prepare(&f.entry, g, f.typ.Slots())), max(f.typ.Slots(), 6))
	fb.Join(g.space.Guests(), &f.entry)
	for i, t := range f.typ.Params {
		if t == engine.ExternRef {
			g.space.Put(arguments[i], func(handle uint64) { slots[i] = handle })
		} else {
			slots[i] = uint64(uint32(arguments[i].(int32)))
		}
	}
	if err := fb.Call(ctx); err != nil {
		return nil, err
	}
	switch {
	case len(f.typ.Results) == 0:
		return nil, nil
	case f.typ.Results[0] != engine.ExternRef:
		return int32(slots[0]), nil
	}
	value, ok := g.space.Refs().Get(slots[0])
	if !ok {
		return nil, fmt.Errorf("the result %#x of %s is not known", slots[0], name)
	}
	return value, nil
}

// must is call where no error is expected.
func (g *guest) must(name string, arguments ...any) any {
	g.t.Helper()
	result, err := g.call(name, arguments...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return result
}

// collect collects until it was done, and says how many values are left.
func (g *guest) collect() int {
	for {
		if _, done := g.space.Collect(); done {
			return g.space.Refs().Len()
		}
	}
}

// word views a word of a guest's memory, which the guest reads and writes at the same time.
func word(g *guest, at int) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&g.memory[at])) }
