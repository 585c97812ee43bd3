package fiber

import (
	"slices"
	"testing"
	"unsafe"
)

// write does what the engine's handler does.
func (s *Samples) write(guest, host []uintptr) {
	number := *s.word(ringBegun)
	if number-*s.word(ringRead) >= s.capacity {
		*s.word(ringLost)++
		return
	}
	*s.word(ringBegun)++
	record := unsafe.Pointer(&s.memory[ringSize+int(number%s.capacity)*sampleSize])
	*(*uint32)(unsafe.Add(record, sampleGuest)) = uint32(len(guest))
	*(*uint32)(unsafe.Add(record, sampleHost)) = uint32(len(host))
	pcs := (*[samplePcsCount]uintptr)(unsafe.Add(record, samplePcs))
	copy(pcs[copy(pcs[:], guest):], host)
	*(*uint64)(unsafe.Add(record, sampleNumber)) = number + 1
}

func TestSamples(t *testing.T) {
	const capacity = 4
	s := NewSamples(make([]byte, SamplesSize(capacity)), capacity)
	for round := range uintptr(5) {
		if _, ok := s.Next(); ok {
			t.Fatal("read a sample that was not written")
		}
		for i := range uintptr(3) {
			s.write([]uintptr{round, i}, []uintptr{7, i, 9})
		}
		if n := s.Unread(); n != 3 {
			t.Errorf("%d samples are unread, want 3", n)
		}
		for i := range uintptr(3) {
			got, ok := s.Next()
			if !ok || !slices.Equal(got.Guest, []uintptr{round, i}) ||
				!slices.Equal(got.Host, []uintptr{7, i, 9}) {
				t.Errorf("read %v, %v in round %d, want sample %d", got, ok, round, i)
			}
		}
	}
	for range capacity + 2 {
		s.write([]uintptr{1}, nil)
	}
	if n := s.Lost(); n != 2 {
		t.Errorf("%d samples were lost, want 2", n)
	}
	*s.word(ringSize + int(*s.word(ringRead)%capacity)*sampleSize + sampleNumber) = 0
	if _, ok := s.Next(); ok {
		t.Error("read a sample that is still being written")
	}
}
