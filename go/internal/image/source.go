//go:build linux && (amd64 || arm64)

package image

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// The image is a part of the program's file, so that what of it is never written to can be mapped
// from there: nothing is copied, pages are read when they are needed, and processes share them.
// Where that does not work, because the file cannot be opened or the image does not lie in it as it
// lies in memory, it is copied.

// source is where the image lies in a file.
type source struct {
	file   *os.File
	offset uint64
}

// findSource returns where the bytes come from, or nil.
func findSource(image []byte) *source {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil || len(image) == 0 {
		return nil
	}
	start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(image))))
	for line := range bytes.Lines(maps) {
		m, ok := parseMap(string(line))
		if !ok || start < m.start || start >= m.end {
			continue
		}
		if start+uint64(len(image)) > m.end || m.protection[1] == 'w' || m.protection[3] != 'p' {
			return nil
		}
		file := m.open()
		if file == nil {
			return nil
		}
		return &source{file, m.offset + (start - m.start)}
	}
	return nil
}

func (s *source) close() {
	if s != nil {
		_ = s.file.Close()
	}
}

// shift returns how far from a multiple of the page size the base of an image must be for its
// segments to be mapped from the file, and false if they cannot be.
func (s *source) shift(l *layout, page uint64) (uint64, bool) {
	if s == nil {
		return 0, false
	}
	shift := s.offset % page
	end := uint64(0)
	for i := range l.segments {
		segment := &l.segments[i]
		if i > 0 && segment.address&^(page-1) < end+page {
			return 0, false // segments would share a page
		}
		_, end = segment.pages(page)
		if segment.offset%page != segment.address%page {
			return 0, false
		}
	}
	if shift%alignment != 0 {
		return 0, false
	}
	return shift, true
}

// mapSegment maps a segment at an address, whose pages are given. It reports false, and has changed
// nothing, if the segment can be written to, has more bytes than the file, or cannot be mapped.
func (s *source) mapSegment(segment *segment, address, pages unsafe.Pointer, size uintptr) bool {
	if segment.protection&syscall.PROT_WRITE != 0 || segment.size != uint64(len(segment.bytes)) {
		return false
	}
	offset := s.offset + segment.offset - uint64(uintptr(address)-uintptr(pages))
	_, _, errno := syscall.Syscall6(syscall.SYS_MMAP, uintptr(pages), size, uintptr(segment.protection),
		syscall.MAP_PRIVATE|syscall.MAP_FIXED, s.file.Fd(), uintptr(offset))
	return errno == 0
}

// memoryMap is a line of /proc/self/maps.
type memoryMap struct {
	start, end, offset uint64
	protection         string // such as "r-xp"
	device             uint64
	inode              uint64
	path               string
}

// parseMap reads a line of /proc/self/maps (proc_pid_maps(5)), and reports whether it is one of a
// file.
func parseMap(line string) (m memoryMap, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || len(fields[1]) != 4 || !strings.HasPrefix(fields[5], "/") {
		return m, false
	}
	start, end, ok1 := strings.Cut(fields[0], "-")
	major, minor, ok2 := strings.Cut(fields[3], ":")
	if !ok1 || !ok2 {
		return m, false
	}
	var numbers [6]uint64
	for i, text := range []string{start, end, fields[2], major, minor} {
		n, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			return m, false
		}
		numbers[i] = n
	}
	inode, err := strconv.ParseUint(fields[4], 10, 64)
	if err != nil {
		return m, false
	}
	_, path, _ := strings.Cut(line, fields[4]+" ")
	return memoryMap{
		start: numbers[0], end: numbers[1], offset: numbers[2], protection: fields[1],
		device: device(numbers[3], numbers[4]), inode: inode, path: strings.Trim(path, " \n"),
	}, true
}

// device is a device number as the kernel encodes it in stat.
func device(major, minor uint64) uint64 {
	return minor&0xff | (major&0xfff)<<8 | (minor&^0xff)<<12 | (major&^0xfff)<<32
}

// open opens the file that a map is of, or returns nil if it is not sure to be that one. For the
// program itself the kernel is; a library is known by its inode.
func (m *memoryMap) open() *os.File {
	const program = "/proc/self/exe"
	if path, err := os.Readlink(program); err == nil && path == m.path {
		file, err := os.Open(program)
		if err != nil {
			return nil
		}
		return file
	}
	file, err := os.Open(m.path)
	if err != nil {
		return nil
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &stat); err != nil || uint64(stat.Dev) != m.device || stat.Ino != m.inode {
		_ = file.Close()
		return nil
	}
	return file
}
