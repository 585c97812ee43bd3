//go:build linux && (amd64 || arm64)

package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// The parts of the image that tests make: code, then data that is only read, then data.
const (
	testCode  = 0x1000
	testRead  = 0x20000
	testData  = 0x30000
	testABI   = 5
	testCount = 3
)

// testELF makes a small image: two segments of data with relocations of both kinds, and one of
// code.
func testELF() []byte {
	le := binary.LittleEndian
	kind, relative := machine()
	words := func(words ...uint64) (b []byte) {
		for _, w := range words {
			b = le.AppendUint64(b, w)
		}
		return b
	}
	// The first function is relocated with an addend, the others in place.
	table := words(tableMagic, testABI, headSize, stackSize, 0)
	for i := range uint64(9) {
		table = append(table, words(testCode+1+i)...)
	}
	table = append(table, words(testCount, testCode+10, testCode+11, testCode+12)...)
	rela := words(testData+32, uint64(relative), testCode)
	// Bit n of the second word is the n-th word behind the first one: all but the count.
	relr := words(testData+40, 1|0xff<<1|7<<10)
	dynamicAt := uint64(testRead)
	dynamic := words(dtRela, testRead+0x100, dtRelaSize, uint64(len(rela)), dtRelaEntry, 24,
		dtRelr, testRead+0x180, dtRelrSize, uint64(len(relr)), dtRelrEntry, 8, 0, 0)
	read := make([]byte, 0x200)
	copy(read, dynamic)
	copy(read[0x100:], rela)
	copy(read[0x180:], relr)
	code := bytes.Repeat([]byte{0xcc}, 0x100)

	header := func(kind, flags uint32, offset, address, fileSize, memSize, align uint64) (b []byte) {
		b = le.AppendUint32(b, kind)
		b = le.AppendUint32(b, flags)
		return append(b, words(offset, address, address, fileSize, memSize, align)...)
	}
	const headers, offset = 5, 0x200
	readAt, dataAt := uint64(offset+len(code)), uint64(offset+len(code)+len(read))
	file := []byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	file = le.AppendUint16(file, 3)
	file = le.AppendUint16(file, kind)
	file = le.AppendUint32(file, 1)
	file = append(file, words(testData, elfHeaderSize, 0)...)
	file = le.AppendUint32(file, 0)
	for _, field := range []uint16{elfHeaderSize, programHeaderSize, headers, 0, 0, 0} {
		file = le.AppendUint16(file, field)
	}
	file = append(file, header(ptLoad, 5, offset, testCode, uint64(len(code)), uint64(len(code)), 64<<10)...)
	file = append(file, header(ptLoad, 4, readAt, testRead, uint64(len(read)), uint64(len(read)), 64<<10)...)
	file = append(file, header(ptLoad, 6, dataAt, testData, uint64(len(table)), 0x5000, 64<<10)...)
	file = append(file, header(ptDynamic, 4, readAt, dynamicAt, uint64(len(dynamic)), uint64(len(dynamic)), 8)...)
	file = append(file, header(0x6474e551, 6, 0, 0, 0, 0, 0)...) // PT_GNU_STACK
	file = append(file, make([]byte, offset-len(file))...)
	return append(append(append(file, code...), read...), table...)
}

// tryELF maps a file, checks it, and unmaps it.
func tryELF(file []byte) error {
	m, err := mapImage(file)
	if err != nil {
		return err
	}
	defer m.unmap()
	_, _, err = m.check(testABI, testCount)
	return err
}

