package symbols

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"
)

// names are those of the sections that are read.
var names = []string{
	".debug_abbrev", ".debug_addr", ".debug_info", ".debug_line", ".debug_line_str", ".debug_ranges",
	".debug_rnglists", ".debug_str", ".debug_str_offsets",
}

// within fails the test if what f does takes a long time or much memory.
func within(t *testing.T, name string, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	taken := time.Since(start)
	runtime.ReadMemStats(&after)
	if taken > 30*time.Second {
		t.Errorf("%s: took %v", name, taken)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<30 {
		t.Errorf("%s: allocated %d MiB", name, allocated>>20)
	}
}

// many is how often something is repeated to see how much it takes.
func many() int {
	if testing.Short() {
		return 1 << 18
	}
	return 4 << 20
}

// repeat returns bytes n times.
func repeat(n int, content ...byte) []byte { return bytes.Repeat(content, n) }

// builder writes debugging information.
type builder []byte

func (b *builder) u8(values ...byte) { *b = append(*b, values...) }
func (b *builder) u16(v uint16)      { *b = binary.LittleEndian.AppendUint16(*b, v) }
func (b *builder) u32(v uint32)      { *b = binary.LittleEndian.AppendUint32(*b, v) }
func (b *builder) uleb(values ...int) {
	for _, v := range values {
		*b = binary.AppendUvarint(*b, uint64(v))
	}
}

// sized returns bytes after their length.
func sized(content []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(content))), content...)
}

// unit4 returns a unit of version 4 with entries.
func unit4(entries []byte) []byte {
	return sized(append([]byte{4, 0, 0, 0, 0, 0, 4}, entries...))
}

// The abbreviations of hand-made units: a unit with a range, a function with a range and a
// reference, a function with nothing, an inlined function with ranges in a list, and units with
// them and with lines.
const (
	aUnit = iota + 1
	aFunction
	aBareFunction
	aInlined
	aListedUnit
	aLineUnit
	aVagueUnit
	aNamed
)

func abbrevs() []byte {
	var b builder
	b.uleb(aUnit, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0)
	b.uleb(aFunction, 0x2e, 1, 0x11, 0x01, 0x12, 0x06, 0x31, 0x10, 0, 0)
	b.uleb(aBareFunction, 0x2e, 1, 0, 0)
	b.uleb(aInlined, 0x1d, 1, 0x31, 0x10, 0x55, 0x17, 0x59, 0x0b, 0, 0)
	b.uleb(aListedUnit, 0x11, 1, 0x55, 0x17, 0, 0)
	b.uleb(aLineUnit, 0x11, 0, 0x11, 0x01, 0x12, 0x06, 0x10, 0x17, 0, 0)
	b.uleb(aVagueUnit, 0x11, 1, 0, 0)
	b.uleb(aNamed, 0x2e, 1, 0x03, 0x08, 0, 0)
	b.uleb(0)
	return b
}

// spanning begins an entry of a unit or function with 100 bytes of code from 10 on.
func spanning(code byte) []byte { return []byte{code, 10, 0, 0, 0, 100, 0, 0, 0} }

func lookup(sections map[string][]byte) []Location {
	return module{sections: sections}.table().Lookup(50)
}

