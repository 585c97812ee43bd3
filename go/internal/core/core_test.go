package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Each face has its own value for a function, and each value is made once, whoever asks first.
func TestFaces(t *testing.T) {
	type one struct{ f *Function }
	type other struct{ name string }
	for range 100 {
		f := &Function{name: "f"}
		ones, others := make([]*one, 8), make([]*other, 8)
		var group sync.WaitGroup
		for i := range ones {
			group.Go(func() { ones[i] = Face(&f.Faces, func(shown *one) { shown.f = f }) })
			group.Go(func() { others[i] = Face(&f.Faces, func(shown *other) { shown.name = f.name }) })
		}
		group.Wait()
		for i := range ones {
			if ones[i] != ones[0] || others[i] != others[0] || ones[i].f != f || others[i].name != "f" {
				t.Fatal("a face is shown as different values")
			}
		}
	}
}

func TestRegistry(t *testing.T) {
	r := new(Registry)
	f, g := &HostFunc{}, &HostFunc{}
	if err := r.Add("a", map[string]Item{"f": f, "g": g}); err != nil {
		t.Fatal(err)
	}
	var taken *TakenError
	if err := r.Add("a", map[string]Item{"h": f, "g": f}); !errors.As(err, &taken) || taken.Name != (Name{"a", "g"}) {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := r.Replace(map[Name]Item{{"a", "g"}: f, {"b", "g"}: g}); err != nil {
		t.Error(err)
	}
	items, err := r.Items()
	if err != nil || len(items) != 3 || items[Name{"a", "f"}] != f || items[Name{"a", "g"}] != f || items[Name{"b", "g"}] != g {
		t.Errorf("%v (%v)", items, err)
	}
	r.Close()
	if _, err := r.Items(); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed registry: %v", err)
	}
	if err := r.Add("c", map[string]Item{"f": f}); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed registry: %v", err)
	}
	if items, err := (*Registry)(nil).Items(); items != nil || err != nil {
		t.Errorf("no registry: %v (%v)", items, err)
	}
}

// A module links with the items of a registry; a hook sees each call of a host function, of one
// that is missing, too.
func TestLinkingAndHooks(t *testing.T) {
	bytes, err := os.ReadFile("../../../testdata/guests/host_calls.wasm")
	if err != nil {
		t.Fatal(err)
	}
	module, err := Compile(t.Context(), bytes, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	var missing *MissingError
	if _, err := Instantiate(t.Context(), module, nil, InstanceOptions{}); !errors.As(err, &missing) || len(missing.Names) != len(module.About().Imports) {
		t.Fatalf("without imports: %v", err)
	}
	var seen []string
	options := InstanceOptions{
		Missing: func(wanted *engine.Import) (*HostFunc, error) {
			return &HostFunc{
				Params: wanted.Type.Func.Params, Results: wanted.Type.Func.Results,
				Call: func(*Call, []uint64) error { return nil },
			}, nil
		},
		Hook: func(imported *engine.Import, call HostCall) HostCall {
			return func(c *Call, slots []uint64) error {
				seen = append(seen, imported.Name)
				return call(c, slots)
			}
		},
	}
	in, err := Instantiate(t.Context(), module, nil, options)
	if err != nil {
		t.Fatal(err)
	}
	slots := []uint64{3}
	if err := in.Function("call_nop").CallSlots(context.Background(), slots); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(seen) != "[nop nop nop]" {
		t.Errorf("the hook has seen %v", seen)
	}
	in.Close()
	if err := in.Function("call_nop").CallSlots(context.Background(), slots); !errors.Is(err, ErrClosed) {
		t.Errorf("a call of a closed instance: %v", err)
	}
	if err := in.Function("call_nop").CallSlots(context.Background(), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a call of a closed instance without slots: %v", err)
	}
}
