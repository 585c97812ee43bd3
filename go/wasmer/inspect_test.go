package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func TestInspect(t *testing.T) {
	bytes := must(wasmer.Wat2Wasm(`(module $named
	  (import "env" "f" (func (param i32) (result i64)))
	  (import "env" "m" (memory 2 4))
	  (import "env" "g" (global (mut f32)))
	  (table (export "t") 1 funcref)
	  (func (export "run"))
	  (func))`))(t)
	bytes = append(bytes, append([]byte{0, 6}, "\x02abxyz"...)...)
	bytes = append(bytes, append([]byte{0, 3}, "\x02ab"...)...)
	info := must(wasmer.Inspect(bytes))(t)
	if info.Name != "named" || info.Functions != 2 {
		t.Errorf("name %q, %d functions", info.Name, info.Functions)
	}
	var lines []string
	for _, im := range info.Imports {
		lines = append(lines, fmt.Sprintf("%s.%s %s", im.Namespace, im.Name, im.Type))
	}
	for _, ex := range info.Exports {
		lines = append(lines, fmt.Sprintf("%s %s", ex.Name, ex.Type))
	}
	for _, memory := range info.Memories {
		lines = append(lines, memory.String())
	}
	if got := strings.Join(lines, "; "); got != "env.f function (i32) -> (i64); env.m memory 2 to 4 pages; env.g global mut f32; "+
		"t table 1 or more of funcref; run function () -> (); 2 to 4 pages" {
		t.Error(got)
	}
	sections := slices.DeleteFunc(slices.Clone(info.CustomSections), func(s wasmer.CustomSection) bool { return s.Name != "ab" })
	if len(sections) != 2 || string(sections[0].Data) != "xyz" || len(sections[1].Data) != 0 {
		t.Errorf("custom sections %q", info.CustomSections)
	}
	if data := sections[0].Data; &data[0] != &bytes[len(bytes)-8] || cap(data) != 3 {
		t.Error("the data is no part of the bytes, or has more capacity than length")
	}
	// The code of functions is not looked at: what calls nothing that exists is inspected, but not
	// valid.
	broken := module(section(1, []byte{0x60, 0, 0}), section(3, leb(0)), section(10, body(0x10, 9)))
	must(wasmer.Inspect(broken))(t)
	if wasmer.Validate(broken) {
		t.Error("the broken module is valid")
	}
}

func TestInspectErrors(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	sum := guest(t, "sum")
	for what, look := range map[string]func(context.Context, []byte) error{
		"inspect":               func(ctx context.Context, bytes []byte) error { return second(wasmer.InspectContext(ctx, bytes)) },
		"validate":              wasmer.ValidateContext,
		"find the proposals of": func(ctx context.Context, bytes []byte) error { return second(wasmer.RequiredProposals(ctx, bytes)) },
	} {
		var failure *wasmer.ModuleError
		if err := look(context.Background(), sum); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, bytes := range [][]byte{nil, []byte("no"), sum[:len(sum)-3]} {
			err := look(context.Background(), bytes)
			if checkContains(t, err, "failed to "+what+" the module: "); !errors.As(err, &failure) {
				t.Errorf("%s: a %T", what, err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q has several lines", what, err)
			}
		}
		if err := look(done, sum); !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a context that is done: %v", what, err)
		}
		var none context.Context
		checkContains(t, look(none, sum), "the context is nil")
	}
	err := wasmer.ValidateContext(context.Background(), module(section(1, []byte{0x60, 0, 0}), section(3, leb(0)), section(10, body(0x10, 9))))
	checkContains(t, err, "unknown function 9")
}

func TestRequiredProposals(t *testing.T) {
	proposals := must(wasmer.RequiredProposals(context.Background(), must(wasmer.Wat2Wasm(`(module
	  (memory i64 1)
	  (func (param v128) (result i32) (return_call 0 (local.get 0))))`))(t)))(t)
	var names []string
	for _, p := range proposals {
		names = append(names, fmt.Sprint(p.Name, " ", p.Supported))
	}
	for _, name := range []string{"64-bit memories true", "tail calls true"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing among %q", name, names)
		}
	}
	if proposals := must(wasmer.RequiredProposals(context.Background(), guest(t, "sum")))(t); len(proposals) != 0 {
		t.Errorf("sum needs %v", proposals)
	}
}
