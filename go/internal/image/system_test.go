//go:build linux && (amd64 || arm64)

package image

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image/standin"
)

// The clock of the vDSO is the one that Go reads.
func TestVDSOClock(t *testing.T) {
	if function := vdsoClock(0); function != 0 {
		t.Errorf("without a vDSO the clock is at %#x", function)
	}
	function := vdsoClock(auxiliary(auxVDSO))
	if function == 0 {
		if auxiliary(auxVDSO) != 0 {
			t.Error("the vDSO has no clock")
		}
		t.Skip("the kernel has no vDSO")
	}
	s := Take()
	defer s.Release()
	for _, clock := range []uintptr{0, 1} {
		s.Words()[0], s.Words()[1] = clock, uintptr(s.Out(0))
		before := time.Now()
		s.callFunction(function)
		after := time.Now()
		if s.Failed() != nil || int32(s.Words()[0]) != 0 {
			t.Fatal(s.Failed(), s.Words()[0])
		}
		got := (*syscall.Timespec)(s.Out(0)).Nano()
		if clock == 0 && (got < before.UnixNano() || got > after.UnixNano()) {
			t.Errorf("the clock says %d between %d and %d", got, before.UnixNano(), after.UnixNano())
		}
		if system, errno := readClock(clock); errno != 0 || int64(system)-got < 0 || int64(system)-got > int64(time.Minute) {
			t.Errorf("clock %d says %d, and then %d", clock, got, system)
		}
	}
}

// readClock reads a clock of the system.
func readClock(clock uintptr) (uint64, syscall.Errno) {
	var now syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&now)), 0)
	return uint64(now.Nano()), errno
}

// A damaged vDSO has no clock, or one within it.
func TestDamagedVDSO(t *testing.T) {
	base := auxiliary(auxVDSO)
	if base == 0 {
		t.Skip("the kernel has no vDSO")
	}
	size := vdsoSize(unsafe.Slice((*byte)(pointer(base)), 4096))
	if size == 0 {
		t.Fatal("the vDSO is not read")
	}
	whole := bytes.Clone(unsafe.Slice((*byte)(pointer(base)), size))
	name := vdsoClockName()
	if vdsoFunction(whole, name) == 0 || vdsoFunction(whole, name[:len(name)-1]) != 0 || vdsoFunction(whole, "gettime") != 0 {
		t.Error("a function is not found by its name")
	}
	try := func(file []byte) {
		if offset := vdsoFunction(file, name); offset >= size {
			t.Errorf("a function at %#x of %#x", offset, size)
		}
	}
	for length := range whole {
		try(whole[:length:length])
	}
	for at := range min(len(whole), 2048) {
		for _, value := range []byte{0, 0x7f, 0xff, whole[at] + 1} {
			file := bytes.Clone(whole)
			file[at] = value
			try(file)
		}
	}
}

// qemu's vDSO says which addresses it has in memory, where a kernel's counts from 0.
func TestVDSOWithAddresses(t *testing.T) {
	base := auxiliary(auxVDSO)
	if base == 0 {
		t.Skip("the kernel has no vDSO")
	}
	whole := bytes.Clone(unsafe.Slice((*byte)(pointer(base)), vdsoSize(unsafe.Slice((*byte)(pointer(base)), 4096))))
	headers, err := programHeaders(whole)
	if err != nil {
		t.Fatal(err)
	}
	const moved = 0x7f88fc11b000
	file, le := bytes.Clone(whole), binary.LittleEndian
	move := func(at uint64) { le.PutUint64(file[at:], le.Uint64(file[at:])+moved) }
	values := map[uint64]uint64{}
	var begin uint64
	for i, h := range headers {
		move(le.Uint64(whole[32:]) + uint64(i)*programHeaderSize + 16)
		if h.kind == ptLoad && h.offset == 0 {
			begin = h.address
		}
	}
	for _, h := range headers {
		for at := h.offset; h.kind == ptDynamic && at < h.offset+h.fileSize; at += 16 {
			switch tag := le.Uint64(whole[at:]); tag {
			case dtHash, dtGNU, dtSymbols, dtStrings:
				values[tag] = le.Uint64(whole[at+8:]) - begin
				move(at + 8)
			}
		}
	}
	for i := range symbolCount(whole, values) {
		move(values[dtSymbols] + i*24 + 8)
	}
	name := vdsoClockName()
	if got, want := vdsoFunction(file, name), vdsoFunction(whole, name); got != want || got == 0 || vdsoSize(file) != uint64(len(file)) {
		t.Errorf("moved by %#x: the function is at %#x of %#x bytes, expected %#x of %#x", moved, got, vdsoSize(file), want, len(file))
	}
}

