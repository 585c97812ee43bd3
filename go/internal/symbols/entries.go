package symbols

import "debug/dwarf"

// form is how a value is encoded (DWARF 5, section 7.5.6).
type form uint16

const (
	formAddr          form = 0x01
	formBlock2        form = 0x03
	formBlock4        form = 0x04
	formData2         form = 0x05
	formData4         form = 0x06
	formData8         form = 0x07
	formString        form = 0x08
	formBlock         form = 0x09
	formBlock1        form = 0x0a
	formData1         form = 0x0b
	formFlag          form = 0x0c
	formSdata         form = 0x0d
	formStrp          form = 0x0e
	formUdata         form = 0x0f
	formRefAddr       form = 0x10
	formRef1          form = 0x11
	formRef2          form = 0x12
	formRef4          form = 0x13
	formRef8          form = 0x14
	formRefUdata      form = 0x15
	formIndirect      form = 0x16
	formSecOffset     form = 0x17
	formExprloc       form = 0x18
	formFlagPresent   form = 0x19
	formStrx          form = 0x1a
	formAddrx         form = 0x1b
	formRefSup4       form = 0x1c
	formStrpSup       form = 0x1d
	formData16        form = 0x1e
	formLineStrp      form = 0x1f
	formRefSig8       form = 0x20
	formImplicitConst form = 0x21
	formLoclistx      form = 0x22
	formRnglistx      form = 0x23
	formRefSup8       form = 0x24
	formStrx1         form = 0x25
	formStrx2         form = 0x26
	formStrx3         form = 0x27
	formStrx4         form = 0x28
	formAddrx1        form = 0x29
	formAddrx2        form = 0x2a
	formAddrx3        form = 0x2b
	formAddrx4        form = 0x2c
)

// class is what a value means.
type class uint8

const (
	none      class = iota
	constant        // number is the value, or an offset in a section that the attribute tells
	address         // number is an address
	addressAt       // number is an index into .debug_addr
	listAt          // number is an index into the offsets of .debug_rnglists
	text            // bytes is the text
	stringAt        // number is an offset in .debug_str
	lineAt          // number is an offset in .debug_line_str
	offsetAt        // number is an index into .debug_str_offsets
	reference       // number is an offset in .debug_info
	other           // nothing that is needed
)

// value is the value of an attribute.
type value struct {
	class  class
	number uint64
	bytes  []byte
}

// value reads a value. The cursor has failed if the form is unknown.
func (c *cursor) value(f form, u *unit) value {
	if f == formIndirect {
		f = form(c.uleb())
	}
	switch f {
	case formAddr:
		return value{class: address, number: c.unsigned(int(u.addressSize))}
	case formAddrx:
		return value{class: addressAt, number: c.uleb()}
	case formAddrx1, formAddrx2, formAddrx3, formAddrx4:
		return value{class: addressAt, number: c.unsigned(int(f-formAddrx1) + 1)}
	case formData1:
		return value{class: constant, number: uint64(c.u8())}
	case formData2:
		return value{class: constant, number: uint64(c.u16())}
	case formData4:
		return value{class: constant, number: uint64(c.u32())}
	case formData8:
		return value{class: constant, number: c.u64()}
	case formUdata:
		return value{class: constant, number: c.uleb()}
	case formSdata:
		return value{class: constant, number: uint64(c.sleb())}
	case formSecOffset:
		return value{class: constant, number: c.offset(u.wide)}
	case formRnglistx:
		return value{class: listAt, number: c.uleb()}
	case formRef1, formRef2, formRef4, formRef8, formRefUdata, formRefAddr:
		return c.reference(f, u)
	case formString, formStrp, formLineStrp, formStrx, formStrx1, formStrx2, formStrx3, formStrx4:
		return c.stringValue(f, u.wide)
	}
	c.skip(f, u)
	return value{class: other}
}

func (c *cursor) reference(f form, u *unit) value {
	var number uint64
	switch f {
	case formRef1:
		number = uint64(c.u8())
	case formRef2:
		number = uint64(c.u16())
	case formRef4:
		number = uint64(c.u32())
	case formRef8:
		number = c.u64()
	case formRefUdata:
		number = c.uleb()
	case formRefAddr:
		if u.version == 2 {
			return value{class: reference, number: c.unsigned(int(u.addressSize))}
		}
		return value{class: reference, number: c.offset(u.wide)}
	}
	return value{class: reference, number: number + uint64(u.start)}
}

func (c *cursor) stringValue(f form, wide bool) value {
	switch f {
	case formString:
		bytes := c.text()
		return value{class: text, bytes: bytes[:min(len(bytes), maxName)]}
	case formStrp:
		return value{class: stringAt, number: c.offset(wide)}
	case formLineStrp:
		return value{class: lineAt, number: c.offset(wide)}
	case formStrx:
		return value{class: offsetAt, number: c.uleb()}
	}
	return value{class: offsetAt, number: c.unsigned(int(f-formStrx1) + 1)}
}

