package symbols

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strings"
)

// Opcodes of line programs (DWARF 5, section 7.22).
const (
	lineCopy           = 1
	lineAdvancePC      = 2
	lineAdvanceLine    = 3
	lineSetFile        = 4
	lineSetColumn      = 5
	lineConstAddPC     = 8
	lineFixedAdvancePC = 9

	lineEndSequence = 1
	lineSetAddress  = 2
)

// Contents of entries of directories and files (DWARF 5, section 7.22).
const (
	contentPath      = 1
	contentDirectory = 2
)

// lines says which lines of the source instructions are from.
type lines struct {
	sequences   []sequence
	rows        []row
	version     uint16
	directory   []byte // where the compiler ran
	directories [][]byte
	files       []file
}

// row begins at an address and ends where the next one begins.
type row struct{ address, line, file, column uint32 }

// sequence is a part of the rows whose addresses ascend. The last row begins where the sequence
// ends.
type sequence struct{ low, high, first, last uint32 }

type file struct {
	name      []byte
	directory uint32
}

func (l *lines) size() int {
	return 16*cap(l.sequences) + 16*cap(l.rows) + 24*cap(l.directories) + 32*cap(l.files)
}

// find returns what is known of an address.
func (l *lines) find(address uint32) (file, line, column uint32, known bool) {
	at, _ := slices.BinarySearchFunc(l.sequences, address, func(s sequence, address uint32) int {
		if s.high <= address {
			return -1
		}
		return 1
	})
	if at == len(l.sequences) || address < l.sequences[at].low {
		return 0, 0, 0, false
	}
	s := l.sequences[at]
	rows := l.rows[s.first:s.last]
	next, _ := slices.BinarySearchFunc(rows, address, func(r row, address uint32) int {
		if r.address <= address {
			return -1
		}
		return 1
	})
	if next == 0 {
		return 0, 0, 0, false
	}
	r := rows[next-1]
	return r.file, r.line, r.column, true
}

