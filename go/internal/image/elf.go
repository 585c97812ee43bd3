//go:build linux && (amd64 || arm64)

package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"syscall"
)

// This file reads the image: a static position-independent ELF file. Everything that it says is
// checked against its length and against maxSpan before it is used, so that a damaged file is an
// error and nothing else.

const (
	// maxSpan bounds the address space that an image takes: several times what the engine needs.
	maxSpan = 64 << 20
	// maxAlign is the largest page of the architectures, which images are linked for.
	maxAlign = 64 << 10
	// maxSegments bounds the program headers; the linker makes about six.
	maxSegments = 32
)

// layout says how an image lies in memory. Addresses count from its base.
type layout struct {
	segments []segment
	span     uint64 // bytes from the base to the end, a multiple of the page size
	align    uint64 // what the base is a multiple of
	table    uint64 // address of the table of functions
	rela     []byte // relocations with addends
	relr     []byte // packed relocations
}

// segment is a part of an image that is mapped with one protection. Its pages are its own.
type segment struct {
	address, size uint64 // in memory
	offset        uint64 // of bytes in the file
	bytes         []byte // what it begins with; the rest is zero
	protection    int
}

// pages returns the pages that a segment lies in.
func (s *segment) pages(page uint64) (start, end uint64) {
	return s.address &^ (page - 1), (s.address + s.size + page - 1) &^ (page - 1)
}

// Kinds of program headers, tags of the dynamic section, and what else of ELF is looked at.
const (
	elfHeaderSize     = 64
	programHeaderSize = 56

	ptLoad, ptDynamic, ptInterp, ptTLS = 1, 2, 3, 7

	dtNeeded, dtRela, dtRelaSize, dtRelaEntry      = 1, 7, 8, 9
	dtInit, dtRel, dtTextRelocations, dtPLT        = 12, 17, 22, 23
	dtInitArray, dtPreinitArray                    = 25, 32
	dtRelrSize, dtRelr, dtRelrEntry, dtHash, dtGNU = 35, 36, 37, 4, 0x6ffffef5
	dtStrings, dtSymbols, dtStringsSize            = 5, 6, 10
)

// machine is what ELF calls the architecture, and relative its relocation that adds the base.
func machine() (machine uint16, relative uint32) {
	if runtime.GOARCH == "arm64" {
		return 183, 1027
	}
	return 62, 8
}

var errTruncated = errors.New("it is shorter than it says")

// part returns size bytes of a file from an offset on.
func part(file []byte, offset, size uint64) ([]byte, error) {
	if length := uint64(len(file)); offset > length || size > length-offset {
		return nil, errTruncated
	}
	return file[offset:][:size:size], nil
}

// programHeader is an entry of ELF's table of segments.
type programHeader struct {
	kind, flags                                uint32
	offset, address, fileSize, memSize, aligns uint64
}

// programHeaders reads the table of segments.
func programHeaders(file []byte) ([]programHeader, error) {
	le := binary.LittleEndian
	header, err := part(file, 0, elfHeaderSize)
	if err != nil {
		return nil, err
	}
	if string(header[:4]) != "\x7fELF" || header[4] != 2 || header[5] != 1 || header[6] != 1 {
		return nil, errors.New("it is no ELF file of 64 bits, little-endian")
	}
	if kind := le.Uint16(header[16:]); kind != 3 {
		return nil, fmt.Errorf("it is an ELF file of type %d, expected 3 (position-independent)", kind)
	}
	if got, want := le.Uint16(header[18:]), first(machine()); got != want {
		return nil, fmt.Errorf("it is for machine %d, expected %d (%s)", got, want, runtime.GOARCH)
	}
	if version := le.Uint32(header[20:]); version != 1 {
		return nil, fmt.Errorf("it is of ELF version %d, expected 1", version)
	}
	size, count := le.Uint16(header[54:]), le.Uint16(header[56:])
	if size != programHeaderSize || count > maxSegments {
		return nil, fmt.Errorf("it has %d program headers of %d bytes, expected at most %d of %d",
			count, size, maxSegments, programHeaderSize)
	}
	table, err := part(file, le.Uint64(header[32:]), uint64(count)*programHeaderSize)
	if err != nil {
		return nil, err
	}
	headers := make([]programHeader, count)
	for i := range headers {
		h := table[i*programHeaderSize:]
		headers[i] = programHeader{
			kind: le.Uint32(h), flags: le.Uint32(h[4:]),
			offset: le.Uint64(h[8:]), address: le.Uint64(h[16:]),
			fileSize: le.Uint64(h[32:]), memSize: le.Uint64(h[40:]), aligns: le.Uint64(h[48:]),
		}
	}
	return headers, nil
}

func first[A, B any](a A, _ B) A { return a }

// parse reads an image's layout. page is the size of the system's pages.
func parse(file []byte, page uint64) (*layout, error) {
	if len(file) == 0 {
		return nil, errors.New("it is empty: build it (make image)")
	}
	headers, err := programHeaders(file)
	if err != nil {
		return nil, err
	}
	l := &layout{align: page, table: binary.LittleEndian.Uint64(file[24:])}
	var dynamic *programHeader
	for i := range headers {
		switch h := &headers[i]; h.kind {
		case ptLoad:
			if err := l.add(file, h, page); err != nil {
				return nil, fmt.Errorf("segment %d: %w", len(l.segments), err)
			}
		case ptDynamic:
			dynamic = h
		case ptInterp:
			return nil, errors.New("it asks for a dynamic linker")
		case ptTLS:
			return nil, errors.New("it has thread-local storage")
		}
	}
	if l.span == 0 {
		return nil, errors.New("it has no segments")
	}
	if dynamic == nil {
		return l, nil
	}
	return l, l.readDynamic(dynamic.address, dynamic.memSize)
}

