//go:build linux && (amd64 || arm64)

package image

import (
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/image/standin"
)

// callWith calls an entry of the stand-in on a stack of its own.
func callWith(entry int, words ...uintptr) ([2]uintptr, error) {
	s := Take()
	defer s.Release()
	copy(s.Words()[:], words)
	s.Call(entry)
	return [2]uintptr(s.Words()[:2]), s.Failed()
}

// peek reads a word of the head as a function of the image sees it.
func peek(offset uintptr) uintptr {
	words, _ := callWith(standin.Peek, offset)
	return words[0]
}

// eachMode runs a test as Go runs mostly, and as it runs without preemption by signals.
func eachMode(t *testing.T, test func(t *testing.T)) {
	for name, mode := range map[string]bool{"with P": false, "without P": true} {
		t.Run(name, func(t *testing.T) {
			before := withoutP.Load()
			defer withoutP.Store(before)
			withoutP.Store(mode)
			test(t)
		})
	}
}

func TestStart(t *testing.T) {
	seen := (*startParameters)(unsafe.Pointer(&standin.Seen.Parameters))
	var _ [unsafe.Sizeof(*seen)]byte = [unsafe.Sizeof(standin.Seen.Parameters)]byte{}
	if low := uintptr(stacks.base); seen.stacks != [2]uintptr{low, low + uintptr(stacks.count)*stackSize} {
		t.Errorf("stacks at %#x", seen.stacks)
	}
	if seen.text != [2]uintptr{0, math.MaxUint64} {
		t.Errorf("code at %#x", seen.text)
	}
	if seen.capabilities[0] == 0 || seen.clock != vdsoClock(auxiliary(auxVDSO)) {
		t.Errorf("features %#x, the clock at %#x", seen.capabilities, seen.clock)
	}
}

func TestCall(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		if words, err := callWith(standin.Add, 5, 37); err != nil || int(words[0]) != 42 || int(words[1]) != -32 {
			t.Error(words, err)
		}
		if words, err := callWith(standin.Weigh, 1, 2, 3, 4, 5, 6, 7, 8); err != nil || words[0] != 204 {
			t.Error(words, err)
		}
		if words, err := callWith(standin.Service, 999); err != nil || words != [2]uintptr{0, uintptr(syscall.ENOSYS)} {
			t.Error(words, err)
		}
		if heap, pausable := peek(headHeap), peek(headPausable); heap != 0 || pausable != 0 {
			t.Errorf("heap %#x, pausable %d", heap, pausable)
		}
		if words, err := callWith(standin.Pause, 3); err != nil || words[0] != 3 {
			t.Error(words, err)
		}
	})
}

// A function that dies is an error, its locks are released, its stack can be used again, and
// nothing of it is left there.
func TestDied(t *testing.T) {
	lock := NewHeap() // memory that is not Go's
	defer lock.Release()
	for entry, want := range map[int]Died{
		standin.Panic:    {Panicked, "out of w?rds"},
		standin.Overflow: {Overflowed, ""},
		standin.Fault:    {Faulted, "trap 1 at 0x123 of the image"},
	} {
		eachMode(t, func(t *testing.T) {
			s := Take()
			defer s.Release()
			before := standin.Seen.Abandoned
			text := "out of w\xffrds"
			copy(field[[headTextSize]byte](s.head, headText)[:], text)
			s.Words()[0] = uintptr(len(text))
			*(*uint64)(s.Out(47)) = 1
			*(*uint64)(lock.cell) = 1 << 32 // what is beside the lock stays
			*(*uint32)(lock.cell) = 1
			field[[headHeldCount]uint64](s.head, headHeld)[7] = uint64(uintptr(lock.cell))
			s.Call(entry)
			var died *Died
			if !errors.As(s.Failed(), &died) || *died != want {
				t.Errorf("%v, expected %v", s.Failed(), &want)
			}
			if standin.Seen.Abandoned != before+1 || *(*uint64)(lock.cell) != 1<<32 {
				t.Errorf("abandoned %d times, the lock is %#x", standin.Seen.Abandoned-before, *(*uint64)(lock.cell))
			}
			if head := *field[[headSize]byte](s.head, 0); head != [headSize]byte{} {
				t.Error("the head is not cleared")
			}
			s.Words()[0], s.Words()[1] = 1, 2
			if s.Call(standin.Add); s.Words()[0] != 3 || s.Failed() != nil {
				t.Error(s.Words()[0], s.Failed())
			}
		})
	}
	*(*uint64)(lock.cell) = 0
}

