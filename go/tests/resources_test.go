package tests

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// resources is what the process holds at a moment.
type resources struct {
	maps, fds, threads int
	resident           int64 // bytes
	engine             engine.Stats
}

func (r resources) String() string {
	return fmt.Sprintf("%d maps, %d file descriptors, %d threads, %.1f MiB resident, engine %+v",
		r.maps, r.fds, r.threads, float64(r.resident)/(1<<20), r.engine)
}

// measure collects garbage, gives back what Go holds, and counts.
func measure(t testing.TB) resources {
	t.Helper()
	for range 3 {
		runtime.GC() // cleanups run between collections
		time.Sleep(time.Millisecond)
	}
	debug.FreeOSMemory()
	status := string(read(t, "/proc/self/status"))
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return resources{
		maps:     bytes.Count(read(t, "/proc/self/maps"), []byte("\n")),
		fds:      len(entries),
		threads:  int(statusField(t, status, "Threads")),
		resident: statusField(t, status, "VmRSS") << 10,
		engine:   engine.ReadStats(),
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// statusField reads a number of /proc/self/status.
func statusField(t testing.TB, status, name string) int64 {
	t.Helper()
	_, rest, found := strings.Cut(status, name+":")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		t.Fatalf("no %s in /proc/self/status", name)
	}
	number, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// cachedFibers is how many fibers may be kept for reuse, keptStacks how many stacks stay mapped,
// theirs and those of free fibers.
const (
	cachedFibers = 128
	keptStacks   = cachedFibers + 512
	ownStacks    = 66 // of the engine; each that was ever needed stays, with its guard
)

// leaked says what is more now than before, beyond what Go's own heap and threads make vary.
func (r resources) leaked(before resources) []string {
	var more []string
	note := func(what string, now, then, allowed int64) {
		if now > then+allowed {
			more = append(more, fmt.Sprintf("%s: %d, before %d", what, now, then))
		}
	}
	residentAllowed := int64(24 << 20)
	if raceEnabled {
		residentAllowed = 128 << 20 // shadow memory
	}
	threads := int64(max(0, r.threads-before.threads))
	note("instances", int64(r.engine.Instances), int64(before.engine.Instances), 0)
	note("modules", int64(r.engine.Modules), int64(before.engine.Modules), 0)
	note("stores", int64(r.engine.Stores), int64(before.engine.Stores), 0)
	note("memories", int64(r.engine.Memories), int64(before.engine.Memories), 0)
	note("bytes of code", int64(r.engine.CodeBytes), int64(before.engine.CodeBytes), 0)
	note("fibers", int64(r.engine.Fibers), max(int64(before.engine.Fibers), cachedFibers), 0)
	note("lines of /proc/self/maps", int64(r.maps), int64(before.maps), 40+4*threads+2*ownStacks)
	note("file descriptors", int64(r.fds), int64(before.fds), 0)
	note("threads", int64(r.threads), int64(before.threads), 12)
	note("resident bytes", r.resident, before.resident, residentAllowed)
	return more
}

// expectSteady runs work twice to warm up, then times times, and expects nothing to be held that
// was not before.
func expectSteady(t testing.TB, times int, work func()) {
	t.Helper()
	work()
	work()
	before := measure(t)
	for range times {
		work()
	}
	expectBack(t, before)
}

// expectBack expects what is held to come back to what was held before; what other goroutines and
// the collector still have to free is waited for.
func expectBack(t testing.TB, before resources) {
	t.Helper()
	var now resources
	for wait := 5 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		now = measure(t)
		if now.leaked(before) == nil {
			return
		}
		time.Sleep(wait)
	}
	t.Errorf("leaked %s\nnow:    %v\nbefore: %v", strings.Join(now.leaked(before), "; "), now, before)
}
