package symbols

import (
	"debug/dwarf"
	"errors"
	"io"
	"path"
	"reflect"
	"slices"
	"sync"
	"testing"
)

const guests = "../../../testdata/guests/debug/"

var all = []string{"dwarf4.wasm", "dwarf5.wasm", "rust.wasm"}

// stacks are those that some instruction of a guest must have, perhaps with more frames inside.
var stacks = map[string][][]Location{
	"dwarf4.wasm": ofC, "dwarf5.wasm": ofC,
	"rust.wasm": {{
		{"rust::ledger::check", "/guest/debug/rust.rs", 28, 0},
		{"rust::ledger::Ledger::entry", "/guest/debug/rust.rs", 20, 0},
		{"rust::look_up", "/guest/debug/rust.rs", 37, 0},
	}},
}

var ofC = [][]Location{
	{
		{"check", "/guest/debug/account.h", 14, 0},
		{"withdraw", "/guest/debug/account.h", 18, 0},
		{"transfer", "/guest/debug/account.c", 5, 0},
	},
	{
		{"check", "/guest/debug/account.h", 14, 0},
		{"withdraw", "/guest/debug/account.h", 18, 0},
		{"charge", "/guest/debug/main.c", 14, 0},
	},
	{{"pay", "/guest/debug/main.c", 8, 0}},
	{{"audit", "/guest/debug/account.c", 12, 0}},
	{{"overrun", "/guest/debug/main.c", 20, 0}},
	{{"spin", "/guest/debug/main.c", 30, 0}},
}

func TestLookup(t *testing.T) {
	for _, name := range all {
		m := read(t, guests+name)
		table := m.table()
		found := make(map[int]bool)
		for offset := range m.code {
			locations := table.Lookup(uint64(offset))
			for i, want := range stacks[name] {
				outer := locations[max(0, len(locations)-len(want)):]
				if slices.EqualFunc(outer, want, func(got, want Location) bool {
					return got.Column > 0 && got.Function == want.Function && got.File == want.File &&
						got.Line == want.Line
				}) {
					found[i] = true
				}
			}
		}
		for i, want := range stacks[name] {
			if !found[i] {
				t.Errorf("%s: no instruction is at %v", name, want)
			}
		}
		for _, outside := range []uint64{0, uint64(len(m.code)), 1 << 31, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
			if locations := table.Lookup(outside); locations != nil {
				t.Errorf("%s: offset %#x, which is no instruction, is at %v", name, outside, locations)
			}
		}
	}
}

// TestAgainstStandardLibrary compares every instruction with what package debug/dwarf says of these
// guests, which are not damaged.
func TestAgainstStandardLibrary(t *testing.T) {
	for _, name := range all {
		m := read(t, guests+name)
		table, lines := m.table(), standardLines(t, m)
		seen := 0
		for offset := range m.code {
			locations := table.Lookup(uint64(offset))
			want, known := lines(uint64(offset))
			if !known {
				if len(locations) != 0 && locations[0].Line != 0 {
					t.Errorf("%s: %#x is at %v, want nothing", name, offset, locations[0])
				}
				continue
			}
			seen++
			if len(locations) == 0 {
				t.Errorf("%s: nothing is known of %#x, want %s:%d", name, offset, want.File.Name, want.Line)
				continue
			}
			got := locations[0]
			// The library takes directories of version 5 for what they are relative to.
			file := want.File.Name
			if !path.IsAbs(file) {
				file = path.Join("/guest/debug", file)
			}
			if got.File != path.Clean(file) || got.Line != want.Line || got.Column != want.Column {
				t.Errorf("%s: %#x is at %v, want %s:%d:%d",
					name, offset, got, want.File.Name, want.Line, want.Column)
			}
		}
		if seen < len(m.code)/2 {
			t.Errorf("%s: compared %d of %d bytes of code", name, seen, len(m.code))
		}
	}
}