// add appends a segment.
func (l *layout) add(file []byte, h *programHeader, page uint64) error {
	switch {
	case h.memSize == 0:
		return nil
	case h.fileSize > h.memSize:
		return fmt.Errorf("%d bytes in the file, %d in memory", h.fileSize, h.memSize)
	case h.address > maxSpan || h.memSize > maxSpan-h.address:
		return fmt.Errorf("%d bytes at %#x, expected an end of at most %#x", h.memSize, h.address, maxSpan)
	case h.aligns > maxAlign || bits.OnesCount64(h.aligns) > 1:
		return fmt.Errorf("alignment %d, expected a power of two of at most %d", h.aligns, maxAlign)
	case h.flags&7 == 3 || h.flags&7 == 7:
		return errors.New("it is writable and executable")
	}
	bytes, err := part(file, h.offset, h.fileSize)
	if err != nil {
		return err
	}
	s := segment{address: h.address, size: h.memSize, offset: h.offset, bytes: bytes}
	for flag, protection := range map[uint32]int{
		1: syscall.PROT_EXEC, 2: syscall.PROT_WRITE, 4: syscall.PROT_READ,
	} {
		if h.flags&flag != 0 {
			s.protection |= protection
		}
	}
	start, end := s.pages(page)
	if len(l.segments) > 0 && start < l.span {
		return fmt.Errorf("its pages of %d bytes overlap those before it: %#x follows %#x", page, start, l.span)
	}
	l.segments = append(l.segments, s)
	l.span, l.align = end, max(l.align, h.aligns)
	return nil
}

// content returns size bytes of the file by the address that they have in memory.
func (l *layout) content(address, size uint64) ([]byte, error) {
	for _, s := range l.segments {
		if address >= s.address && address-s.address <= uint64(len(s.bytes)) {
			if b, err := part(s.bytes, address-s.address, size); err == nil {
				return b, nil
			}
		}
	}
	return nil, fmt.Errorf("%d bytes at %#x are in no segment's part of the file", size, address)
}

// readDynamic finds the relocations, and refuses what a dynamic linker would have to do besides.
func (l *layout) readDynamic(address, size uint64) error {
	section, err := l.content(address, size)
	if err != nil {
		return fmt.Errorf("dynamic section: %w", err)
	}
	values := map[uint64]uint64{}
	for ; len(section) >= 16; section = section[16:] {
		tag := binary.LittleEndian.Uint64(section)
		if tag == 0 {
			break
		}
		values[tag] = binary.LittleEndian.Uint64(section[8:])
	}
	for _, tag := range []uint64{dtNeeded, dtInit, dtRel, dtTextRelocations, dtPLT, dtInitArray, dtPreinitArray} {
		if _, ok := values[tag]; ok {
			return fmt.Errorf("it needs a dynamic linker: its dynamic section has tag %d", tag)
		}
	}
	table := func(name string, at, size, entry, entrySize uint64) ([]byte, error) {
		start, ok := values[at]
		if !ok {
			return nil, nil
		}
		if values[entry] != entrySize || values[size]%entrySize != 0 {
			return nil, fmt.Errorf("%s: %d bytes in entries of %d, expected entries of %d",
				name, values[size], values[entry], entrySize)
		}
		b, err := l.content(start, values[size])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return b, nil
	}
	if l.rela, err = table("relocations", dtRela, dtRelaSize, dtRelaEntry, 24); err != nil {
		return err
	}
	l.relr, err = table("packed relocations", dtRelr, dtRelrSize, dtRelrEntry, 8)
	return err
}

// relocate adds the base to what is relative to it. memory is the whole of the image, its segments
// are readable and writable.
func (l *layout) relocate(memory []byte, base uint64) error {
	le := binary.LittleEndian
	_, relative := machine()
	place := func(address uint64) ([]byte, error) {
		for _, s := range l.segments {
			if address >= s.address && address-s.address < s.size && s.size-(address-s.address) >= 8 {
				return memory[address:][:8], nil
			}
		}
		return nil, fmt.Errorf("a relocation of 8 bytes at %#x, which is in no segment", address)
	}
	for r := l.rela; len(r) > 0; r = r[24:] {
		if kind := le.Uint64(r[8:]); kind != uint64(relative) {
			return fmt.Errorf("a relocation of type %d, expected %d (relative) only", kind, relative)
		}
		at, err := place(le.Uint64(r))
		if err != nil {
			return err
		}
		le.PutUint64(at, base+le.Uint64(r[16:]))
	}
	add := func(address uint64) error {
		at, err := place(address)
		if err == nil {
			le.PutUint64(at, base+le.Uint64(at))
		}
		return err
	}
	// Each even word is an address. An odd one has a bit for each of the 63 words that follow what
	// was described before.
	var next uint64
	for r := l.relr; len(r) > 0; r = r[8:] {
		word := le.Uint64(r)
		if word&1 == 0 {
			if err := add(word); err != nil {
				return err
			}
			next = word + 8
			continue
		}
		for set := word >> 1; set != 0; set &= set - 1 {
			if err := add(next + 8*uint64(bits.TrailingZeros64(set))); err != nil {
				return err
			}
		}
		next += 63 * 8
	}
	return nil
}
