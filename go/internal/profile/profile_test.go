//go:build linux && (amd64 || arm64)

package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/emulator"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// take takes a profile of what run does.
func take(t *testing.T, run func()) ([]byte, *goProfile) {
	t.Helper()
	var out bytes.Buffer
	if err := Start(&out); err != nil {
		t.Fatal(err)
	}
	run()
	if err := Stop(); err != nil {
		t.Fatal(err)
	}
	p, err := parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), p
}

// stack returns the functions and lines of a sample, innermost first.
func (p *goProfile) stack(s *goSample) []string {
	var all []string
	for _, id := range s.locations {
		for _, c := range p.locations[id] {
			all = append(all, fmt.Sprintf("%s:%d", c.function, c.line))
		}
	}
	return all
}

// count returns how many samples have functions with these names in this order.
func (p *goProfile) count(functions ...string) uint64 {
	n := uint64(0)
	for i := range p.samples {
		left := functions
		for _, f := range p.stack(&p.samples[i]) {
			if len(left) > 0 && strings.Contains(f, left[0]) {
				left = left[1:]
			}
		}
		if len(left) == 0 {
			n += p.samples[i].values[0]
		}
	}
	return n
}

const long = 400 * time.Millisecond

func TestGuestsAndGoTogether(t *testing.T) {
	g := newGuest(t, "fib_recursive.wasm")
	defer g.free()
	var used time.Duration
	file, p := take(t, func() {
		before := processTime(t)
		spinning(t, g, false, long)
		used = processTime(t) - before
	})
	all, guests := p.count(), p.count("fibonacci", "fib_recursive", "fiber.", "profile.spinning",
		"profile.TestGuestsAndGoTogether")
	entries := p.count("fiber.") - guests
	t.Logf("%d samples, %d of the guest, %d more of its entry", all, guests, entries)
	if guests < 5 || guests < all*8/10 {
		t.Errorf("%d of %d samples have the guest's functions and Go's:\n%v", guests, all, p.stacks())
	}
	if entries > 2+all/20 {
		t.Errorf("%d samples are of the entry of guests:\n%v", entries, p.stacks())
	}
	for i := range p.samples {
		v := p.samples[i].values
		if len(v) != 2 || v[1] != v[0]*p.period || p.period == 0 {
			t.Fatalf("a sample has the values %d with a period of %d ns", v, p.period)
		}
	}
	if measured := time.Duration(all * p.period); measured < used/2 || measured > used*3/2 {
		t.Errorf("the process ran %v by the profile, and %v by the system", measured, used)
	}

	path := filepath.Join(t.TempDir(), "cpu.pprof")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range [][]string{{"-top"}, {"-traces"}, {"-top", "-cum", "-lines"}, {"-raw"}} {
		arguments := append(append([]string{"tool", "pprof"}, options...), path)
		text, err := exec.Command("go", arguments...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		}
		if err != nil || !strings.Contains(string(text), "fibonacci") {
			t.Errorf("go tool pprof %v: %v\n%s", options, err, text)
		}
	}
}

// processTime returns for how long the process has run.
func processTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// stacks returns some samples for messages.
func (p *goProfile) stacks() string {
	var all []string
	for i := range p.samples[:min(len(p.samples), 8)] {
		s := &p.samples[i]
		all = append(all, fmt.Sprintf("%d: %s", s.values[0], strings.Join(p.stack(s), " < ")))
	}
	return strings.Join(all, "\n")
}

