package engine

import "unsafe"

// memory is what a call of the engine reads and writes. It lies outside of Go's stacks, which may
// move while the engine has an address of it. The generated functions write arguments to words and
// out, call, and read results there.
//
// Each form of the engine (form_image.go, form_static.go) has an area, which refers to a memory:
// takeArea, call, which never panics, work, for what runs long, takeError and workError, which tell
// what came of that, and release.
type memory struct {
	// words are the arguments, and after the call the results.
	words [argumentWords]uintptr
	// out is what pointers among the arguments point to. Go's collector sees no pointers in it.
	out [outWords]uintptr
}

// address is the address of a word of out.
func (m *memory) address(at int) uintptr { return uintptr(unsafe.Pointer(&m.out[at])) }

// pointer is the same as a pointer.
func (m *memory) pointer(at int) unsafe.Pointer { return unsafe.Pointer(&m.out[at]) }

// room clears words of out, for a result that the engine may not write, and returns the address of
// the first.
func (m *memory) room(at, words int) uintptr {
	clear(m.out[at : at+words])
	return m.address(at)
}

// result is the first word of the result as a pointer.
func (m *memory) result() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&m.words[0])) }

// boolWord is the argument word of a flag.
func boolWord(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

// escape returns the pointer. What it points to lies on the heap, as far as the compiler can tell:
// there it stays in its place.
func escape(p unsafe.Pointer) unsafe.Pointer {
	if escaped != nil {
		escaped = p
	}
	return p
}

// escaped is nil forever; the compiler does not know.
var escaped unsafe.Pointer
