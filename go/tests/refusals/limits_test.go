//go:build linux && amd64 && !gowasmer_static && !race

package refusals

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Limits of address space, mappings and files, set before the engine is first used. The race
// detector needs more than these.

// settle makes Go need nothing of the system for a while: it has threads, and a heap with room.
// That Go gets no memory is fatal for it.
func settle() {
	var started, group sync.WaitGroup
	over := make(chan struct{})
	const threads = 24
	started.Add(threads)
	for range threads {
		group.Go(func() {
			runtime.LockOSThread()
			started.Done()
			<-over
			runtime.UnlockOSThread()
		})
	}
	started.Wait()
	close(over)
	group.Wait()
	var heap [][]byte
	for i := range 4096 {
		heap = append(heap, make([]byte, 1<<(4+i%12)))
	}
	heap = append(heap, make([]byte, 64<<20))
	runtime.KeepAlive(heap)
	heap = nil
	runtime.GC()
	debug.SetGCPercent(-1)
}

// virtual returns the bytes of address space that are in use.
func virtual() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[0], 10, 64)
	return pages * 4096, err
}

// options reads the options of compilation, which stand before the number.
func options(argument string) (uint64, error) {
	number, explicit := strings.CutPrefix(argument, "explicit ")
	if explicit {
		compileOptions = append(compileOptions, wasmer.WithExplicitBounds())
	}
	return strconv.ParseUint(number, 10, 64)
}

func init() {
	preparations["address space"] = func(argument string) error {
		mayDiffer = true
		left, err := options(argument)
		if err != nil {
			return err
		}
		settle()
		used, err := virtual()
		if err != nil {
			return err
		}
		return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: used + left<<20, Max: used + left<<20})
	}
	// The first use is refused; then there is room.
	preparations["address space at first"] = func(argument string) error {
		left, err := options(argument)
		if err != nil {
			return err
		}
		settle()
		used, err := virtual()
		if err != nil {
			return err
		}
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil {
			return err
		}
		before := limit.Cur
		limit.Cur = used + left<<20
		if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
			return err
		}
		for range 3 {
			// What needs the engine first must not take its absence for a result.
			if _, text := wasmer.Wat2Wasm("(module)"); text == nil || wasmer.Validate(guests["small"]) {
				return wrong{fmt.Errorf("WRONG: the engine works with %s MiB", argument)}
			}
			if _, err := wasmer.Compile(guests["small"]); !errors.Is(err, syscall.ENOMEM) {
				return wrong{fmt.Errorf("WRONG: refused memory is %w", err)}
			}
		}
		limit.Cur = before
		return syscall.Setrlimit(syscall.RLIMIT_AS, &limit)
	}
	preparations["mappings"] = func(argument string) error {
		mayDiffer = true
		left, err := options(argument)
		if err != nil {
			return err
		}
		settle()
		return useMappings(left)
	}
	preparations["files"] = func(string) error {
		return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{})
	}
}

// useMappings makes mappings, of a page each, of which no two neighbours are alike, until only some
// are left.
func useMappings(left uint64) error {
	const pages = 1 << 19
	at, _, errno := syscall.Syscall6(syscall.SYS_MMAP, 0, pages*4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE, ^uintptr(0), 0)
	if errno != 0 {
		return errno
	}
	protect := func(page, protection uintptr) syscall.Errno {
		_, _, errno := syscall.RawSyscall(syscall.SYS_MPROTECT, at+page*4096, 4096, protection)
		return errno
	}
	for page := uintptr(1); page < pages; page += 2 {
		if errno := protect(page, syscall.PROT_READ); errno != 0 {
			// Each that is given back leaves two more.
			for ; left > 1; left -= 2 {
				if page -= 2; protect(page, syscall.PROT_NONE) != 0 {
					return fmt.Errorf("a mapping is not given back: %w", errno)
				}
			}
			return nil
		}
	}
	return fmt.Errorf("more than %d mappings are possible", pages)
}

// expectSaid runs a child that works, or is refused with an error that says what cannot be had.
func (c child) expectSaid(t *testing.T) {
	t.Helper()
	line := c.run(t)
	t.Log(line)
	if line == works {
		return
	}
	said := strings.HasPrefix(line, refused) && !strings.Contains(line, "WRONG") && !strings.Contains(line, "bug of the engine")
	for _, what := range []string{"address space", "memory", "mapping", "mmap", "mprotect", "cannot"} {
		if said && strings.Contains(line, what) {
			return
		}
	}
	t.Error("expected it to work, or an error that says what cannot be had")
}

func TestAddressSpaceShort(t *testing.T) {
	for _, options := range []string{"", "explicit "} {
		for _, left := range []string{"0", "1", "4", "8", "16", "24", "32", "48", "64", "100", "200", "400", "1000", "3000", "12000", "100000"} {
			t.Run(options+left, func(t *testing.T) {
				child{name: "address space", argument: options + left}.expectSaid(t)
			})
		}
	}
}

// What the system refused for a moment is tried again: for the image, and for the stacks that it
// runs on.
func TestAddressSpaceShortAtFirst(t *testing.T) {
	for _, left := range []string{"0", "2", "16"} {
		t.Run(left, func(t *testing.T) {
			child{name: "address space at first", argument: left}.expect(t)
		})
	}
}

func TestMappingsShort(t *testing.T) {
	for _, left := range []string{"0", "2", "4", "8", "12", "16", "20", "24", "32", "48", "64", "100", "1000", "20000"} {
		t.Run(left, func(t *testing.T) {
			child{name: "mappings", argument: left}.expectSaid(t)
		})
	}
}

func TestNoFiles(t *testing.T) {
	child{name: "files"}.expect(t)
}
