package wasi

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// stringList is a list of strings as guests get them: one after the other, each with a zero byte
// behind.
type stringList struct {
	bytes   []byte
	offsets []uint32 // where each begins
}

func newStringList(what string, list []string) (stringList, error) {
	var l stringList
	size := 0
	for i, text := range list {
		if strings.ContainsRune(text, 0) {
			return l, fmt.Errorf("%s %d is %q, which contains a zero byte", what, i, text)
		}
		if size += len(text) + 1; size > 1<<30 {
			return l, fmt.Errorf("the %ss have more than %d bytes", what, 1<<30)
		}
		l.offsets = append(l.offsets, uint32(len(l.bytes)))
		l.bytes = append(append(l.bytes, text...), 0)
	}
	return l, nil
}

// sizes writes the number of strings and that of their bytes.
func (l *stringList) sizes(m memory, count, size uint64) Errno {
	if !m.putUint32(count, uint32(len(l.offsets))) || !m.putUint32(size, uint32(len(l.bytes))) {
		return EFAULT
	}
	return Success
}

// get writes the strings, and pointers to each.
func (l *stringList) get(m memory, pointers, buffer uint64) Errno {
	list, ok := m.window(uint32(pointers), 4*uint64(len(l.offsets)))
	if !ok {
		return EFAULT
	}
	to, ok := m.window(uint32(buffer), uint64(len(l.bytes)))
	if !ok {
		return EFAULT
	}
	copy(to, l.bytes)
	for i, offset := range l.offsets {
		binary.LittleEndian.PutUint32(list[4*i:], uint32(buffer)+offset)
	}
	return Success
}

func (s *System) argsSizesGet(g Guest, a []uint64) Errno {
	return s.args.sizes(memoryOf(g), a[0], a[1])
}
func (s *System) argsGet(g Guest, a []uint64) Errno { return s.args.get(memoryOf(g), a[0], a[1]) }

func (s *System) environSizesGet(g Guest, a []uint64) Errno {
	return s.env.sizes(memoryOf(g), a[0], a[1])
}

func (s *System) environGet(g Guest, a []uint64) Errno { return s.env.get(memoryOf(g), a[0], a[1]) }