func TestHostileEntries(t *testing.T) {
	many := many()
	reference := []byte{50, 0, 0, 0}
	for name, info := range map[string][]byte{
		"bare functions": unit4(slices.Concat(spanning(aUnit), repeat(many, aBareFunction, 0))),
		"deep":           unit4(slices.Concat(spanning(aUnit), repeat(many, aBareFunction))),
		"only ends":      unit4(slices.Concat(spanning(aUnit), make([]byte, many))),
		"many units":     bytes.Repeat(unit4(spanning(aUnit)), many/16),
		"empty units":    make([]byte, many),
		"functions in functions": unit4(slices.Concat(spanning(aUnit),
			bytes.Repeat(append(spanning(aFunction), reference...), many/16))),
		"side by side": unit4(slices.Concat(spanning(aUnit),
			bytes.Repeat(append(append(spanning(aFunction), reference...), 0), many/16))),
		"listed": unit4(slices.Concat(spanning(aUnit), spanning(aFunction), reference,
			bytes.Repeat([]byte{aInlined, 50, 0, 0, 0, 0, 0, 0, 0, 1, 0}, many/16))),
		"vague units": bytes.Repeat(
			unit4(slices.Concat([]byte{aVagueUnit}, repeat(many/64, aNamed, 'f', 0, 0))), 16),
		"listed units": bytes.Repeat(unit4([]byte{aListedUnit, 0, 0, 0, 0}), many/16),
	} {
		within(t, name, func() {
			lookup(map[string][]byte{
				".debug_abbrev": abbrevs(), ".debug_info": info,
				".debug_ranges": bytes.Repeat([]byte{10, 0, 0, 0, 100, 0, 0, 0}, many/16),
			})
		})
	}
}

func TestHostileAbbreviations(t *testing.T) {
	many := many()
	for name, abbrev := range map[string][]byte{
		"many": bytes.Repeat([]byte{2, 0x2e, 1, 0, 0}, many/5),
		"ever new": func() (b builder) {
			for i := range many / 8 {
				b.uleb(i+10, 0x2e, 1, 0, 0)
			}
			return
		}(),
		"attributes":  append([]byte{1, 0x11, 1}, bytes.Repeat([]byte{0x11, 0x01}, many/2)...),
		"a number":    bytes.Repeat([]byte{0x80}, many),
		"no end":      abbrevs()[:9],
		"a wide form": {aUnit, 0x11, 1, 0x11, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0},
		"indirection": {aUnit, 0x11, 1, 0x11, 0x16, 0x12, 0x16, 0, 0, 0},
	} {
		within(t, name, func() {
			lookup(map[string][]byte{
				".debug_abbrev": abbrev, ".debug_info": bytes.Repeat(unit4(spanning(aUnit)), 1000),
			})
		})
	}
}

// TestReferenceLoop looks up a function whose name is that of another, whose name is that of the
// first.
func TestReferenceLoop(t *testing.T) {
	// The unit's entries begin at 11: the unit, and two functions of 13 bytes.
	first, second := byte(11+9), byte(11+9+13)
	info := unit4(slices.Concat(spanning(aUnit),
		spanning(aFunction), []byte{second, 0, 0, 0},
		spanning(aFunction), []byte{first, 0, 0, 0}, []byte{0, 0, 0}))
	locations := lookup(map[string][]byte{".debug_abbrev": abbrevs(), ".debug_info": info})
	if !slices.Equal(locations, []Location{{}}) {
		t.Errorf("found %v, want a location of which nothing is known", locations)
	}
}

// header returns a line table of version 5 with what follows the opcodes' lengths.
func header(after, program []byte) []byte {
	var b builder
	b.u8(1, 1, 1, 0xfb, 14, 13)
	b.u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)
	b.u8(after...)
	var all builder
	all.u16(5)
	all.u8(4, 0)
	all.u32(uint32(len(b)))
	return sized(slices.Concat(all, b, program))
}