// path returns the path of a file.
func (l *lines) path(index uint32) string {
	if l.version < 5 {
		if index == 0 {
			return ""
		}
		index-- // files are counted from 1, and directory 0 is where the compiler ran
	}
	if uint64(index) >= uint64(len(l.files)) || len(l.files[index].name) == 0 {
		return ""
	}
	f := l.files[index]
	name, directory := string(f.name), ""
	if at := uint64(f.directory); l.version < 5 && at > 0 && at <= uint64(len(l.directories)) {
		directory = string(l.directories[at-1])
	} else if l.version >= 5 && at < uint64(len(l.directories)) {
		directory = string(l.directories[at])
	}
	name = join(join(string(l.directory), directory), name)
	if strings.Contains(name, `\`) {
		return name
	}
	return path.Clean(name)
}

// absolute reports whether a path begins at the root of a file system, of Windows too.
func absolute(path string) bool {
	return len(path) > 0 && (path[0] == '/' || path[0] == '\\') ||
		len(path) > 2 && path[1] == ':' && (path[2] == '/' || path[2] == '\\')
}

// join returns the path of a name that may be relative to a directory.
func join(directory, name string) string {
	if directory == "" || absolute(name) {
		return name
	}
	if name == "" {
		return directory
	}
	if last := directory[len(directory)-1]; last == '/' || last == '\\' {
		return directory + name
	}
	return directory + "/" + name
}

// parseLines reads the line program of a unit.
func (t *Table) parseLines(u *unit) {
	if u.lineProgram.class != constant {
		return
	}
	p := lineParser{table: t, unit: u, lines: &u.lines}
	p.cursor = cursorAt(t.sections.line, u.lineProgram.number)
	u.lines.directory = t.string(u, u.directory)
	if p.header() {
		p.program()
	}
	u.lines.sort()
}

// sort orders the sequences. Of those that overlap, the one that begins first stays.
func (l *lines) sort() {
	slices.SortStableFunc(l.sequences, func(a, b sequence) int { return cmp.Compare(a.low, b.low) })
	end := uint32(0)
	l.sequences = slices.DeleteFunc(l.sequences, func(s sequence) bool {
		overlaps := s.low < end
		if !overlaps {
			end = s.high
		}
		return overlaps
	})
}

type lineParser struct {
	cursor
	table *Table
	unit  *unit
	lines *lines

	wide           bool
	addressSize    int
	minInstruction uint64
	lineBase       int64
	lineRange      uint64
	opcodeBase     uint8
	lengths        []byte // how many operands the standard opcodes have
}

// header reads up to the program, and reports whether there is one.
func (p *lineParser) header() bool {
	start := p.at
	length, wide := p.length()
	if length > uint64(p.left()) || p.failed {
		return false
	}
	p.wide, p.data = wide, p.data[:p.at+int(length)]
	p.lines.version = p.u16()
	p.addressSize = int(p.unit.addressSize)
	if p.lines.version < 2 || p.lines.version > 5 {
		return false
	}
	if p.lines.version == 5 {
		p.addressSize = int(p.u8())
		p.u8() // the size of segment selectors
	}
	headerLength := p.offset(p.wide)
	if headerLength > uint64(p.left()) {
		return false
	}
	program := p.at + int(headerLength)
	p.minInstruction = uint64(p.u8())
	if p.lines.version >= 4 {
		p.u8() // operations of an instruction
	}
	p.u8() // whether rows begin statements
	p.lineBase, p.lineRange, p.opcodeBase = int64(int8(p.u8())), uint64(p.u8()), p.u8()
	if p.opcodeBase > 0 {
		p.lengths = p.take(uint64(p.opcodeBase) - 1)
	}
	if p.failed || p.lineRange == 0 || p.opcodeBase == 0 || p.addressSize != 4 && p.addressSize != 8 {
		return false
	}
	if p.lines.version == 5 {
		for _, f := range p.listed() {
			p.lines.directories = append(p.lines.directories, f.name)
		}
		p.lines.files = p.listed()
	} else {
		p.listedBefore5()
	}
	if p.failed || !p.table.step(p.at-start) {
		return false
	}
	p.at = program
	return true
}

// listedBefore5 reads the directories and files of versions 2 to 4.
func (p *lineParser) listedBefore5() {
	for name := p.text(); len(name) > 0 && len(p.lines.directories) < maxItems; name = p.text() {
		p.lines.directories = append(p.lines.directories, name[:min(len(name), maxName)])
	}
	for name := p.text(); len(name) > 0 && len(p.lines.files) < maxItems; name = p.text() {
		f := file{name: name[:min(len(name), maxName)], directory: uint32(min(p.uleb(), math.MaxUint32))}
		p.uleb() // when it was changed
		p.uleb() // its size
		p.lines.files = append(p.lines.files, f)
	}
}

// listed reads a list of directories or files of version 5.
func (p *lineParser) listed() []file {
	type field struct {
		content uint64
		form    form
	}
	formats := make([]field, p.u8())
	for i := range formats {
		formats[i] = field{p.uleb(), form(p.uleb())}
	}
	// The strings of a line program's header have its own format. The width of offsets is all that
	// is looked at of the unit.
	as := unit{wide: p.wide, addressSize: p.unit.addressSize, strOffsetsBase: p.unit.strOffsetsBase}
	var files []file
	for range p.uleb() {
		before := p.at
		var f file
		for _, field := range formats {
			v := p.value(field.form, &as)
			switch {
			case field.content == contentPath:
				f.name = p.table.string(&as, v)
			case field.content == contentDirectory && v.class == constant:
				f.directory = uint32(min(v.number, math.MaxUint32))
			}
		}
		// Entries that take no bytes could be repeated at no cost.
		if p.failed || p.at == before || len(files) == maxItems ||
			!p.table.step(p.at-before+len(formats)) {
			p.fail()
			return nil
		}
		files = append(files, f)
	}
	return files
}

// program runs the line program.
func (p *lineParser) program() {
	current := row{file: 1, line: 1}
	var address, line = uint64(0), int64(1)
	first := len(p.lines.rows)
	ascending := true
	emit := func() {
		r := current
		r.address, r.line = uint32(min(address, math.MaxUint32)), uint32(max(0, min(line, math.MaxInt32)))
		if n := len(p.lines.rows); n > first && p.lines.rows[n-1].address > r.address {
			ascending = false
		}
		p.lines.rows = append(p.lines.rows, r)
	}
	for p.left() > 0 && len(p.lines.rows) < maxRows {
		start := p.at
		switch opcode := p.u8(); {
		case opcode >= p.opcodeBase:
			adjusted := uint64(opcode - p.opcodeBase)
			address += adjusted / p.lineRange * p.minInstruction
			line += p.lineBase + int64(adjusted%p.lineRange)
			emit()
		case opcode == 0:
			n := p.uleb()
			end := p.at + int(min(n, uint64(p.left())))
			switch kind := p.u8(); {
			case kind == lineSetAddress && (n == 5 || n == 9):
				address = p.unsigned(int(n) - 1)
			case kind == lineEndSequence:
				emit()
				p.endSequence(first, ascending)
				current, address, line = row{file: 1, line: 1}, 0, 1
				first, ascending = len(p.lines.rows), true
			}
			p.at = max(end, start+1)
		case opcode == lineCopy:
			emit()
		case opcode == lineAdvancePC:
			address += p.uleb() * p.minInstruction
		case opcode == lineAdvanceLine:
			line += p.sleb()
		case opcode == lineSetFile:
			current.file = uint32(min(p.uleb(), math.MaxUint32))
		case opcode == lineSetColumn:
			current.column = uint32(min(p.uleb(), math.MaxInt32))
		case opcode == lineConstAddPC:
			address += uint64(255-p.opcodeBase) / p.lineRange * p.minInstruction
		case opcode == lineFixedAdvancePC:
			address += uint64(p.u16())
		default:
			for range p.lengths[opcode-1] {
				p.uleb()
			}
		}
		if p.failed || !p.table.step(p.at-start) {
			break
		}
	}
	p.lines.rows = slices.Clip(p.lines.rows[:first]) // what follows has no end
}

// endSequence keeps the rows from first on, unless they are damaged or of a function that the
// linker has removed.
func (p *lineParser) endSequence(first int, ascending bool) {
	rows := p.lines.rows[first:]
	low, high := rows[0].address, rows[len(rows)-1].address
	if !ascending || low == 0 || low >= high || high >= tombstone {
		p.lines.rows = p.lines.rows[:first]
		return
	}
	last := uint32(len(p.lines.rows) - 1)
	p.lines.sequences = append(p.lines.sequences, sequence{low, high, uint32(first), last})
}
