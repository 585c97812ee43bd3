package profile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// source is a module of tests.
type source struct {
	bodies   []engine.Body
	sections map[string][]byte
	frames   []engine.Frame
	failing  bool
}

func (s *source) Name() string { return "m" }

func (s *source) Functions() ([]engine.Body, error) {
	if s.failing {
		return nil, errors.New("no")
	}
	return s.bodies, nil
}

func (s *source) Debug() (map[string][]byte, error) { return s.sections, nil }

// located is one that tells instructions.
type located struct{ source }

func (s *located) Locate(uintptr) ([]engine.Frame, error) { return s.frames, nil }

var twoBodies = []engine.Body{
	{Start: 0x1000, End: 0x1100, Function: 0, Name: "a"},
	{Start: 0x1120, End: 0x1200, Function: 7},
	{Start: 0x1200, End: 0x1210, Function: engine.NoFunction},
}

func TestFrames(t *testing.T) {
	m := snap(&source{bodies: twoBodies})
	for pc, want := range map[uintptr]string{
		0xfff: "wasm code", 0x1000: "m!a", 0x10ff: "m!a", 0x1100: "wasm code", 0x1120: "m!function 7",
		0x1210: "wasm code",
	} {
		if got := m.frames(pc); !slices.Equal(got, []frame{{function: want, file: wasmFile}}) {
			t.Errorf("at %#x are %v, want %s", pc, got, want)
		}
	}
	if got := m.frames(0x1200); got != nil {
		t.Errorf("in a trampoline are %v", got)
	}
	if m := snap(&source{failing: true}); m != nil {
		t.Errorf("a module whose functions are not known has %v", m)
	}
}

// handMade writes a profile as Go would.
type handMade struct {
	message
	strings   []string
	locations uint64
}

func (h *handMade) string(s string) uint64 {
	h.strings = append(h.strings, s)
	return uint64(len(h.strings)) // 0 is the empty string
}

// location adds a location with functions, innermost first.
func (h *handMade) location(functions ...string) uint64 {
	h.locations++
	id := h.locations
	var m message
	m.number(locationID, id)
	for i, name := range functions {
		f := 100*id + uint64(i)
		var function, line message
		function.number(functionID, f)
		function.number(functionName, h.string(name))
		h.bytes(profileFunction, function)
		line.number(lineFunction, f)
		line.number(lineLine, 5)
		m.bytes(locationLine, line)
	}
	h.bytes(profileLocation, m)
	return id
}

func (h *handMade) sample(count uint64, label string, locations ...uint64) {
	var m, l message
	for _, id := range locations {
		m.number(sampleLocation, id) // as Go writes few of them
	}
	m.packed(sampleValue, []uint64{count, count * 10})
	if label != "" {
		l.number(1, h.string("label"))
		l.number(2, h.string(label))
		m.bytes(sampleLabel, l)
	}
	h.bytes(profileSample, m)
}

func (h *handMade) zip() []byte {
	var m message
	m.bytes(profileStrings, nil)
	for _, s := range h.strings {
		m.bytes(profileStrings, []byte(s))
	}
	h.number(profilePeriod, 10)
	return zipped(append(h.message, m...))
}

