package fiber

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Samples is a ring that the engine's signal handler writes samples of guests to, for CPU profiles;
// see [engine.SetProfile]. One goroutine at a time reads them.
type Samples struct {
	memory   []byte
	capacity uint64
	pcs      [samplePcsCount]uintptr
}

// Sample is where a guest was. All program counters but the first are return addresses. A sample
// is valid until the next one is read.
type Sample struct {
	// Guest are the program counters of the guest, innermost function first.
	Guest []uintptr
	// Host are those of the Go functions that have called it, if they are known.
	Host []uintptr
}

// SamplesSize returns the size in bytes of a ring for a number of samples, a power of two.
func SamplesSize(capacity int) int { return ringSize + capacity*sampleSize }

// NewSamples makes a ring in memory that is zero, aligned to 8 bytes, of the size that SamplesSize
// returned for the capacity, and stays for the life of the process.
func NewSamples(memory []byte, capacity int) *Samples {
	if capacity <= 0 || capacity&(capacity-1) != 0 || len(memory) < SamplesSize(capacity) {
		panic(fmt.Sprintf("fiber: a ring of %d samples in %d bytes", capacity, len(memory)))
	}
	s := &Samples{memory: memory, capacity: uint64(capacity)}
	*s.word(ringCapacity) = s.capacity
	return s
}

// Address returns the ring's address for [engine.SetProfile].
func (s *Samples) Address() uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s.memory))) }

// Lost returns how many samples found no room in the life of the ring.
func (s *Samples) Lost() uint64 { return atomic.LoadUint64(s.word(ringLost)) }

// Unread returns how many samples wait to be read, with those that are being written.
func (s *Samples) Unread() uint64 {
	return atomic.LoadUint64(s.word(ringBegun)) - atomic.LoadUint64(s.word(ringRead))
}

// Next reads the next sample, unless there is none, or it is still being written.
func (s *Samples) Next() (Sample, bool) {
	number := *s.word(ringRead) // nobody else writes it
	at := ringSize + int(number&(s.capacity-1))*sampleSize
	if atomic.LoadUint64(s.word(at+sampleNumber)) != number+1 {
		return Sample{}, false
	}
	record := unsafe.Pointer(&s.memory[at])
	guest := min(*(*uint32)(unsafe.Add(record, sampleGuest)), samplePcsCount)
	host := min(*(*uint32)(unsafe.Add(record, sampleHost)), samplePcsCount-guest)
	s.pcs = *(*[samplePcsCount]uintptr)(unsafe.Add(record, samplePcs))
	atomic.StoreUint64(s.word(ringRead), number+1)
	return Sample{s.pcs[:guest], s.pcs[guest : guest+host]}, true
}

func (s *Samples) word(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&s.memory[offset])) }
