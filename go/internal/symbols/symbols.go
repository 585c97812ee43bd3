// Package symbols finds the source of a guest's instructions in its debugging information (DWARF 2
// to 5, by the conventions of https://yurydelendik.github.io/webassembly-dwarf/).
//
// Debugging information comes with the module and is not trusted. Package debug/dwarf does not
// defend itself against what is malformed: a count in the header of a line table makes it allocate
// as many elements, which ends the process. So this package reads the formats itself, the little of
// them that is needed, and spends time and memory in proportion to the size of the sections.
// Damaged information is no error: there is no answer, or an answer that is wrong.
package symbols

import (
	"math"
	"sync"
)

// Location is a place in the source of a guest.
type Location struct {
	// Function is the name of the function with its namespaces, or empty.
	Function string
	// File is the path of the file as the compiler was given it, or empty.
	File string
	// Line and Column count from 1; 0 is unknown.
	Line, Column int
}

// The limits of what is made of debugging information.
const (
	// maxUnits is how many units are looked at.
	maxUnits = 1 << 17
	// maxUnitRanges is how many ranges of addresses all units have together.
	maxUnitRanges = 1 << 20
	// maxRetained is about how many bytes the tables of all units take, before those of units that
	// were looked at before are forgotten.
	maxRetained = 256 << 20
	// maxItems is how many functions, scopes, files and attributes of abbreviations a unit has,
	// each.
	maxItems = 1 << 20
	// maxSpans is how many ranges of addresses the functions of a unit have.
	maxSpans = 1 << 22
	// maxRows is how many rows the line table of a unit has.
	maxRows = 1 << 22
	// maxAttributes is how many attributes an entry has.
	maxAttributes = 1 << 10
	// maxDepth is how deeply entries are nested.
	maxDepth = 1 << 10
	// maxFrames is how many locations an instruction has.
	maxFrames = 64
	// maxName is how many bytes of a name are told.
	maxName = 4 << 10
	// maxReferences is how many references from one entry to another are followed for a name.
	maxReferences = 8
	// baseWork and workPerByte say how many steps reading may take during the life of a Table, and
	// lookupWork how many a Lookup takes. A byte, an entry and an attribute are a step each.
	baseWork    = 1 << 20
	workPerByte = 2
	lookupWork  = 64 << 20
)

// Table finds locations. Its methods can be called by several goroutines at the same time.
type Table struct {
	mutex    sync.Mutex
	load     func() (map[string][]byte, error)
	sections sections
	units    []*unit    // in the order of .debug_info
	ranges   []interval // the units by addresses, values are indices into units
	vague    []int      // units that do not say which addresses they have
	work     int        // steps that are left
	lookup   int        // steps that are left to this Lookup
	retained int        // about how many bytes the units' tables take

	recovered func(any) // for tests: told of panics, which no input is known to cause
}

// sections are the sections of debugging information, as they are in the module.
type sections struct {
	abbrev, addr, info, line, lineStr, ranges, rngLists, str, strOffsets []byte
}

// New returns a table of the sections that load returns by their names, such as ".debug_line".
// Load is called once, by the first Lookup.
func New(load func() (map[string][]byte, error)) *Table { return &Table{load: load} }

// Lookup returns where the instruction is that begins at an offset in the contents of the code
// section. The first location is that of the innermost function. If that function was inlined by
// the compiler, its callers follow up to the one that was not. Lookup returns nothing if there is
// no information.
func (t *Table) Lookup(offset uint64) (locations []Location) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	defer func() {
		if cause := recover(); cause != nil {
			locations = nil
			t.drop()
			if t.recovered != nil {
				t.recovered(cause)
			}
		}
	}()
	t.lookup = lookupWork
	if t.load != nil {
		t.open()
	}
	if offset >= tombstone {
		return nil
	}
	address := uint32(offset)
	if index := find(t.ranges, address); index >= 0 {
		if locations := t.locate(t.units[index], address); locations != nil {
			return locations
		}
	}
	for _, index := range t.vague {
		if locations := t.locate(t.units[index], address); locations != nil {
			return locations
		}
	}
	return nil
}

// tombstone is the first of the addresses that linkers write where a function was removed.
const tombstone = math.MaxUint32 - 1

// open lists the units.
func (t *Table) open() {
	load := t.load
	t.load = nil
	named, err := load()
	if err != nil {
		return
	}
	total := 0
	section := func(name string) []byte {
		bytes := named[name]
		if len(bytes) >= math.MaxInt32 {
			return nil
		}
		total += len(bytes)
		return bytes
	}
	t.sections = sections{
		abbrev: section(".debug_abbrev"), addr: section(".debug_addr"), info: section(".debug_info"),
		line: section(".debug_line"), lineStr: section(".debug_line_str"),
		ranges: section(".debug_ranges"), rngLists: section(".debug_rnglists"),
		str: section(".debug_str"), strOffsets: section(".debug_str_offsets"),
	}
	t.work = baseWork + workPerByte*total
	t.units = t.listUnits()
	var spans []span
	for index, u := range t.units {
		ranges, known := t.unitRanges(u)
		if !known {
			t.vague = append(t.vague, index)
			continue
		}
		for _, r := range ranges {
			if len(spans) == maxUnitRanges {
				break
			}
			spans = append(spans, span{r[0], r[1], 0, int32(index)})
		}
	}
	t.ranges = flatten(spans)
}

// drop forgets everything.
func (t *Table) drop() {
	t.load, t.sections, t.units, t.ranges, t.vague = nil, sections{}, nil, nil, nil
}

// step notes that n steps are taken, and reports whether they may be.
func (t *Table) step(n int) bool {
	t.work -= n
	t.lookup -= n
	return min(t.work, t.lookup) >= 0
}

// locate looks an address up in a unit.
func (t *Table) locate(u *unit, address uint32) []Location {
	t.parse(u)
	found := u.tables // those of the unit may be forgotten when another one is parsed
	file, line, column, known := found.lines.find(address)
	at := find(found.segments, address)
	if !known && at < 0 {
		return nil
	}
	var locations []Location
	for at >= 0 && len(locations) < maxFrames {
		n := &found.nodes[at]
		locations = append(locations, Location{
			Function: t.functionName(n), File: found.lines.path(file), Line: int(line), Column: int(column),
		})
		file, line, column = n.callFile, n.callLine, n.callColumn
		if at = n.parent; !n.inlined {
			break
		}
	}
	if locations == nil {
		return []Location{{File: found.lines.path(file), Line: int(line), Column: int(column)}}
	}
	return locations
}
