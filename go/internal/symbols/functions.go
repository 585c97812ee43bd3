package symbols

import (
	"debug/dwarf"
	"math"
)

// parseFunctions reads the entries of a unit: its functions, what was inlined into them, and their
// names.
func (t *Table) parseFunctions(u *unit) {
	p := &functionParser{
		entries: entries{
			cursor: cursor{data: t.sections.info[:u.end], at: int(u.entries)}, table: t, unit: u,
		},
		abbreviations: t.abbreviations(u.abbrevs),
	}
	u.names = make(map[uint32]declared)
	open := []surrounding{{scope: -1, node: -1}}
	for p.left() > 0 {
		offset := uint32(p.at)
		code := p.uleb()
		if code == 0 {
			if open = open[:len(open)-1]; len(open) <= 1 {
				break
			}
			continue
		}
		a, ok := p.abbreviations.find(code)
		if !ok || len(open) > maxDepth || p.full() {
			break
		}
		inside := open[len(open)-1]
		if inside, ok = p.entry(offset, a, inside); !ok {
			break
		}
		if a.children {
			open = append(open, inside)
		} else if len(open) == 1 {
			break // a root without children
		}
	}
	u.segments = flatten(p.spans)
}

// surrounding is what an entry is in.
type surrounding struct {
	scope, node int32 // indices, or -1
	depth       int32 // of nodes
}

type functionParser struct {
	entries
	abbreviations *abbreviations
	spans         []span
	ranges        [][2]uint32 // reused
}

// full reports whether there are as many functions or scopes as a unit may have.
func (p *functionParser) full() bool {
	u := p.unit
	return max(len(u.names), len(u.nodes), len(u.scopes)) >= maxItems || len(p.spans) >= maxSpans
}

// entry reads an entry, and returns what its children are in.
func (p *functionParser) entry(offset uint32, a *abbreviation, in surrounding) (surrounding, bool) {
	switch a.tag {
	case dwarf.TagSubprogram, dwarf.TagInlinedSubroutine:
		e, ok := p.read(a)
		if !ok {
			return in, false
		}
		return p.function(offset, &e, in), true
	case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType,
		dwarf.TagUnionType, dwarf.TagEnumerationType, dwarf.TagInterfaceType:
		e, ok := p.read(a)
		if !ok {
			return in, false
		}
		if a.children {
			p.unit.scopes = append(p.unit.scopes, scope{p.table.string(p.unit, e.name), in.scope})
			in.scope = int32(len(p.unit.scopes) - 1)
		}
		return in, true
	}
	return in, p.pass(a)
}

func (p *functionParser) function(offset uint32, e *entry, in surrounding) surrounding {
	t, u := p.table, p.unit
	if e.tag == dwarf.TagSubprogram {
		d := declared{name: t.string(u, e.name), scope: in.scope}
		for _, v := range []value{e.origin, e.specification} {
			if v.class == reference && v.number <= math.MaxUint32 && d.origin == 0 {
				d.origin = uint32(v.number)
			}
		}
		if len(d.name) == 0 && d.origin == 0 {
			d.name = t.string(u, e.linkageName)
			d.scope = -1
		}
		if len(d.name) > 0 || d.origin != 0 {
			u.names[offset] = d
		}
	}
	n := node{function: offset, parent: -1}
	if e.tag == dwarf.TagInlinedSubroutine {
		if in.node < 0 || e.origin.class != reference || e.origin.number > math.MaxUint32 {
			return in
		}
		n.function, n.parent, n.inlined = uint32(e.origin.number), in.node, true
		n.callFile, n.callLine, n.callColumn = small(e.callFile), small(e.callLine), small(e.callColumn)
	}
	p.ranges = t.entryRanges(u, e, p.ranges[:0])
	inside := surrounding{scope: in.scope, node: -1, depth: in.depth + 1}
	if len(p.ranges) == 0 {
		return inside
	}
	inside.node = int32(len(u.nodes))
	u.nodes = append(u.nodes, n)
	for _, r := range p.ranges[:min(len(p.ranges), maxSpans-len(p.spans))] {
		p.spans = append(p.spans, span{r[0], r[1], inside.depth, inside.node})
	}
	return inside
}

// small returns a number of a position in the source, or 0.
func small(v value) uint32 {
	if v.class != constant || v.number > math.MaxInt32 {
		return 0
	}
	return uint32(v.number)
}
