//go:build linux && (amd64 || arm64) && !gowasmer_static

package image

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

func TestParseMap(t *testing.T) {
	const line = "0057a000-00c2b000 r--p 0017a000 fe:1f 10004241                           /tmp/a program (deleted)\n"
	want := memoryMap{
		start: 0x57a000, end: 0xc2b000, offset: 0x17a000, protection: "r--p", device: 0xfe1f,
		inode: 10004241, path: "/tmp/a program (deleted)",
	}
	if got, ok := parseMap(line); !ok || got != want {
		t.Errorf("got %+v, %v, expected %+v", got, ok, want)
	}
	for _, line := range []string{
		"", "\n", "7f00-7f01 rw-p 0 00:00 0\n", "7f00-7f01 rw-p 0 00:00 0 [heap]\n",
		"7f00 rw-p 0 00:00 1 /a\n", "7f00-7f01 rw-p 0 0000 1 /a\n", "7f00-7f01 rw 0 00:00 1 /a\n",
		"7f0x-7f01 rw-p 0 00:00 1 /a\n", "7f00-7f01 rw-p 0 00:00 x /a\n",
	} {
		if got, ok := parseMap(line); ok {
			t.Errorf("%q is taken for %+v", line, got)
		}
	}
}

// The device numbers of large minors are spread as the kernel does it.
func TestDevice(t *testing.T) {
	for _, c := range []struct{ major, minor, want uint64 }{{8, 1, 0x801}, {259, 0x12345, 0x12310345}} {
		if got := device(c.major, c.minor); got != c.want {
			t.Errorf("%d:%d is %#x, expected %#x", c.major, c.minor, got, c.want)
		}
	}
}

// What is never written to is mapped from the program's file, and is the same there.
func TestMappedFromProgram(t *testing.T) {
	page := uint64(syscall.Getpagesize())
	image := embeddedBytes()
	from := findSource(image)
	defer from.close()
	if from == nil {
		t.Fatal("the image is not found in the program's file")
	}
	m, err := mapImage(image)
	if err != nil {
		t.Fatal(err)
	}
	defer m.unmap()
	shift, ok := from.shift(m.layout, page)
	if uintptr(m.base)-uintptr(m.region) != uintptr(shift) {
		t.Errorf("the base is %#x behind its region, expected %#x", uintptr(m.base)-uintptr(m.region), shift)
	}
	if !ok {
		if from.offset%alignment != 0 {
			t.Skipf("the linker has put the image at %#x of the file, no multiple of %d: it is copied", from.offset, alignment)
		}
		t.Fatalf("with an offset of %#x in the file nothing is mapped from there", from.offset)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.segments {
		s := &m.segments[i]
		if s.protection&syscall.PROT_WRITE != 0 {
			continue
		}
		at := uint64(uintptr(m.base)) + s.address
		if !bytes.Equal(unsafe.Slice((*byte)(pointer(uintptr(at))), s.size), s.bytes) {
			t.Errorf("segment %d differs from the file", i)
		}
		var found memoryMap
		for line := range strings.Lines(string(maps)) {
			if m, ok := parseMap(line); ok && m.start <= at && at < m.end {
				found = m
			}
		}
		if found.offset+at-found.start != from.offset+s.offset {
			t.Errorf("segment %d is mapped by %+v", i, found)
		}
	}
}

// Bytes that do not come from a file, or can be written to, are copied.
func TestNoSource(t *testing.T) {
	for name, image := range map[string][]byte{"none": nil, "heap": bytes.Clone(embeddedBytes())} {
		if from := findSource(image); from != nil {
			t.Errorf("%s: found at %#x of %s", name, from.offset, from.file.Name())
			from.close()
		}
	}
	if _, ok := (*source)(nil).shift(nil, 4096); ok {
		t.Error("what lies in no file can be mapped from it")
	}
	l, err := parse(embeddedBytes(), uint64(syscall.Getpagesize()))
	if err != nil {
		t.Fatal(err)
	}
	if shift, ok := (&source{offset: 8}).shift(l, 4096); ok || shift != 0 {
		t.Errorf("code that is not aligned is mapped, or moved by %d", shift)
	}
}