func TestMapImage(t *testing.T) {
	m, err := mapImage(testELF())
	if err != nil {
		t.Fatal(err)
	}
	defer m.unmap()
	base := uintptr(m.base)
	if base%(64<<10) != 0 {
		t.Errorf("the base %#x is not aligned", base)
	}
	table, where, err := m.check(testABI, testCount)
	if err != nil {
		t.Fatal(err)
	}
	first := base + testCode
	if got, want := *table, tableAt(first); got != want {
		t.Errorf("the table is %#x, expected %#x", got, want)
	}
	if got, want := [3]uintptr(table.entries()), [3]uintptr{first + 10, first + 11, first + 12}; got != want {
		t.Errorf("entries %#x, expected %#x", got, want)
	}
	if want := (code{base, first, first + 0x100}); where != want {
		t.Errorf("the code is at %#x, expected %#x", where, want)
	}
	if end := *(*[16]byte)(unsafe.Add(m.base, testData+0x4ff0)); end != [16]byte{} {
		t.Errorf("what the file does not have is %v", end)
	}
	for address, want := range map[uintptr]string{
		base: "---p", base + testCode: "r-xp", base + testRead: "r--p", base + testData: "rw-p",
	} {
		if got := protectionAt(t, address); syscall.Getpagesize() == 4096 && got != want {
			t.Errorf("base+%#x is %s, expected %s", address-base, got, want)
		}
	}
}

// tableAt is the table of testELF in memory, by the address of its first function.
func tableAt(first uintptr) table {
	return table{tableMagic, testABI, headSize, stackSize, first, first + 1, first + 2, first + 3, first + 4,
		first + 5, first + 6, first + 7, first + 8, first + 9, testCount}
}

// protectionAt reads the protection of an address as the kernel has it.
func protectionAt(t *testing.T, address uintptr) string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(maps)) {
		var start, end uintptr
		var protection string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &start, &end, &protection); err != nil {
			t.Fatal(line, err)
		}
		if start <= address && address < end {
			return protection
		}
	}
	return "none"
}

// Whatever is damaged is an error, or makes no difference.
func TestDamagedImage(t *testing.T) {
	whole := testELF()
	if err := tryELF(whole); err != nil {
		t.Fatal(err)
	}
	if err := tryELF(nil); err == nil || !strings.Contains(err.Error(), "make image") {
		t.Error("an image that is not built:", err)
	}
	for length := range whole {
		if err := tryELF(whole[:length:length]); err == nil {
			t.Errorf("the first %d of %d bytes load", length, len(whole))
		}
	}
	const headers = elfHeaderSize + 5*programHeaderSize
	altered, loaded := 0, 0
	for at := range whole {
		if at >= headers && at < 0x300 {
			continue // the gap and the code
		}
		values := []byte{0, 1, 0x7f, 0x80, 0xff, whole[at] + 1, whole[at] - 1, whole[at] ^ 0x10}
		for _, value := range values {
			if value == whole[at] {
				continue
			}
			file := bytes.Clone(whole)
			file[at] = value
			altered++
			if tryELF(file) == nil {
				loaded++
			}
		}
	}
	t.Logf("%d of %d altered files load", loaded, altered)
}