func standardLines(t *testing.T, m module) func(uint64) (dwarf.LineEntry, bool) {
	t.Helper()
	s := m.sections
	data, err := dwarf.New(s[".debug_abbrev"], nil, nil, s[".debug_info"], s[".debug_line"], nil,
		s[".debug_ranges"], s[".debug_str"])
	if err != nil {
		t.Fatal(err)
	}
	for name, bytes := range s {
		if err := data.AddSection(name, bytes); err != nil {
			t.Fatal(err)
		}
	}
	var rows []dwarf.LineEntry
	reader := data.Reader()
	for {
		unit, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if unit == nil {
			break
		}
		lines, err := data.LineReader(unit)
		if err != nil {
			t.Fatal(err)
		}
		reader.SkipChildren()
		if lines == nil {
			continue
		}
		for {
			var row dwarf.LineEntry
			if err := lines.Next(&row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
	}
	return func(offset uint64) (found dwarf.LineEntry, known bool) {
		for i := range rows[1:] {
			r := rows[i]
			if !r.EndSequence && r.Address != 0 && r.Address <= offset && offset < rows[i+1].Address {
				return r, true
			}
		}
		return found, false
	}
}

func TestLookupIsLazy(t *testing.T) {
	m := read(t, guests+"dwarf5.wasm")
	loads := 0
	table := New(func() (map[string][]byte, error) {
		loads++
		return m.sections, nil
	})
	if loads != 0 {
		t.Error("the sections were loaded before they were needed")
	}
	var parsed []int
	for offset := range m.code {
		table.Lookup(uint64(offset))
		n := 0
		for _, u := range table.units {
			if u.parsed {
				n++
			}
		}
		parsed = append(parsed, n)
	}
	if loads != 1 {
		t.Errorf("the sections were loaded %d times", loads)
	}
	if !slices.Contains(parsed, 1) || parsed[len(parsed)-1] != 2 {
		t.Errorf("the units were not parsed one by one: %v", slices.Compact(parsed))
	}
}

func TestNoInformation(t *testing.T) {
	with := func(name string, content []byte) func() (map[string][]byte, error) {
		return func() (map[string][]byte, error) { return map[string][]byte{name: content}, nil }
	}
	for name, load := range map[string]func() (map[string][]byte, error){
		"an error":     func() (map[string][]byte, error) { return nil, errors.New("no") },
		"no sections":  func() (map[string][]byte, error) { return nil, nil },
		"a panic":      func() (map[string][]byte, error) { panic("no") },
		"no entries":   with(".debug_line", []byte{1}),
		"empty ones":   with(".debug_info", []byte{}),
		"half a unit":  with(".debug_info", []byte{9, 0, 0, 0, 4, 0}),
		"no abbrevs":   with(".debug_info", make([]byte, 99)),
		"another unit": with(".debug_info", []byte{7, 0, 0, 0, 9, 0, 0}),
	} {
		table := New(load)
		for range 2 {
			if locations := table.Lookup(5); locations != nil {
				t.Errorf("%s: found %v", name, locations)
			}
		}
	}
}

func TestConcurrentLookup(t *testing.T) {
	m := read(t, guests+"dwarf5.wasm")
	expected := make([][]Location, len(m.code))
	for offset, table := 0, m.table(); offset < len(m.code); offset++ {
		expected[offset] = table.Lookup(uint64(offset))
	}
	table := m.table()
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range m.code {
				offset := (i*7 + g*31) % len(m.code)
				if got := table.Lookup(uint64(offset)); !reflect.DeepEqual(got, expected[offset]) {
					t.Errorf("%#x is at %v, want %v", offset, got, expected[offset])
					return
				}
			}
		})
	}
	group.Wait()
}

func TestForgetting(t *testing.T) {
	m := read(t, guests+"dwarf4.wasm")
	table := m.table()
	for offset := range m.code {
		want := table.Lookup(uint64(offset))
		table.retained = maxRetained + 1
		table.units[offset%2].parsed = false
		if got := table.Lookup(uint64(offset)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%#x is at %v after the tables were forgotten, want %v", offset, got, want)
		}
	}
}

func TestFlatten(t *testing.T) {
	for _, c := range []struct {
		spans []span
		want  []interval
	}{
		{nil, []interval{}},
		{[]span{{10, 20, 1, 0}}, []interval{{10, 0}, {20, -1}}},
		{[]span{{10, 20, 1, 0}, {12, 14, 2, 1}}, []interval{{10, 0}, {12, 1}, {14, 0}, {20, -1}}},
		{[]span{{10, 20, 2, 1}, {10, 20, 1, 0}}, []interval{{10, 1}, {20, -1}}},
		{[]span{{10, 20, 1, 0}, {15, 30, 2, 1}}, []interval{{10, 0}, {15, 1}, {20, -1}}}, // cut off
		{[]span{{20, 30, 1, 1}, {10, 20, 1, 0}}, []interval{{10, 0}, {20, 1}, {30, -1}}},
		{[]span{{10, 10, 1, 0}}, []interval{}},
	} {
		if got := flatten(slices.Clone(c.spans)); !slices.Equal(got, c.want) {
			t.Errorf("flatten(%v) = %v, want %v", c.spans, got, c.want)
		}
	}
}

func BenchmarkFirstLookup(b *testing.B) {
	m := read(b, guests+"dwarf5.wasm")
	for b.Loop() {
		m.table().Lookup(uint64(len(m.code) / 2))
	}
}

func BenchmarkLookup(b *testing.B) {
	m := read(b, guests+"dwarf5.wasm")
	table := m.table()
	for b.Loop() {
		table.Lookup(uint64(len(m.code) / 2))
	}
}
