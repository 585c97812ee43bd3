//go:build linux && (amd64 || arm64)

package profile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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
		all = append(all, strings.Split(strings.TrimSuffix(p.locations[id], "\n"), "\n")...)
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
	file, p := take(t, func() { spinning(t, g, false, long) })
	all, guests := p.count(), p.count("fibonacci", "fib_recursive", "fiber.run", "profile.spinning",
		"profile.TestGuestsAndGoTogether")
	entries := p.count("fiber.run") - guests
	t.Logf("%d samples, %d of the guest, %d more of its entry", all, guests, entries)
	if guests < 10 || guests < all*8/10 {
		t.Errorf("%d of %d samples have the guest's functions and Go's:\n%v", guests, all, p.stacks())
	}
	if entries > 2+all/20 {
		t.Errorf("%d samples are of the entry of guests:\n%v", entries, p.stacks())
	}
	for i := range p.samples {
		if s := &p.samples[i]; len(s.values) != 2 || s.values[1] != s.values[0]*p.period || p.period == 0 {
			t.Fatalf("a sample has the values %d with a period of %d ns", s.values, p.period)
		}
	}
	// What the guest takes by its own clock, and what the profile says.
	if measured := time.Duration(guests * p.period); measured < long/2 || measured > 2*long {
		t.Errorf("the guest ran %v by the profile, and %v by the clock", measured, long)
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

// stacks returns all samples for messages.
func (p *goProfile) stacks() string {
	var all []string
	for i := range p.samples {
		all = append(all, strings.Join(p.stack(&p.samples[i]), " < "))
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
		if !slices.ContainsFunc(p.stack(s), func(f string) bool { return strings.Contains(f, "fibonacci") }) {
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
	if counts["tenant a "] < 5 || counts["tenant b "] < 5 || counts[""] > 3 {
		t.Errorf("samples by labels: %v", counts)
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
	if first, second := p.count("first!fibonacci"), p.count("second!fibonacci"); first < 10 || second < 10 {
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
	_, p := take(t, func() { spinning(t, g, true, long) })
	all, guests := p.count(), p.count("fibonacci", "fib_recursive")
	t.Logf("%d samples, %d of the guest, %d below Go", all, guests, p.count("fibonacci", "profile.spinning"))
	if guests < 10 || guests < all*8/10 {
		t.Errorf("%d of %d samples have the guest's functions:\n%v", guests, all, p.stacks())
	}
	if measured := time.Duration(all * p.period); measured > 2*long {
		t.Errorf("everything ran %v by the profile, and %v by the clock", measured, long)
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
		if p.count("fibonacci") < 5 {
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