// skip passes over a value that is not needed.
func (c *cursor) skip(f form, u *unit) {
	switch f {
	case formBlock1:
		c.take(uint64(c.u8()))
	case formBlock2:
		c.take(uint64(c.u16()))
	case formBlock4:
		c.take(uint64(c.u32()))
	case formBlock, formExprloc:
		c.take(c.uleb())
	case formFlag:
		c.u8()
	case formFlagPresent, formImplicitConst:
	case formRefSup4:
		c.u32()
	case formRefSup8, formRefSig8:
		c.u64()
	case formStrpSup:
		c.offset(u.wide)
	case formData16:
		c.take(16)
	case formLoclistx:
		c.uleb()
	default:
		c.fail()
	}
}

// entry is what is wanted of an entry of .debug_info.
type entry struct {
	tag                                  dwarf.Tag
	name, linkageName                    value
	low, high, ranges                    value
	origin, specification                value
	callFile, callLine, callColumn       value
	strOffsetsBase, addrBase, rangesBase value
	directory, lineProgram               value
}

// field returns where the value of an attribute belongs, or nil.
func (e *entry) field(name dwarf.Attr) *value {
	switch name {
	case dwarf.AttrName:
		return &e.name
	case dwarf.AttrLinkageName:
		return &e.linkageName
	case dwarf.AttrLowpc:
		return &e.low
	case dwarf.AttrHighpc:
		return &e.high
	case dwarf.AttrRanges:
		return &e.ranges
	case dwarf.AttrAbstractOrigin:
		return &e.origin
	case dwarf.AttrSpecification:
		return &e.specification
	case dwarf.AttrCallFile:
		return &e.callFile
	case dwarf.AttrCallLine:
		return &e.callLine
	case dwarf.AttrCallColumn:
		return &e.callColumn
	case dwarf.AttrStrOffsetsBase:
		return &e.strOffsetsBase
	case dwarf.AttrAddrBase:
		return &e.addrBase
	case dwarf.AttrRnglistsBase:
		return &e.rangesBase
	case dwarf.AttrCompDir:
		return &e.directory
	case dwarf.AttrStmtList:
		return &e.lineProgram
	}
	return nil
}

// entries reads the entries of a unit.
type entries struct {
	cursor
	table *Table
	unit  *unit
}

// read reads the attributes of an entry after its code.
func (r *entries) read(a *abbreviation) (entry, bool) {
	e := entry{tag: a.tag}
	start := r.at
	for i := range a.attributes {
		attribute := &a.attributes[i]
		v := value{class: constant, number: uint64(attribute.constant)}
		if attribute.form != formImplicitConst {
			v = r.value(attribute.form, r.unit)
		}
		if field := e.field(attribute.name); field != nil {
			*field = v
		}
	}
	return e, r.charge(start, a)
}

// pass is read where nothing is wanted of the entry.
func (r *entries) pass(a *abbreviation) bool {
	start := r.at
	for i := range a.attributes {
		r.value(a.attributes[i].form, r.unit)
	}
	return r.charge(start, a)
}

func (r *entries) charge(start int, a *abbreviation) bool {
	return r.table.step(1+len(a.attributes)+r.at-start) && !r.failed
}

// string returns the bytes of a text.
func (t *Table) string(u *unit, v value) []byte {
	switch v.class {
	case text:
		return v.bytes
	case stringAt:
		return textAt(t.sections.str, v.number)
	case lineAt:
		return textAt(t.sections.lineStr, v.number)
	case offsetAt:
		c := indexed(t.sections.strOffsets, u.strOffsetsBase, v.number, u.offsetSize())
		if offset := c.offset(u.wide); !c.failed {
			return textAt(t.sections.str, offset)
		}
	}
	return nil
}

// address returns an address.
func (t *Table) address(u *unit, v value) (uint64, bool) {
	switch v.class {
	case address:
		return v.number, true
	case addressAt:
		return t.addressAt(u, v.number)
	}
	return 0, false
}

// addressAt returns an address of .debug_addr.
func (t *Table) addressAt(u *unit, index uint64) (uint64, bool) {
	c := indexed(t.sections.addr, u.addrBase, index, uint64(u.addressSize))
	number := c.unsigned(int(u.addressSize))
	return number, !c.failed
}

func (u *unit) offsetSize() uint64 {
	if u.wide {
		return 8
	}
	return 4
}

// indexed returns a cursor at an element of an array in a section.
func indexed(section []byte, base, index, size uint64) cursor {
	if base > uint64(len(section)) || index > uint64(len(section))/size {
		return cursor{failed: true}
	}
	return cursorAt(section, base+index*size)
}
