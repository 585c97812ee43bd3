//go:build linux && (amd64 || arm64)

package image

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Go has the table as Rust has it.
var _ [tableSize]byte = [unsafe.Sizeof(table{})]byte{}

// entries returns the addresses that follow the table.
func (t *table) entries() []uintptr {
	return unsafe.Slice((*uintptr)(unsafe.Add(unsafe.Pointer(t), tableSize)), t.count)
}

// code is where the image's instructions lie.
type code struct {
	base      uintptr // of the image
	low, high uintptr
}

// What is loaded; written by prepare.
var (
	engine     *table
	entries    []uintptr
	engineCode code
)

// What came of loading.
var (
	loadMutex sync.Mutex
	loaded    atomic.Bool // loadError is final
	loadError error
)

// Load maps the image and starts it, the first time; afterwards it says what came of that. Where
// the system was short of something, it tries again. abi is the version of the C ABI that the
// caller was made for, count the number of entries.
func Load(abi uint64, count int) error {
	if loaded.Load() {
		return loadError
	}
	return loadSlow(abi, count)
}

func loadSlow(abi uint64, count int) error {
	loadMutex.Lock()
	defer loadMutex.Unlock()
	if loaded.Load() {
		return loadError
	}
	err := load(embeddedBytes(), abi, count)
	if err != nil {
		err = fmt.Errorf("image of the engine: %w", err)
	}
	if !passing(err) {
		loadError = err
		loaded.Store(true)
	}
	return err
}

// embeddedBytes returns the image without a copy. Nobody writes to it.
func embeddedBytes() []byte { return unsafe.Slice(unsafe.StringData(embedded), len(embedded)) }

