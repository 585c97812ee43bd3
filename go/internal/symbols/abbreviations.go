package symbols

import "debug/dwarf"

// abbreviation describes the attributes of entries.
type abbreviation struct {
	tag        dwarf.Tag
	children   bool
	attributes []attribute
}

type attribute struct {
	name     dwarf.Attr
	form     form
	constant int64 // the value of formImplicitConst
}

// abbreviations are those of a unit. Most compilers number them from 1.
type abbreviations struct {
	numbered []abbreviation
	others   map[uint64]abbreviation
}

func (a *abbreviations) find(code uint64) (*abbreviation, bool) {
	if code-1 < uint64(len(a.numbered)) {
		return &a.numbered[code-1], true
	}
	found, ok := a.others[code]
	return &found, ok
}

// abbreviation returns one of the abbreviations at an offset in .debug_abbrev.
func (t *Table) abbreviation(offset, code uint64) (abbreviation, bool) {
	c := cursorAt(t.sections.abbrev, offset)
	for {
		found, has := t.readAbbreviation(&c)
		if found == 0 || found == code {
			return has, found != 0
		}
	}
}

// abbreviations returns those at an offset in .debug_abbrev.
func (t *Table) abbreviations(offset uint64) *abbreviations {
	all := &abbreviations{}
	c := cursorAt(t.sections.abbrev, offset)
	for items := 0; ; {
		code, a := t.readAbbreviation(&c)
		items += 1 + len(a.attributes)
		switch {
		case code == 0 || items > maxItems:
			return all
		case code == uint64(len(all.numbered))+1:
			all.numbered = append(all.numbered, a)
		default:
			if all.others == nil {
				all.others = make(map[uint64]abbreviation)
			}
			all.others[code] = a
		}
	}
}

// readAbbreviation reads an abbreviation with its code, which is 0 at the end.
func (t *Table) readAbbreviation(c *cursor) (uint64, abbreviation) {
	start := c.at
	code := c.uleb()
	if code == 0 {
		return 0, abbreviation{}
	}
	a := abbreviation{tag: dwarf.Tag(c.uleb()), children: c.u8() != 0}
	for {
		next := attribute{name: dwarf.Attr(c.uleb()), form: form(c.uleb())}
		if next.form == formImplicitConst {
			next.constant = c.sleb()
		}
		if next.name == 0 && next.form == 0 || len(a.attributes) > maxAttributes {
			break
		}
		a.attributes = append(a.attributes, next)
	}
	if !t.step(c.at-start) || c.failed || len(a.attributes) > maxAttributes {
		return 0, abbreviation{}
	}
	return code, a
}