func TestDiedText(t *testing.T) {
	for died, want := range map[Died]string{
		{Panicked, "at 1:2"}: "the engine panicked: at 1:2",
		{Overflowed, ""}:     "the engine's stack is exhausted",
		{Faulted, "trap 1"}:  "the engine failed: trap 1",
		{Starved, "no mmap"}: "the engine gets no memory: no mmap",
	} {
		if got := died.Error(); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
	if _, err := callWith(standin.Panic, math.MaxUint32); len(err.Error()) > 600 {
		t.Error("a text that is too long:", err)
	}
}

// A panic for want of memory says what the system has refused, if it has.
func TestStarved(t *testing.T) {
	s := Take()
	defer s.Release()
	starve := func() error {
		t.Helper()
		text := "memory allocation of 8 bytes failed"
		copy(field[[headTextSize]byte](s.head, headText)[:], text)
		s.Words()[0] = uintptr(len(text))
		s.Call(standin.Panic)
		return s.Failed()
	}
	if got, want := starve(), (Died{Starved, "memory allocation of 8 bytes failed"}); *got.(*Died) != want {
		t.Errorf("%v, expected %v", got, &want)
	}
	s.refused = syscall.ENOMEM
	if starve(); s.refused != nil {
		t.Error("what an earlier call was refused is said again")
	}
	copy(s.Words()[:], []uintptr{serviceMap, 0, 1 << 60})
	if s.Call(standin.Service); s.refused == nil || s.refused.Error() != "mmap of 1152921504606846976 bytes was refused: cannot allocate memory" {
		t.Error(s.refused)
	}
	if err := s.panicked("memory allocation of 8 bytes failed").(*Died); err.Reason != Starved || err.Text != s.refused.Error() {
		t.Error(err)
	}
	if err := s.panicked("out of memory").(*Died); err.Reason != Panicked {
		t.Error(err)
	}
}

// What the image leaves for is done in each mode, with growing stacks of Go in between.
func TestServices(t *testing.T) {
	eachMode(t, testServices)
}

func testServices(t *testing.T) {
	service := func(words ...uintptr) uintptr {
		t.Helper()
		result, err := callWith(standin.Service, words...)
		if err != nil || result[1] != 0 {
			t.Errorf("service %d: %v, error %d", words, err, result[1])
		}
		return result[0]
	}
	page := uintptr(os.Getpagesize())
	at := service(serviceMap, 0, 4*page, syscall.PROT_NONE, syscall.MAP_NORESERVE)
	service(serviceProtect, at+page, page, syscall.PROT_READ|syscall.PROT_WRITE)
	*(*byte)(pointer(at + page)) = 1
	service(serviceAdvise, at+page, page, syscall.MADV_DONTNEED)
	if *(*byte)(pointer(at + page)) != 0 {
		t.Error("the memory was not given back")
	}
	if got := service(serviceMap, at, page, syscall.PROT_READ, syscall.MAP_FIXED); got != at {
		t.Errorf("mapped at %#x, expected %#x", got, at)
	}
	service(serviceUnmap, at, 4*page)
	if words, err := callWith(standin.Service, serviceMap, 1, page, 0, syscall.MAP_FIXED); err != nil || words[1] != uintptr(syscall.EINVAL) {
		t.Error(words, err)
	}
	if got, want := uint64(service(serviceAddressSpaceLimit)), addressSpace(); got != want {
		t.Errorf("address space %d, expected %d", got, want)
	}
	if text, err := os.ReadFile("/proc/sys/vm/max_map_count"); err == nil {
		if count := service(serviceMaxMapCount); count == 0 || !strings.HasPrefix(string(text), itoa(count)) {
			t.Errorf("%d mappings, expected %s", count, text)
		}
	}
	service(serviceYield)
}

func itoa(n uintptr) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

// A handler is installed so that the kernel can come back from it; the rest of the process
// continues.
func TestSignalServices(t *testing.T) {
	const signal = uintptr(syscall.SIGUSR2)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, _ := signalAction(signal)
	defer rtSigaction(signal, &before, nil)
	if words, _ := callWith(standin.Service, serviceSetSignalHandler, signal); words[1] != 0 {
		t.Fatal(syscall.Errno(words[1]))
	}
	if words, _ := callWith(standin.Service, serviceSignalHandler, signal); words != [2]uintptr{engine.handler, 0} {
		t.Errorf("the handler is %#x, expected %#x", words[0], engine.handler)
	}
	flags, _ := callWith(standin.Service, serviceSignalFlags, signal)
	if wanted := uintptr(saSiginfo | saOnStack | saRestart); flags[0]&wanted != wanted {
		t.Errorf("the flags are %#x", flags[0])
	}
	for _, words := range [][]uintptr{
		{serviceSignalThread, uintptr(syscall.Gettid()), signal}, {serviceSignalAllThreads, signal},
	} {
		standin.Seen.Signal = 0
		if result, _ := callWith(standin.Service, words...); result[1] != 0 {
			t.Error(syscall.Errno(result[1]))
		}
		if standin.Seen.Signal != uint64(signal) {
			t.Errorf("service %d: the handler got %d", words[0], standin.Seen.Signal)
		}
	}
	for _, bad := range []uintptr{0, 9, 65} {
		if words, _ := callWith(standin.Service, serviceSetSignalHandler, bad); words[1] == 0 {
			t.Errorf("there is a handler of signal %d", bad)
		}
	}
}

// cancelling is a context that ends when it was asked a number of times.
type cancelling struct {
	context.Context
	left atomic.Int32
}

func (c *cancelling) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestCallWork(t *testing.T) {
	eachMode(t, testCallWork)
}

func testCallWork(t *testing.T) {
	s := Take()
	defer s.Release()
	heap := NewHeap()
	defer heap.Release()
	work := func(ctx context.Context, entry int, word uintptr) error {
		s.Words()[0] = word
		return s.CallWork(ctx, entry, heap)
	}
	if err := work(t.Context(), standin.Peek, headHeap); err != nil || s.Words()[0] != uintptr(heap.cell) {
		t.Errorf("the heap is %#x, expected %p; %v", s.Words()[0], heap.cell, err)
	}
	if err := work(t.Context(), standin.Peek, headPausable); err != nil || s.Words()[0] != 1 {
		t.Error(s.Words()[0], err)
	}
	if err := work(t.Context(), standin.Pause, 5); err != nil || s.Words()[0] != 5 {
		t.Error(s.Words()[0], err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := work(over, standin.Peek, headPausable); err != context.Canceled {
		t.Error(err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := work(late, standin.Peek, headPausable); err != context.DeadlineExceeded {
		t.Error(err)
	}
	// What was not entered has spoiled nothing.
	if err := work(t.Context(), standin.Pause, 1); err != nil {
		t.Error(err)
	}
	midway := &cancelling{Context: t.Context()}
	midway.left.Store(3)
	before := standin.Seen.Abandoned
	if err := work(midway, standin.Pause, 1000); err != context.Canceled || s.Failed() != context.Canceled {
		t.Error(err, s.Failed())
	}
	if standin.Seen.Abandoned != before+1 || *s.Words() != [8]uintptr{} {
		t.Errorf("abandoned %d times, words %v", standin.Seen.Abandoned-before, *s.Words())
	}
	if err := work(t.Context(), standin.Pause, 1); !errors.Is(err, errSpoiled) {
		t.Error(err)
	}
	*(*uint64)(heap.cell) = 1 // as if the image had made a heap
	released := standin.Seen.Released
	heap.Release()
	heap.Release()
	if standin.Seen.Released != released+1 {
		t.Errorf("released %d times", standin.Seen.Released-released)
	}
	if err := work(t.Context(), standin.Pause, 1); !errors.Is(err, errReleased) {
		t.Error(err)
	}
	heap = NewHeap()
	var died *Died
	if err := work(t.Context(), standin.Overflow, 0); !errors.As(err, &died) || !heap.spoiled {
		t.Error(err)
	}
}

// A thousand heaps and more have cells of their own, and a heap that could not be made says so.
func TestHeaps(t *testing.T) {
	seen := map[unsafe.Pointer]bool{}
	var heaps []*Heap
	for range 1500 {
		h := NewHeap()
		if seen[h.cell] || *(*[cellSize]byte)(h.cell) != [cellSize]byte{} || uintptr(h.cell)%cellSize != 0 {
			t.Fatal("a cell is used twice, or not empty, or at an odd address")
		}
		seen[h.cell] = true
		heaps = append(heaps, h)
	}
	for _, h := range heaps {
		h.Release()
	}
	s := Take()
	defer s.Release()
	if err := s.CallWork(t.Context(), standin.Add, &Heap{err: syscall.ENOMEM}); err != syscall.ENOMEM {
		t.Error(err)
	}
}

// Without a processor of Go, a function that runs long keeps nobody waiting.
func TestLongCallWithoutP(t *testing.T) {
	defer withoutP.Store(withoutP.Load())
	withoutP.Store(true)
	var over atomic.Bool
	done := make(chan struct{})
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for !over.Load() {
				_, _ = callWith(standin.Spin, 1<<29)
			}
			done <- struct{}{}
		}()
	}
	time.Sleep(10 * time.Millisecond)
	began := time.Now()
	runtime.GC()
	took := time.Since(began)
	over.Store(true)
	for range runtime.GOMAXPROCS(0) {
		<-done
	}
	t.Log("the garbage collector took", took)
	if whole := time.Since(began); took > whole/2 && whole > 50*time.Millisecond {
		t.Errorf("the garbage collector took %v of %v", took, whole)
	}
}

// Many goroutines call, leave, pause, die and give up at the same time.
func TestHammer(t *testing.T) {
	var group sync.WaitGroup
	for g := range 100 {
		group.Go(func() {
			for i := range 50 {
				heap := NewHeap()
				s := Take()
				s.Words()[0], s.Words()[1] = uintptr(g), uintptr(i)
				if s.Call(standin.Add); s.Words()[0] != uintptr(g+i) {
					t.Errorf("%d+%d = %d", g, i, s.Words()[0])
				}
				ctx := &cancelling{Context: context.Background()}
				ctx.left.Store(int32(i % 5))
				s.Words()[0] = 3
				if err := s.CallWork(ctx, standin.Pause, heap); (err == nil) != (i%5 == 4) {
					t.Errorf("asked %d times: %v", i%5, err)
				}
				if i%7 == 0 {
					s.Call(standin.Overflow)
				}
				s.Words()[0] = serviceYield
				if s.Call(standin.Service); s.Failed() != nil {
					t.Error(s.Failed())
				}
				if i%2 == 0 {
					heap.Release()
					s.Release()
				} else {
					s.Release()
					heap.Release()
				}
				if i%10 == 0 {
					grow(100)
				}
			}
		})
	}
	group.Wait()
}

// grow makes Go move the goroutine's stack.
//
//go:noinline
func grow(depth int) byte {
	var room [1024]byte
	if depth == 0 {
		return room[0]
	}
	return grow(depth-1) + room[depth]
}

func TestCallDoesNotAllocate(t *testing.T) {
	defer withoutP.Store(withoutP.Load())
	withoutP.Store(false) // interruptWhenDone allocates
	heap := NewHeap()
	defer heap.Release()
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		s := Take()
		s.Words()[0], s.Words()[1] = 1, 2
		s.Call(standin.Add)
		s.Words()[0] = 0
		_ = s.CallWork(ctx, standin.Peek, heap)
		s.Release()
	}); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkCall(b *testing.B) {
	for b.Loop() {
		s := Take()
		s.Call(standin.Add)
		s.Release()
	}
}

func BenchmarkCallOnly(b *testing.B) {
	s := Take()
	defer s.Release()
	for b.Loop() {
		s.Call(standin.Add)
	}
}

func BenchmarkCallWithoutP(b *testing.B) {
	defer withoutP.Store(withoutP.Load())
	withoutP.Store(true)
	BenchmarkCall(b)
}

func BenchmarkService(b *testing.B) {
	s := Take()
	defer s.Release()
	for b.Loop() {
		s.Words()[0] = 999
		s.Call(standin.Service)
	}
}
