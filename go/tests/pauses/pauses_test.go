//go:build linux && amd64 && !gowasmer_static

package pauses

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// folder is that of the guests, moreFolders are others, from there.
const folder = "../../../testdata/guests"

var moreFolders = []string{"", "wasi", "../../go/tests/testdata"}

// mostBytes is what a guest may have that is compiled in the long form.
const mostBytes = 100 << 10

// fewGuests are those of the short form: together they execute two thirds of what all do. The first
// one is small enough to be followed step by step.
var fewGuests = []string{"sum.wasm", "multi_value.wasm", "vectors.wasm", "host_calls.wasm", "fib_recursive.wasm", "memory.wasm", "snappy_compress.wasm"}

// How many compilations are given up, and after how long a child hangs.
const (
	fewGiveUps, manyGiveUps = 300, 3000
	shortHang, longHang     = 5 * time.Minute, 50 * time.Minute
)

// A compilation is paused at each instruction of the image that it executes, once, and given up at
// some.
func TestPauses(t *testing.T) {
	long := os.Getenv("PAUSES") != ""
	guests, giveUps, hang := fewGuests, fewGiveUps, shortHang
	switch {
	case long:
		guests, giveUps, hang = allGuests(t), manyGiveUps, longHang
	case testing.Short():
		guests = guests[:1]
	}
	if names := os.Getenv("PAUSES_GUESTS"); names != "" {
		guests = strings.Fields(names)
	}
	began := time.Now()
	tr := &tracer{stepThrough: long}
	tr.plan = func(all []found) []found {
		t.Logf("paused at %d addresses of %d guests, %.1f s", len(all), len(guests), time.Since(began).Seconds())
		return spread(all, giveUps)
	}
	err := trace(tr, guests, t.TempDir(), hang)
	var missing *missingError
	if errors.As(err, &missing) {
		t.Skip(err)
	}
	for _, difference := range tr.differences {
		t.Error(difference)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("put off at %d addresses; given up at %d, too late at %d, not executed again %d; %d bytes of address space more at the end",
		tr.putOff, tr.gaveUp, tr.late, tr.missed, tr.grown)
	if long {
		t.Logf("followed %s through %d steps, of which %d were at addresses that were executed for the first time", guests[0], tr.steps, tr.byChance)
	}
	t.Logf("%d stops, %.1f s", tr.stops, time.Since(began).Seconds())
	// Another goroutine gives up, and may come too late.
	if tr.missed+tr.late > giveUps/10 {
		t.Errorf("only %d of %d compilations were given up where they were paused", tr.gaveUp, tr.gaveUp+tr.late+tr.missed)
	}
}

// allGuests are the small ones in testdata, the first of the short form first.
func allGuests(t *testing.T) []string {
	t.Helper()
	guests := fewGuests[:1:1]
	for _, more := range moreFolders {
		paths, err := filepath.Glob(filepath.Join(folder, more, "*.wasm"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no guests in %s of %s: %v", more, folder, err)
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if name := filepath.Join(more, filepath.Base(path)); name != guests[0] && info.Size() <= mostBytes {
				guests = append(guests, name)
			}
		}
	}
	return guests
}

// spread chooses as many, evenly.
func spread(all []found, count int) []found {
	count = min(count, len(all))
	chosen := make([]found, count)
	for i := range chosen {
		chosen[i] = all[i*len(all)/count]
	}
	return chosen
}

// missingError is that of a system that lets no process be traced.
type missingError struct {
	what string
	err  error
}

func (e *missingError) Error() string {
	return fmt.Sprintf("the system refuses what debuggers need (containers: --cap-add SYS_PTRACE): %s: %v", e.what, e.err)
}

// trace has a child compile guests, and traces it until it ends.
func trace(tr *tracer, guests []string, temporary string, hang time.Duration) error {
	var files [2]*os.File
	for i, name := range []string{"page", "log"} {
		var err error
		if files[i], err = os.Create(filepath.Join(temporary, name)); err != nil {
			return err
		}
		defer files[i].Close()
	}
	var err error
	if tr.page, err = openPage(files[0]); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	paths := make([]string, len(guests))
	for i, name := range guests {
		if paths[i], err = filepath.Abs(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	attributes := &syscall.ProcAttr{
		// With one processor of Go, what a paused compilation waits for is done when it goes on.
		Env:   append(os.Environ(), guestsVariable+"="+strings.Join(paths, string(filepath.ListSeparator)), "GOMAXPROCS=1", "GOTRACEBACK=all"),
		Files: []uintptr{files[1].Fd(), files[1].Fd(), files[1].Fd(), files[0].Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true},
	}
	ended := make(chan error)
	go func() {
		// The thread that starts the child has to be the one that traces it. It ends with this
		// function.
		runtime.LockOSThread()
		bind()
		ended <- traceFrom(tr, self, attributes, hang)
	}()
	if err := <-ended; err != nil {
		if text, _ := os.ReadFile(files[1].Name()); len(text) > 0 {
			err = fmt.Errorf("%w\n%s", err, text)
		}
		return err
	}
	return nil
}

// traceFrom does that on the thread that it is called on.
func traceFrom(tr *tracer, self string, attributes *syscall.ProcAttr, hang time.Duration) error {
	process, err := syscall.ForkExec(self, []string{self}, attributes)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSYS) {
		return &missingError{"to start a process that is traced", err}
	}
	if err != nil {
		return err
	}
	defer func() {
		// The child ends when each thread of it was waited for.
		_ = syscall.Kill(process, syscall.SIGKILL)
		for err := error(nil); err == nil || err == syscall.EINTR; {
			_, err = syscall.Wait4(-1, nil, syscall.WALL|syscall.WNOTHREAD, nil)
		}
	}()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(process, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the child has not stopped as it began: status %#x, %v", status, err)
	}
	if err := tr.attach(process); err != nil {
		return &missingError{"to look into it", err}
	}
	defer tr.memory.Close()
	// A child that hangs says where.
	hangs := time.AfterFunc(hang, func() {
		_ = syscall.Kill(process, syscall.SIGQUIT)
		time.Sleep(10 * time.Second)
		_ = syscall.Kill(process, syscall.SIGKILL)
	})
	defer hangs.Stop()
	if status, err = tr.run(); err != nil {
		return err
	}
	if status != 0 {
		return fmt.Errorf("the child has ended with status %#x", uint32(status))
	}
	return nil
}

// bind binds the thread, and the child that it starts, to one processor: child and test take turns,
// and need not wake another one each time.
func bind() {
	var set [1024 / 64]uint64
	size, address := unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0, size, address); errno != 0 {
		return
	}
	for i, word := range set {
		if word != 0 {
			clear(set[:])
			set[i] = word & -word
			break
		}
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, size, address)
}
