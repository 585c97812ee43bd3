package symbols

import "debug/dwarf"

// unit is a unit of .debug_info.
type unit struct {
	start, entries, end uint32 // offsets in .debug_info of the unit, its entries, and what follows
	version             uint16
	addressSize         uint8
	wide                bool   // the 64-bit format
	abbrevs             uint64 // offset of the abbreviations in .debug_abbrev
	rooted              bool   // the root entry was read

	// What the root entry says.
	low                                  uint64 // the base of addresses
	strOffsetsBase, addrBase, rangesBase uint64
	directory                            value // where the compiler ran
	lineProgram                          value

	parsed bool
	tables
}

// tables is what is made of a unit when it is first needed.
type tables struct {
	segments []interval // the innermost nodes by addresses, values are indices into nodes
	nodes    []node
	names    map[uint32]declared // functions by their offsets in .debug_info
	scopes   []scope
	lines    lines
}

// node is a function that has code, or has code inlined into another one.
type node struct {
	function             uint32 // offset of the function's entry in .debug_info
	parent               int32  // index of the node that surrounds it, or -1
	callFile             uint32
	callLine, callColumn uint32
	inlined              bool
}

// declared is what an entry of a function says of its name.
type declared struct {
	name   []byte
	origin uint32 // offset of an entry that says more, or 0
	scope  int32  // index of what surrounds the function, or -1
}

// scope is a namespace or a type.
type scope struct {
	name   []byte
	parent int32
}

// listUnits reads the headers of all units, up to the first that is damaged.
func (t *Table) listUnits() []*unit {
	var units []*unit
	c := cursorAt(t.sections.info, 0)
	for range maxUnits {
		if c.left() == 0 {
			break
		}
		u := &unit{start: uint32(c.at)}
		length, wide := c.length()
		content := c.at
		c.take(length)
		if c.failed {
			break
		}
		u.wide, u.end = wide, uint32(c.at)
		header := cursor{data: t.sections.info[:c.at], at: content}
		if t.readHeader(u, &header); !header.failed && u.abbrevs <= uint64(len(t.sections.abbrev)) {
			u.entries = uint32(header.at)
			units = append(units, u)
		}
	}
	return units
}

// readHeader reads what follows the length.
func (t *Table) readHeader(u *unit, c *cursor) {
	const typeUnit, skeleton, splitCompile, splitType = 2, 4, 5, 6
	u.version = c.u16()
	kind := uint8(0)
	switch {
	case u.version < 2 || u.version > 5:
		c.fail()
	case u.version == 5:
		kind = c.u8()
		u.addressSize = c.u8()
		u.abbrevs = c.offset(u.wide)
	default:
		u.abbrevs = c.offset(u.wide)
		u.addressSize = c.u8()
	}
	switch kind {
	case skeleton, splitCompile:
		c.u64()
	case typeUnit, splitType:
		c.u64()
		c.offset(u.wide)
	}
	if u.addressSize != 4 && u.addressSize != 8 {
		c.fail()
	}
}

// unitAt returns the unit that has an offset in .debug_info, or nil.
func (t *Table) unitAt(offset uint32) *unit {
	low, high := 0, len(t.units)
	for low < high {
		if middle := (low + high) / 2; t.units[middle].end <= offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(t.units) || offset < t.units[low].entries {
		return nil
	}
	return t.units[low]
}

// readRoot reads the root entry of a unit, and returns it.
func (t *Table) readRoot(u *unit) (entry, bool) {
	e := entries{table: t, unit: u, cursor: cursor{data: t.sections.info[:u.end], at: int(u.entries)}}
	code := e.uleb()
	abbreviation, ok := t.abbreviation(u.abbrevs, code)
	if code == 0 || !ok {
		return entry{}, false
	}
	root, ok := e.read(&abbreviation)
	if !ok {
		return entry{}, false
	}
	// First what the values of other attributes are relative to.
	u.strOffsetsBase, u.addrBase = root.strOffsetsBase.number, root.addrBase.number
	u.rangesBase = root.rangesBase.number
	u.directory, u.lineProgram = root.directory, root.lineProgram
	u.low, _ = t.address(u, root.low)
	u.rooted = true
	return root, true
}

// unitRanges returns the addresses of a unit's code, and reports whether the unit tells them.
func (t *Table) unitRanges(u *unit) ([][2]uint32, bool) {
	root, ok := t.readRoot(u)
	if !ok || root.tag != dwarf.TagCompileUnit {
		return nil, true
	}
	if root.ranges.class == none && root.high.class == none {
		return nil, false
	}
	return t.entryRanges(u, &root, nil), true
}

// parse makes the tables of a unit, unless it has them.
func (t *Table) parse(u *unit) {
	if u.parsed {
		return
	}
	if t.retained > maxRetained {
		for _, other := range t.units {
			other.parsed, other.tables = false, tables{}
		}
		t.retained = 0
	}
	u.parsed = true
	if !u.rooted {
		return
	}
	t.parseFunctions(u)
	t.parseLines(u)
	t.retained += u.size()
}

// size returns about how many bytes the tables take.
func (t *tables) size() int {
	return 8*cap(t.segments) + 24*cap(t.nodes) + 64*len(t.names) + 32*cap(t.scopes) + t.lines.size()
}

// functionName returns the name of a node's function.
func (t *Table) functionName(n *node) string {
	offset := n.function
	for range maxReferences {
		u := t.unitAt(offset) // often the node's, but not with link-time optimisation
		if u == nil {
			return ""
		}
		t.parse(u)
		d, ok := u.names[offset]
		if !ok {
			return ""
		}
		if len(d.name) != 0 {
			return u.qualified(d)
		}
		offset = d.origin
	}
	return ""
}

// qualified returns a name with those of its scopes.
func (u *unit) qualified(d declared) string {
	name := string(d.name)
	for at := d.scope; at >= 0 && len(name) < maxName; at = u.scopes[at].parent {
		if s := u.scopes[at].name; len(s) != 0 {
			name = string(s) + "::" + name
		}
	}
	return name[:min(len(name), maxName)]
}