// remaining returns how long the timer of a thread still runs, 0 for one that is not set.
func remaining(t *testing.T, thread int) time.Duration {
	slices.Lock()
	defer slices.Unlock()
	for _, a := range slices.askers {
		if a.thread == thread && a.hasTimer {
			var setting struct{ interval, value syscall.Timespec }
			_, _, errno := syscall.RawSyscall(syscall.SYS_TIMER_GETTIME, uintptr(a.timer), uintptr(unsafe.Pointer(&setting)), 0)
			if errno != 0 {
				t.Error(errno)
			}
			return time.Duration(setting.value.Nano())
		}
	}
	return 0
}

func forgetAskers() {
	slices.Lock()
	defer slices.Unlock()
	note(-1, time.Since(start)+2*forgotten)
	slices.askers = nil
}

// Timers are set when as many threads have asked as there are processors, for all of them.
func TestRequestPause(t *testing.T) {
	forgetAskers()
	defer forgetAskers()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	RequestPause(2)
	first := syscall.Gettid()
	if left := remaining(t, first); left != 0 {
		t.Error("one thread has asked, and a timer runs:", left)
	}
	var second int
	var lefts [2]time.Duration
	var group sync.WaitGroup
	group.Go(func() {
		runtime.LockOSThread() // and ends with the goroutine
		for range 100 {
			RequestPause(1000) // both ask at nearly the same time, which a busy machine makes difficult
			slices.Lock()
			note(first, time.Since(start))
			slices.Unlock()
			RequestPause(2)
			second = syscall.Gettid()
			if lefts = [2]time.Duration{remaining(t, first), remaining(t, second)}; lefts[0] > 0 && lefts[1] > 0 {
				return
			}
		}
	})
	group.Wait()
	for _, left := range lefts {
		if left <= 0 || left > slice {
			t.Errorf("the timers run for %v, expected up to %v", lefts, slice)
		}
	}
	time.Sleep(2 * slice)
	if left := remaining(t, first); left != 0 {
		t.Error("the timer continues:", left)
	}
	slices.Lock()
	note(first, time.Since(start)+2*forgotten)
	if len(slices.askers) != 1 || !slices.askers[0].hasTimer {
		t.Errorf("%d threads are known after a while, expected the one that asks", len(slices.askers))
	}
	slices.Unlock()
}

// The timer's signal arrives, at the thread that asked.
func TestRequestedPauseArrives(t *testing.T) {
	forgetAskers()
	defer forgetAskers()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, _ := signalAction(pauseSignal)
	defer rtSigaction(pauseSignal, &before, nil)
	if errno := setSignalHandler(pauseSignal, engine.handler); errno != 0 {
		t.Fatal(errno)
	}
	standin.Seen.Signal = 0
	RequestPause(1)
	if words, err := callWith(standin.Spin, 1<<24); err != nil {
		t.Error(words, err)
	}
	if standin.Seen.Signal != uint64(pauseSignal) {
		t.Errorf("the handler got %d", standin.Seen.Signal)
	}
}

// Where no pause arrives, trying says so, and the world is stopped meanwhile. Only a pause of what
// holds a processor of Go counts: others are sent by this package.
func TestTryPauses(t *testing.T) {
	if _, err := callWith(standin.Pause, 1); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if tryPauses() {
		t.Error("a pause arrives, without a handler")
	}
	t.Log("trying took", time.Since(began))
	defer func(before *table) { engine = before }(engine)
	pausing := *engine
	pausing.spin = entries[standin.Pause]
	engine = &pausing
	if !tryPauses() {
		t.Error("a pause was not noticed")
	}
}

// A pause that nobody knows the reason of does not count for Go's.
func TestTrialNeedsPausesOfSeveralStops(t *testing.T) {
	var trial trial
	for stop := 1; stop <= tryPaused; stop++ {
		if trial.arrive() {
			t.Errorf("%d pauses suffice", trial.pauses)
		}
		for range 5 {
			trial.paused()
		}
		trial.stops.Add(1)
	}
	if !trial.arrive() {
		t.Errorf("a pause in each of %d stops does not suffice", tryPaused)
	}
}

func BenchmarkRequestPause(b *testing.B) {
	defer forgetAskers()
	for b.Loop() {
		RequestPause(1)
	}
}
