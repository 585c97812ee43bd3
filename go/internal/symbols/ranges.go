package symbols

// Kinds of entries of .debug_rnglists (DWARF 5, section 7.25).
const (
	rangeEndOfList    = 0
	rangeBaseAddressx = 1
	rangeStartxEndx   = 2
	rangeStartxLength = 3
	rangeOffsetPair   = 4
	rangeBaseAddress  = 5
	rangeStartEnd     = 6
	rangeStartLength  = 7
)

// entryRanges appends the addresses of an entry's code to ranges.
func (t *Table) entryRanges(u *unit, e *entry, ranges [][2]uint32) [][2]uint32 {
	if low, ok := t.address(u, e.low); ok && e.high.class != none {
		high, ok := t.address(u, e.high)
		if !ok { // since DWARF 4 it may be a size
			high = low + e.high.number
		}
		return appendRange(ranges, low, high)
	}
	if e.ranges.class == none {
		return ranges
	}
	if u.version >= 5 {
		return t.listedRanges(u, e.ranges, ranges)
	}
	c := cursorAt(t.sections.ranges, e.ranges.number)
	base, largest := u.low, uint64(1)<<(8*u.addressSize)-1
	for t.step(2 * int(u.addressSize)) {
		low, high := c.unsigned(int(u.addressSize)), c.unsigned(int(u.addressSize))
		switch {
		case c.failed || low == 0 && high == 0:
			return ranges
		case low == largest:
			base = high
		default:
			ranges = appendPair(ranges, base, low, high)
		}
	}
	return ranges
}

// listedRanges does so for a list in .debug_rnglists.
func (t *Table) listedRanges(u *unit, v value, ranges [][2]uint32) [][2]uint32 {
	offset := v.number
	if v.class == listAt {
		c := indexed(t.sections.rngLists, u.rangesBase, v.number, u.offsetSize())
		offset = u.rangesBase + c.offset(u.wide)
		if c.failed {
			return ranges
		}
	}
	c := cursorAt(t.sections.rngLists, offset)
	base, size := u.low, int(u.addressSize)
	known := true
	indexedAddress := func() uint64 {
		number, ok := t.addressAt(u, c.uleb())
		known = known && ok
		return number
	}
	for start := c.at; ; start = c.at {
		var low, high uint64
		switch c.u8() {
		case rangeBaseAddressx:
			base = indexedAddress()
		case rangeStartxEndx:
			low = indexedAddress()
			high = indexedAddress()
		case rangeStartxLength:
			low = indexedAddress()
			high = low + c.uleb()
		case rangeOffsetPair:
			first, second := c.uleb(), c.uleb()
			ranges = appendPair(ranges, base, first, second)
		case rangeBaseAddress:
			base = c.unsigned(size)
		case rangeStartEnd:
			low, high = c.unsigned(size), c.unsigned(size)
		case rangeStartLength:
			low = c.unsigned(size)
			high = low + c.uleb()
		default: // rangeEndOfList, or what is unknown
			return ranges
		}
		if !t.step(c.at-start) || c.failed || !known {
			return ranges
		}
		ranges = appendRange(ranges, low, high)
	}
}

// appendPair appends a range that is relative to a base, unless the linker has removed it.
func appendPair(ranges [][2]uint32, base, low, high uint64) [][2]uint32 {
	if base >= tombstone || low >= tombstone {
		return ranges
	}
	return appendRange(ranges, base+low, base+high)
}

// appendRange appends a range that has addresses. None begins at 0: the contents of the code
// section begin with the number of functions, and linkers write 0 where a function was removed.
func appendRange(ranges [][2]uint32, low, high uint64) [][2]uint32 {
	if low == 0 || low >= high || high >= tombstone || len(ranges) == maxUnitRanges {
		return ranges
	}
	return append(ranges, [2]uint32{uint32(low), uint32(high)})
}