// TestLabels finds the labels of the goroutines that called guests.
func TestLabels(t *testing.T) {
	g := newGuest(t, "fib_recursive.wasm")
	defer g.free()
	_, p := take(t, func() {
		var group sync.WaitGroup
		for _, tenant := range []string{"a", "b"} {
			group.Go(func() {
				pprof.Do(context.Background(), pprof.Labels("tenant", tenant), func(context.Context) {
					spinning(t, g, false, long)
				})
			})
		}
		group.Wait()
	})
	counts := make(map[string]uint64)
	for i := range p.samples {
		s := &p.samples[i]
		if !strings.Contains(strings.Join(p.stack(s), " "), "fibonacci") {
			continue
		}
		label := ""
		if err := eachField(s.labels, func(f field) error {
			return eachField(f.bytes, func(f field) error {
				label += p.strings[f.value] + " "
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		counts[label] += s.values[0]
	}
	if counts["tenant a "] < 3 || counts["tenant b "] < 3 || counts[""] > 0 {
		t.Errorf("samples by labels: %v\n%v", counts, p.stacks())
	}
}

// TestUnloadedMeanwhile unloads a module before the profile ends.
func TestUnloadedMeanwhile(t *testing.T) {
	_, p := take(t, func() {
		for _, name := range []string{"first", "second"} {
			g := newGuest(t, "fib_recursive.wasm")
			g.name = name
			spinning(t, g, false, long)
			g.free()
		}
	})
	first, second := p.count("first!fibonacci"), p.count("second!fibonacci")
	if first < 5 || second < 5 {
		t.Errorf("%d samples are of the first module, %d of the second:\n%v", first, second, p.stacks())
	}
}

// TestEntryByC profiles a guest that is entered by cgo.
func TestEntryByC(t *testing.T) {
	if !cgo {
		t.Skip("without cgo")
	}
	g := newGuest(t, "fib_recursive.wasm")
	defer g.free()
	var used time.Duration
	_, p := take(t, func() {
		before := processTime(t)
		spinning(t, g, true, long)
		used = processTime(t) - before
	})
	all, guests := p.count(), p.count("fibonacci", "fib_recursive")
	below := p.count("fibonacci", "profile.spinning")
	t.Logf("%d samples, %d of the guest, %d with Go's functions", all, guests, below)
	if guests < 5 || guests < all*8/10 {
		t.Errorf("%d of %d samples have the guest's functions:\n%v", guests, all, p.stacks())
	}
	if measured := time.Duration(all * p.period); measured > used*3/2 {
		t.Errorf("the process ran %v by the profile, and %v by the system", measured, used)
	}
}

// TestTwice takes profiles one after the other, and one while another one is being taken.
func TestTwice(t *testing.T) {
	g := newGuest(t, "fib_recursive.wasm")
	defer g.free()
	for range 2 {
		_, p := take(t, func() {
			if err := Start(new(bytes.Buffer)); err == nil {
				t.Error("a second profile began")
			}
			spinning(t, g, false, long/2)
		})
		if p.count("fibonacci") < 3 {
			t.Errorf("%d samples are of the guest", p.count("fibonacci"))
		}
	}
	if err := Stop(); err != nil {
		t.Error(err)
	}
	if err := pprof.StartCPUProfile(new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if err := Start(new(bytes.Buffer)); err == nil {
		t.Error("a profile began while package runtime/pprof took one")
	}
	pprof.StopCPUProfile()
}

// TestHammer loads and unloads modules, and calls them, while profiles begin and end.
func TestHammer(t *testing.T) {
	end := time.Now().Add(time.Second)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for time.Now().Before(end) {
				g := newGuest(t, "fib_recursive.wasm")
				g.call(t, "app_main", false)
				g.free()
			}
		})
	}
	for time.Now().Before(end) {
		take(t, func() { time.Sleep(20 * time.Millisecond) })
	}
	group.Wait()
}

func TestFramesWithLines(t *testing.T) {
	g := newGuest(t, "debug/dwarf4.wasm")
	defer g.free()
	sections, err := g.Debug()
	if err != nil {
		t.Fatal(err)
	}
	offset := uint32(0) // of an instruction in a function that was inlined twice
	for o := range uint32(1000) {
		l := snap(g).lines.Lookup(uint64(o))
		if len(l) == 3 && l[0].Line == 14 && l[2].Function == "transfer" {
			offset = o
		}
	}
	m := snap(&located{source{bodies: twoBodies, sections: sections, frames: []engine.Frame{
		{Function: 3, Name: "transfer_", Offset: offset + 100, CodeOffset: 100},
		{Function: 4, Name: "without", Offset: 101, CodeOffset: 100},
	}}})
	want := []frame{
		{"m!check", "/guest/debug/account.h", 14, 5},
		{"m!withdraw", "/guest/debug/account.h", 18, 3},
		{"m!transfer_", "/guest/debug/account.c", 5, 3},
		{"m!without", wasmFile, 0, 0},
	}
	if got := m.frames(0x1000); !slices.Equal(got, want) {
		t.Errorf("the frames are %v, want %v", got, want)
	}
	m.source.(*located).frames = nil
	if got := m.frames(0x1000); !slices.Equal(got, []frame{{function: "m!a", file: wasmFile}}) {
		t.Errorf("the frames are %v where the instruction is not known", got)
	}
}

// TestPerfMap loads a guest in a process that was asked for a map for perf.
func TestPerfMap(t *testing.T) {
	path := fmt.Sprintf("/tmp/perf-%d.map", os.Getpid())
	if os.Getenv("GOWASMER_PERF") == "1" {
		defer os.Remove(path)
		g := newGuest(t, "fib_recursive.wasm")
		defer g.free()
		bodies, err := g.Functions()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bodies {
			line := fmt.Sprintf("%x %x wasm::%s\n", b.Start, b.End-b.Start, b.Name)
			if b.Name != "" && !strings.Contains(string(text), line) {
				t.Errorf("the map has no line %q:\n%s", line, text)
			}
		}
		if !strings.Contains(string(text), "wasm::fibonacci\n") {
			t.Errorf("the map has no function of the guest:\n%s", text)
		}
		return
	}
	command := emulator.Command(os.Args[0], "-test.run=^TestPerfMap$")
	command.Env = append(os.Environ(), "GOWASMER_PERF=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Errorf("%s was written unasked", path)
	}
}