func TestHostileLines(t *testing.T) {
	many := many()
	huge := binary.AppendUvarint(nil, 1<<60)
	// No directories; one file "f" in directory 0.
	files := []byte{0, 0, 2, 1, 0x08, 2, 0x0b, 1, 'f', 0, 0}
	set := []byte{0, 5, lineSetAddress, 40, 0, 0, 0}
	row, zeros := []byte{lineCopy}, repeat(many, 0)
	end := []byte{lineAdvancePC, 100, 0, 1, lineEndSequence}
	counted := func(format ...byte) []byte { return append(format, huge...) }
	program := func(parts ...[]byte) []byte { return header(files, slices.Concat(parts...)) }
	for name, line := range map[string][]byte{
		"as many directories as it says": header(counted(0), nil),
		"as many files as it says":       header(counted(0, 0, 0), nil),
		"files without bytes":            header(counted(0, 0, 1, 1, 0x19), nil),
		"files":                          header(append(counted(0, 0, 1, 1, 0x0b), zeros...), nil),
		"rows":                           program(set, repeat(many, lineCopy), end),
		"all rows":                       program(set, repeat(maxRows-1, lineCopy), end),
		"sequences":                      program(bytes.Repeat(slices.Concat(set, row, end), many/16)),
		"backwards":                      program(set, row, set[:3], []byte{1, 0, 0, 0}, end),
		"no end":                         program(set, repeat(many, lineCopy)),
		"empty extended opcodes":         program(repeat(many, 0)),
		"long extended opcodes":          program([]byte{0}, huge, repeat(many, 0)),
		"a number":                       program([]byte{lineAdvanceLine}, repeat(many, 0x80)),
		"a short one":                    program()[:20],
	} {
		info := unit4(append(spanning(aLineUnit), 0, 0, 0, 0))
		within(t, name, func() {
			lookup(map[string][]byte{".debug_abbrev": abbrevs(), ".debug_info": info, ".debug_line": line})
		})
	}
	// The same header with a program that is right.
	got := lookup(map[string][]byte{
		".debug_abbrev": abbrevs(), ".debug_info": unit4(append(spanning(aLineUnit), 0, 0, 0, 0)),
		".debug_line": program(set, []byte{lineSetFile, 0, lineAdvanceLine, 6, lineCopy}, end),
	})
	if want := []Location{{File: "f", Line: 7}}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// TestCutOff looks everything up in sections that end early.
func TestCutOff(t *testing.T) {
	for _, name := range all {
		m := read(t, guests+name)
		for _, section := range names {
			whole := m.sections[section]
			for n := range whole {
				m.sections[section] = whole[:n]
				table := m.table()
				for offset := 0; offset < len(m.code); offset += 1 + len(m.code)/10 {
					table.Lookup(uint64(offset))
				}
			}
			m.sections[section] = whole
		}
	}
}

// TestFlippedBits looks everything up in sections with a bit that is wrong.
func TestFlippedBits(t *testing.T) {
	for _, name := range all {
		m := read(t, guests+name)
		for _, section := range names {
			bytes := m.sections[section]
			step := 1
			if testing.Short() {
				step = 41
			}
			for bit := 0; bit < 8*len(bytes); bit += step {
				bytes[bit/8] ^= 1 << (bit % 8)
				table := m.table()
				for offset := 0; offset < len(m.code); offset += 1 + len(m.code)/4 {
					table.Lookup(uint64(offset))
				}
				bytes[bit/8] ^= 1 << (bit % 8)
			}
		}
	}
}

func FuzzLookup(f *testing.F) {
	for _, name := range all {
		m := read(f, guests+name)
		s := m.sections
		f.Add(s[names[0]], s[names[1]], s[names[2]], s[names[3]], s[names[4]], s[names[5]], s[names[6]],
			s[names[7]], s[names[8]], uint32(len(m.code)/2))
	}
	f.Fuzz(func(t *testing.T, s0, s1, s2, s3, s4, s5, s6, s7, s8 []byte, offset uint32) {
		sections := make(map[string][]byte)
		for i, bytes := range [][]byte{s0, s1, s2, s3, s4, s5, s6, s7, s8} {
			sections[names[i]] = bytes
		}
		table := module{sections: sections}.table()
		for _, address := range []uint64{uint64(offset), 3, 40, 300} {
			for _, l := range table.Lookup(address) {
				if l.Line < 0 || l.Column < 0 || len(l.Function) > maxName || len(l.File) > 3*maxName {
					t.Errorf("offset %d is at %v", address, l)
				}
			}
		}
	})
}