// passing reports whether an error says that the system was short of something, which may be over
// the next time.
func passing(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOMEM, syscall.EAGAIN, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func load(file []byte, abi uint64, count int) error {
	m, err := mapImage(file)
	if err != nil {
		return err
	}
	t, where, err := m.check(abi, count)
	if err != nil {
		m.unmap()
		return err
	}
	if err := tryCode(); err != nil {
		m.unmap()
		return err
	}
	if err := prepare(t, where); err != nil {
		m.unmap()
		return err
	}
	// From here on the image stays: once its start function has run, handlers may be installed.
	return begin()
}

// tryCode makes a page of code as modules need it, so that a system that forbids it is found at
// first use, though the image itself was mapped from a file.
func tryCode() error {
	page := uintptr(syscall.Getpagesize())
	at, err := reserve(page, page)
	if err != nil {
		return err
	}
	defer unmap(at, page)
	if err := protect(at, page, syscall.PROT_READ|syscall.PROT_WRITE, "memory for code"); err != nil {
		return err
	}
	*(*byte)(at) = 0
	return protect(at, page, syscall.PROT_READ|syscall.PROT_EXEC, "memory for code")
}

// prepare makes stacks for an image whose table was checked. An error leaves nothing behind.
func prepare(t *table, where code) error {
	// Go sends its signals in the same way, but continues without.
	if errno := signalThread(uintptr(syscall.Gettid()), 0); errno != 0 {
		return fmt.Errorf("tgkill was refused: %w; guests that run long could not be stopped", errno)
	}
	engine, entries, engineCode = t, t.entries(), where
	err := stacks.make()
	if err != nil {
		engine, entries, engineCode = nil, nil, code{}
	}
	return err
}

// begin starts the image.
func begin() error {
	s := Take()
	defer s.Release()
	*(*startParameters)(s.Out(0)) = findStartParameters()
	s.Words()[0] = uintptr(s.Out(0))
	s.callFunction(engine.start)
	return s.Failed()
}

// mapping is an image in memory.
type mapping struct {
	*layout
	base   unsafe.Pointer
	region unsafe.Pointer // where its pages begin
	size   uintptr        // of its pages
}

// mapImage maps an image: its segments in private memory, those that are not written to from the
// program's file where that can be, relocated, each with its own protection, and no access between
// them.
func mapImage(file []byte) (*mapping, error) {
	page := uint64(syscall.Getpagesize())
	l, err := parse(file, page)
	if err != nil {
		return nil, err
	}
	from := findSource(file)
	defer from.close()
	shift, ok := from.shift(l, page)
	if !ok {
		from = nil
	}
	m := &mapping{layout: l, size: uintptr(l.span + page)}
	if m.region, err = reserve(m.size, uintptr(l.align)); err != nil {
		return nil, err
	}
	m.base = unsafe.Add(m.region, shift)
	if err := m.fill(page, from); err != nil {
		m.unmap()
		return nil, err
	}
	return m, nil
}

func (m *mapping) unmap() { unmap(m.region, m.size) }

// pages returns the pages of a segment.
func (m *mapping) pages(s *segment, page uint64) (start unsafe.Pointer, size uintptr) {
	shift := uint64(uintptr(m.base) - uintptr(m.region))
	low, high := (&segment{address: s.address + shift, size: s.size}).pages(page)
	return unsafe.Add(m.region, low), uintptr(high - low)
}

func (m *mapping) fill(page uint64, from *source) error {
	const readWrite = syscall.PROT_READ | syscall.PROT_WRITE
	memory := unsafe.Slice((*byte)(m.base), m.span)
	var copied []*segment
	for i := range m.segments {
		s := &m.segments[i]
		at, size := m.pages(s, page)
		if from != nil && from.mapSegment(s, unsafe.Add(m.base, s.address), at, size) {
			continue
		}
		copied = append(copied, s)
		if err := protect(at, size, readWrite, "memory for the engine"); err != nil {
			return err
		}
		populate(at, size)
		copy(memory[s.address:], s.bytes)
	}
	if err := m.relocate(memory, uint64(uintptr(m.base))); err != nil {
		return err
	}
	for _, s := range copied {
		if s.protection == readWrite {
			continue
		}
		at, size := m.pages(s, page)
		if s.protection&syscall.PROT_EXEC != 0 {
			flushCode(at, size)
		}
		if err := protect(at, size, s.protection, "the engine's memory"); err != nil {
			return err
		}
	}
	return nil
}

// check finds the table, and compares it with what this package and its caller were made for.
func (m *mapping) check(abi uint64, count int) (*table, code, error) {
	room := m.room(m.table, syscall.PROT_READ)
	if m.table%8 != 0 || room < tableSize {
		return nil, code{}, fmt.Errorf("its entry point %#x is no place for a table", m.table)
	}
	t := (*table)(unsafe.Add(m.base, m.table))
	if t.magic != tableMagic {
		return nil, code{}, fmt.Errorf("its table begins with %#x, expected %#x", t.magic, uint64(tableMagic))
	}
	for _, pair := range []struct {
		what      string
		got, want uint64
	}{
		{"ABI version", t.abi, abi},
		{"size of heads", t.headSize, headSize},
		{"size of stacks", t.stackSize, stackSize},
		{"number of entries", t.count, uint64(count)},
	} {
		if pair.got != pair.want {
			return nil, code{}, fmt.Errorf("it does not match the Go code around it: %s %d, expected %d;"+
				" run go mod tidy and build anew", pair.what, pair.got, pair.want)
		}
	}
	if (room-tableSize)/8 < t.count {
		return nil, code{}, fmt.Errorf("its table of %d entries does not end within its segment", t.count)
	}
	where := m.code()
	functions := []uintptr{t.start, t.call, t.handler, t.abandoned, t.heapRelease, t.spin,
		t.fail, t.enter, t.resume, t.cCall}
	for i, function := range append(functions, t.entries()...) {
		if function < where.low || function >= where.high {
			return nil, code{}, fmt.Errorf("function %d of its table, %#x, is not in its code", i, function)
		}
	}
	return t, where, nil
}

// code returns where the first segment of code lies.
func (m *mapping) code() code {
	base := uintptr(m.base)
	for _, s := range m.segments {
		if s.protection&syscall.PROT_EXEC != 0 {
			return code{base, base + uintptr(s.address), base + uintptr(s.address+s.size)}
		}
	}
	return code{base: base}
}

// room returns how many bytes a segment that allows something has from an address on, 0 where there
// is none.
func (l *layout) room(address uint64, protection int) uint64 {
	for _, s := range l.segments {
		if s.protection&protection != 0 && address >= s.address && address-s.address < s.size {
			return s.size - (address - s.address)
		}
	}
	return 0
}

// ForC returns the addresses of the functions by which C enters a guest, resumes one, and calls a C
// function for one. Load must have succeeded.
func ForC() (enter, resume, call unsafe.Pointer) {
	return pointer(engine.enter), pointer(engine.resume), pointer(engine.cCall)
}

// Build tells builds of the image apart: by its SHA-256, and the toolchain.
func Build() string { return strings.Join(strings.Fields(embeddedSum), " ") }