func TestRefusedImages(t *testing.T) {
	le := binary.LittleEndian
	program := func(i int) int { return elfHeaderSize + i*programHeaderSize }
	const read = 0x300
	for name, test := range map[string]struct {
		alter func(file []byte)
		want  string
	}{
		"other machine":    {func(f []byte) { le.PutUint16(f[18:], 8) }, "machine 8"},
		"executable":       {func(f []byte) { le.PutUint16(f[16:], 2) }, "type 2"},
		"32 bits":          {func(f []byte) { f[4] = 1 }, "no ELF file"},
		"many headers":     {func(f []byte) { le.PutUint16(f[56:], 999) }, "999 program headers"},
		"headers far away": {func(f []byte) { le.PutUint64(f[32:], 1<<63) }, "shorter"},
		"writable code":    {func(f []byte) { le.PutUint32(f[program(0)+4:], 7) }, "writable and executable"},
		"large":            {func(f []byte) { le.PutUint64(f[program(2)+40:], 1<<40) }, "expected an end"},
		"wraps around":     {func(f []byte) { le.PutUint64(f[program(2)+40:], ^uint64(0)) }, "expected an end"},
		"far":              {func(f []byte) { le.PutUint64(f[program(2)+16:], 1<<40) }, "expected an end"},
		"less in memory":   {func(f []byte) { le.PutUint64(f[program(2)+40:], 8) }, "8 in memory"},
		"odd alignment":    {func(f []byte) { le.PutUint64(f[program(2)+48:], 3<<12) }, "alignment"},
		"huge alignment":   {func(f []byte) { le.PutUint64(f[program(2)+48:], 1<<30) }, "alignment"},
		"overlap":          {func(f []byte) { le.PutUint64(f[program(2)+16:], testRead) }, "overlap"},
		"interpreter":      {func(f []byte) { le.PutUint32(f[program(4):], ptInterp) }, "dynamic linker"},
		"thread-local":     {func(f []byte) { le.PutUint32(f[program(4):], ptTLS) }, "thread-local"},
		"needs a library":  {func(f []byte) { le.PutUint64(f[read:], dtNeeded) }, "dynamic linker"},
		"constructors":     {func(f []byte) { le.PutUint64(f[read:], dtInitArray) }, "dynamic linker"},
		"no relocations":   {func(f []byte) { le.PutUint64(f[read+8:], 1<<40) }, "in no segment"},
		"odd relocations":  {func(f []byte) { le.PutUint64(f[read+24:], 25) }, "entries of 24"},
		"symbol":           {func(f []byte) { le.PutUint64(f[read+0x108:], 6) }, "relocation of type 6"},
		"relocates code":   {func(f []byte) { le.PutUint64(f[read+0x100:], testRead-4) }, "in no segment"},
		"relr outside":     {func(f []byte) { le.PutUint64(f[read+0x180:], 1<<40) }, "in no segment"},
		"table in code":    {func(f []byte) { le.PutUint64(f[24:], testCode) }, "table begins with"},
		"table nowhere":    {func(f []byte) { le.PutUint64(f[24:], 1<<40) }, "entry point"},
		"table at the end": {func(f []byte) { le.PutUint64(f[24:], testData+0x5000-8) }, "entry point"},
		"other ABI":        {func(f []byte) { le.PutUint64(f[0x508:], 6) }, "ABI version 6, expected 5; run go mod tidy"},
		"other heads":      {func(f []byte) { le.PutUint64(f[0x510:], 6) }, "size of heads 6, expected 2048"},
		"other stacks":     {func(f []byte) { le.PutUint64(f[0x518:], 6) }, "size of stacks 6, expected 8388608"},
		"fewer entries":    {func(f []byte) { le.PutUint64(f[0x570:], 2) }, "entries 2, expected 3"},
		"entry outside":    {func(f []byte) { le.PutUint64(f[0x578:], testCode+0x100) }, "function 10"},
	} {
		file := testELF()
		test.alter(file)
		if err := tryELF(file); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, expected %q", name, err, test.want)
		}
	}
}

// What is refused says which call of the system it was.
func TestProtectionRefused(t *testing.T) {
	at, err := reserve(1<<16, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	unmap(at, 1<<16)
	err = protect(at, 1<<16, syscall.PROT_READ|syscall.PROT_EXEC, "the engine's memory")
	if err == nil || err.Error() != "mprotect of the engine's memory, 65536 bytes, to r-x was refused: cannot allocate memory" {
		t.Error(err)
	}
}

// Where the system forbids code in memory that was written to, the error says so.
func TestCodeForbidden(t *testing.T) {
	if !isChild() {
		if out, err := child(t, "").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	const setMDWE, refuseExecGain = 65, 1
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setMDWE, refuseExecGain, 0); errno != 0 {
		t.Skip("prctl:", errno)
	}
	want := fmt.Sprintf("mprotect of the engine's memory, %d bytes, to r-x was refused: permission denied;"+
		" the system forbids code", syscall.Getpagesize())
	if err := tryELF(testELF()); !errors.Is(err, syscall.EACCES) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, expected %s", err, want)
	}
}

// The image that is embedded loads, where there is one.
func TestEmbedded(t *testing.T) {
	if len(embedded) == 0 {
		t.Skip("the engine is linked as a static library: no image is embedded")
	}
	m, err := mapImage(embeddedBytes())
	if err != nil {
		t.Fatal(err)
	}
	defer m.unmap()
	table := (*table)(unsafe.Add(m.base, m.table))
	if _, _, err := m.check(table.abi, int(table.count)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes, %d in memory, %d entries", len(embedded), m.span, table.count)
	runtime.KeepAlive(m)
}
