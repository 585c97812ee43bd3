//go:build linux && (amd64 || arm64)

package image

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"unsafe"
)

// This file finds out what the image is told when it starts: where the stacks are, what the
// processor has, and where the kernel's vDSO reads the clock. The vDSO is an ELF file that the
// kernel maps into each process; it is read with the same care as any other.

// Entries of the auxiliary vector, which the kernel passes to each process.
const (
	auxHwcap  = 16
	auxHwcap2 = 26
	auxVDSO   = 33
)

// runtimeGetAuxv is on the list of names that Go keeps reachable (go.dev/issue/67401), as
// golang.org/x/sys/cpu needs it.
//
//go:linkname runtimeGetAuxv runtime.getAuxv
func runtimeGetAuxv() []uintptr

// auxiliary returns an entry of the auxiliary vector, 0 where there is none.
func auxiliary(tag uintptr) uintptr {
	for vector := runtimeGetAuxv(); len(vector) >= 2; vector = vector[2:] {
		if vector[0] == tag {
			return vector[1]
		}
	}
	return 0
}

// findStartParameters returns what the image's start function is told.
func findStartParameters() startParameters {
	low := uintptr(stacks.base)
	return startParameters{
		stacks:       [2]uintptr{low, low + uintptr(stacks.count)*stackSize},
		clock:        vdsoClock(auxiliary(auxVDSO)),
		capabilities: [2]uint64{uint64(auxiliary(auxHwcap)), uint64(auxiliary(auxHwcap2))},
		text:         [2]uintptr{engineCode.low, engineCode.high},
	}
}

// vdsoClock returns the address of clock_gettime in the vDSO that begins at base, 0 where there is
// none.
func vdsoClock(base uintptr) uintptr {
	if base == 0 {
		return 0
	}
	// The headers are in the first page, and say how much there is.
	const least = 4096
	size := vdsoSize(unsafe.Slice((*byte)(pointer(base)), least))
	if size == 0 {
		return 0
	}
	offset := vdsoFunction(unsafe.Slice((*byte)(pointer(base)), size), vdsoClockName())
	if offset == 0 {
		return 0
	}
	return base + uintptr(offset)
}

// vdsoClockName is what the architecture's vDSO calls clock_gettime.
func vdsoClockName() string {
	if runtime.GOARCH == "arm64" {
		return "__kernel_clock_gettime"
	}
	return "__vdso_clock_gettime"
}

// vdsoSize returns how many bytes of the vDSO are mapped from its beginning on, 0 where it is not
// as expected: the whole file, mapped at its beginning.
func vdsoSize(page []byte) uint64 {
	const most = 1 << 20
	headers, err := programHeaders(page)
	if err != nil {
		return 0
	}
	for _, h := range headers {
		if h.kind == ptLoad && h.offset == 0 && h.fileSize <= most {
			return h.fileSize
		}
	}
	return 0
}

// vdsoFunction returns the offset of a function that the vDSO exports, 0 where there is none. The
// addresses in the file count from 0, or, as qemu writes it, they are those in memory: what the
// file's beginning is said to have is subtracted.
func vdsoFunction(file []byte, name string) uint64 {
	le := binary.LittleEndian
	headers, err := programHeaders(file)
	if err != nil {
		return 0
	}
	values := map[uint64]uint64{}
	var begin uint64
	for _, h := range headers {
		if h.kind == ptLoad && h.offset == 0 {
			begin = h.address
		}
		if h.kind != ptDynamic {
			continue
		}
		section, err := part(file, h.offset, h.fileSize)
		for ; err == nil && len(section) >= 16 && le.Uint64(section) != 0; section = section[16:] {
			values[le.Uint64(section)] = le.Uint64(section[8:])
		}
	}
	for _, tag := range []uint64{dtStrings, dtSymbols, dtHash, dtGNU} {
		if address, ok := values[tag]; ok {
			values[tag] = address - begin
		}
	}
	names, err := part(file, values[dtStrings], values[dtStringsSize])
	if err != nil {
		return 0
	}
	const entry = 24 // name, info, other, section, value, size
	count := symbolCount(file, values)
	symbols, err := part(file, values[dtSymbols], count*entry)
	if err != nil {
		return 0
	}
	wanted := append([]byte(name), 0)
	for ; len(symbols) >= entry; symbols = symbols[entry:] {
		const function, undefined = 2, 0
		at := uint64(le.Uint32(symbols))
		if symbols[4]&15 != function || le.Uint16(symbols[6:]) == undefined || at > uint64(len(names)) ||
			!bytes.HasPrefix(names[at:], wanted) {
			continue
		}
		if value := le.Uint64(symbols[8:]) - begin; value < uint64(len(file)) {
			return value
		}
	}
	return 0
}

// symbolCount returns how many symbols there are, which one of two kinds of hash table tells.
func symbolCount(file []byte, values map[uint64]uint64) uint64 {
	le := binary.LittleEndian
	if at, ok := values[dtHash]; ok {
		if table, err := part(file, at, 8); err == nil {
			return uint64(le.Uint32(table[4:]))
		}
		return 0
	}
	at, ok := values[dtGNU]
	if !ok {
		return 0
	}
	header, err := part(file, at, 16)
	if err != nil {
		return 0
	}
	buckets, first, filter := uint64(le.Uint32(header)), uint64(le.Uint32(header[4:])), uint64(le.Uint32(header[8:]))
	at += 16 + 8*filter
	table, err := part(file, at, 4*buckets)
	if err != nil {
		return 0
	}
	var last uint64
	for ; len(table) >= 4; table = table[4:] {
		last = max(last, uint64(le.Uint32(table)))
	}
	if last < first {
		return first // the table is empty: what comes before it is not in it
	}
	// The chain of the last bucket ends with an odd number.
	for at += 4 * buckets; ; last++ {
		word, err := part(file, at+4*(last-first), 4)
		if err != nil {
			return 0
		}
		if le.Uint32(word)&1 != 0 {
			return last + 1
		}
	}
}