func zipped(content []byte) []byte {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write(content); err != nil {
		panic(err)
	}
	if err := zip.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// summary returns the samples of a profile by their functions and labels.
func summary(t *testing.T, content []byte) map[string]uint64 {
	t.Helper()
	p, err := parse(zipped(content))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]uint64)
	for i := range p.samples {
		s := &p.samples[i]
		var names []string
		for _, id := range s.locations {
			if len(p.locations[id]) == 0 {
				t.Errorf("location %d has no functions", id)
			}
			for _, c := range p.locations[id] {
				names = append(names, c.function[strings.LastIndexAny(c.function, "./")+1:])
			}
		}
		if err := eachField(s.labels, func(f field) error {
			return eachField(f.bytes, func(f field) error {
				if f.number == 2 {
					names = append(names, p.strings[f.value])
				}
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		counts[strings.Join(names, " ")] += s.values[0]
		if s.values[1] != 10*s.values[0] {
			t.Errorf("a sample has the values %v", s.values)
		}
	}
	return counts
}

// guestStack returns a stack of a guest without Go functions.
func guestStack(count uint64, functions ...string) *stack {
	s := &stack{count: count}
	for _, f := range functions {
		s.guest = append(s.guest, &place{pc: 0x1000, frames: []frame{{function: f, file: wasmFile}}})
	}
	return s
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name   string
		theirs map[string]uint64 // counts by labels of samples at the entry
		ours   []*stack
		want   map[string]uint64
	}{
		{"as many", map[string]uint64{"x": 3}, []*stack{guestStack(3, "f", "g")},
			map[string]uint64{"f g EnterGuest caller x": 3}},
		{"nothing of ours", map[string]uint64{"x": 3}, nil,
			map[string]uint64{"EnterGuest caller x": 3}},
		{"nothing of Go's", nil, []*stack{guestStack(3, "f")}, nil},
		{"more of ours", map[string]uint64{"x": 5}, []*stack{guestStack(8, "f"), guestStack(2, "g")},
			map[string]uint64{"f EnterGuest caller x": 4, "g EnterGuest caller x": 1}},
		{"fewer of ours", map[string]uint64{"x": 5}, []*stack{guestStack(2, "f")},
			map[string]uint64{"f EnterGuest caller x": 2, "EnterGuest caller x": 3}},
		{"two labels", map[string]uint64{"x": 2, "y": 4},
			[]*stack{guestStack(3, "f"), guestStack(3, "g")},
			map[string]uint64{
				"f EnterGuest caller x": 1, "g EnterGuest caller x": 1,
				"f EnterGuest caller y": 2, "g EnterGuest caller y": 2,
			}},
	} {
		h := &handMade{}
		other := h.location("main.other")
		entry, caller := h.location(engineOf+"image.EnterGuest"), h.location("main.caller")
		h.sample(9, "z", other)
		for label, count := range c.theirs {
			h.sample(count, label, entry, caller)
		}
		p, err := parse(h.zip())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]uint64{"other z": 9}
		for k, v := range c.want {
			want[k] = v
		}
		if got := summary(t, merge(p, c.ours, "a comment")); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the samples are %v, want %v", c.name, got, want)
		}
	}
}

// TestMergeByGoFunctions tells samples apart by the Go functions that called the guests.
func TestMergeByGoFunctions(t *testing.T) {
	var pcs [1]uintptr
	runtime.Callers(1, pcs[:])
	frame, _ := runtime.CallersFrames(pcs[:]).Next()
	entryFunction[frame.Function] = true // as if this function entered guests
	defer delete(entryFunction, frame.Function)

	h := &handMade{}
	entry, of := h.location(frame.Function), h.location("main.of")
	h.sample(2, "", entry)
	h.sample(3, "", entry, of)
	p, err := parse(h.zip())
	if err != nil {
		t.Fatal(err)
	}
	ours := guestStack(4, "f")
	ours.host = pcs[:]
	name := frame.Function[strings.LastIndexAny(frame.Function, "./")+1:]
	want := map[string]uint64{"f " + name: 2, name + " of": 3}
	if got := summary(t, merge(p, []*stack{ours}, "")); !reflect.DeepEqual(got, want) {
		t.Errorf("the samples are %v, want %v", got, want)
	}
}

func TestParseDamaged(t *testing.T) {
	h := &handMade{}
	h.sample(2, "l", h.location("f", "g"), h.location("h"))
	whole := h.zip()
	if _, err := parse(whole[:len(whole)/2]); err == nil {
		t.Error("half a file is no error")
	}
	content := slices.Concat(h.message, message("\x32\x00"))
	for n := range content {
		for bit := range 8 {
			damaged := slices.Clone(content)
			damaged[n] ^= 1 << bit
			if p, err := parse(zipped(damaged)); err == nil {
				merge(p, nil, fmt.Sprint(n))
			}
		}
		_, _ = parse(zipped(content[:n])) // must not panic
	}
}
