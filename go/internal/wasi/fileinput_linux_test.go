//go:build linux

package wasi

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// blockingPipe makes a pipe whose ends block, as those of a process's standard streams do: Go does
// not put them into its poller.
func blockingPipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	must(t, syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
	r, w = os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// pollerPipe makes a pipe whose ends Go waits for by its poller.
func pollerPipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

var pipes = map[string]func(testing.TB) (r, w *os.File){"blocking": blockingPipe, "poller": pollerPipe}

// countThreads and countDescriptors count those of this process.
func countThreads(t testing.TB) int     { return entriesOf(t, "/proc/self/task") }
func countDescriptors(t testing.TB) int { return entriesOf(t, "/proc/self/fd") }

func entriesOf(t testing.TB, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	return len(entries)
}

// TestWaitingTakesNothing: guests that wait for input in vain, by poll_oneoff and by fd_read, leave
// what comes later to others.
func TestWaitingTakesNothing(t *testing.T) {
	for name, pipe := range pipes {
		r, w := pipe(t)
		for range 3 {
			g := newGuest(t, func(c *Config) { c.Stdin = r })
			list := g.subscribe(nil, 1, eventRead, 0, 0, 0)
			list = g.subscribe(list, 2, eventClock, clockMonotonic, 1_000_000, 0)
			if events, errno := g.poll(list, 2); errno != Success || len(events) != 1 || events[0].userdata != 2 {
				t.Fatalf("%s: %+v, %d", name, events, errno)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			g.ctx = ctx
			_, errno := g.read(0, 10)
			g.check(name+": fd_read", errno, EINTR)
			cancel()
		}
		go w.WriteString("abcdef")
		g := newGuest(t, func(c *Config) { c.Stdin = r })
		if events, errno := g.poll(g.subscribe(nil, 1, eventRead, 0, 0, 0), 1); errno != Success || len(events) != 1 || events[0].bytes != 6 {
			t.Errorf("%s: %+v, %d", name, events, errno)
		}
		text, errno := g.read(0, 4)
		g.check(name+": fd_read", errno, Success)
		rest := make([]byte, 10)
		n, err := r.Read(rest)
		if text != "abcd" || string(rest[:n]) != "ef" || err != nil {
			t.Errorf("%s: the guest read %q, and the embedder then %q, %v", name, text, rest[:n], err)
		}
		g.expect(Success, "fd_fdstat_set_flags", 0, uint64(flagNonblock))
		_, errno = g.read(0, 4)
		g.check(name+": fd_read without waiting", errno, EAGAIN)
		w.Close()
		if events, errno := g.poll(g.subscribe(nil, 1, eventRead, 0, 0, 0), 1); errno != Success || len(events) != 1 || events[0].bytes != 0 {
			t.Errorf("%s: at the end %+v, %d", name, events, errno)
		}
		if text, errno := g.read(0, 4); text != "" || errno != Success {
			t.Errorf("%s: at the end %q, %d", name, text, errno)
		}
	}
}

// TestWaitingHoldsNoThread: also on files for which Go would block one.
func TestWaitingHoldsNoThread(t *testing.T) {
	const guests = 200
	r, w := blockingPipe(t)
	before := countThreads(t)
	var done sync.WaitGroup
	for range guests {
		g := newGuest(t, func(c *Config) { c.Stdin = r })
		done.Go(func() {
			if text, errno := g.read(0, 1); text != "x" || errno != Success {
				t.Errorf("%q, %d", text, errno)
			}
		})
	}
	waiting := func() bool { // all of them have got to the wait
		buffer := make([]byte, 4<<20)
		buffer = buffer[:runtime.Stack(buffer, true)]
		n := 0
		for i := range len(buffer) - len("(*fileInput).background(") {
			if string(buffer[i:i+len("(*fileInput).background(")]) == "(*fileInput).background(" {
				n++
			}
		}
		return n == guests
	}
	for deadline := time.Now().Add(time.Minute); !waiting(); {
		if time.Now().After(deadline) {
			t.Fatal("the guests do not get to wait")
		}
		time.Sleep(time.Millisecond)
	}
	if more := countThreads(t) - before; more > guests/4 {
		t.Errorf("%d threads more while %d guests wait", more, guests)
	}
	for range guests {
		if _, err := w.WriteString("x"); err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
}

// TestInputIsClosed: whoever waits is told so when the embedder closes the file, and when the
// system is closed.
func TestInputIsClosed(t *testing.T) {
	for name, pipe := range pipes {
		for what, end := range map[string]func(*guest, *os.File){
			"file":   func(_ *guest, r *os.File) { r.Close() },
			"system": func(g *guest, _ *os.File) { g.system.Close() },
		} {
			r, _ := pipe(t)
			g := newGuest(t, func(c *Config) { c.Stdin = r })
			time.AfterFunc(5*time.Millisecond, func() { end(g, r) })
			_, errno := g.read(0, 1)
			g.check(name+" "+what, errno, EBADF)
		}
	}
}

// TestDevices: what is always ready is read at once, and is no terminal to the guest, which has the
// right to seek in it.
func TestDevices(t *testing.T) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	zero, err := os.Open("/dev/zero")
	must(t, err)
	defer zero.Close()
	for _, test := range []struct {
		file *os.File
		text string
	}{{null, ""}, {zero, "\x00\x00\x00"}} {
		g := newGuest(t, func(c *Config) { c.Stdin, c.Stdout = test.file, null })
		if events, errno := g.poll(g.subscribe(nil, 1, eventRead, 0, 0, 0), 1); errno != Success || len(events) != 1 {
			t.Errorf("%s: %+v, %d", test.file.Name(), events, errno)
		}
		if text, errno := g.read(0, 3); text != test.text || errno != Success {
			t.Errorf("%s: read %q, %d", test.file.Name(), text, errno)
		}
		g.check("fd_write", g.write(1, "x"), Success)
		at := g.room(24)
		for fd := range uint64(2) {
			g.expect(Success, "fd_fdstat_get", fd, at)
			if kind, rights := FileType(g.memory[at]), Rights(g.u64(at+8)); kind != TypeCharacterDevice || rights&(RightFdSeek|RightFdTell) != RightFdSeek|RightFdTell {
				t.Errorf("descriptor %d is of type %d with the rights %#x", fd, kind, rights)
			}
			g.expect(Success, "fd_seek", fd, 0, whenceSet, at)
			g.expect(Success, "fd_tell", fd, at)
		}
	}
	// A terminal: the other end of a pseudo-terminal.
	g := newGuest(t, func(c *Config) { c.Stdin = terminal(t) })
	at := g.room(24)
	g.expect(Success, "fd_fdstat_get", 0, at)
	if kind, rights := FileType(g.memory[at]), Rights(g.u64(at+8)); kind != TypeCharacterDevice || rights&(RightFdSeek|RightFdTell) != 0 {
		t.Errorf("a terminal is of type %d with the rights %#x", kind, rights)
	}
	g.expect(ESPIPE, "fd_seek", 0, 0, whenceSet, at)
}

// terminal opens a pseudo-terminal. Its first end is a terminal, too, on Linux.
func terminal(t testing.TB) *os.File {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

// TestFIFO: a guest opens a named pipe, waits for it, and does not hold up its other descriptors.
func TestFIFO(t *testing.T) {
	g := newGuest(t)
	must(t, syscall.Mkfifo(filepath.Join(g.dir, "fifo"), 0o600))
	fd := g.mustOpen("fifo", 0, 0) // both ways
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	g.ctx = ctx
	_, errno := g.read(fd, 1)
	g.check("fd_read", errno, EINTR)
	g.ctx = context.Background()
	g.check("fd_write", g.write(fd, "abc"), Success)
	if text, errno := g.read(fd, 10); text != "abc" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
	at := g.room(24)
	g.expect(ESPIPE, "fd_seek", fd, 0, whenceSet, at)
	g.expect(Success, "fd_close", fd)
	g.expect(EBADF, "fd_close", fd)
}

// TestBlockedReadersAreFreed: a wait that has ended leaves no goroutine behind for long, and no
// descriptor after Close.
func TestBlockedReadersAreFreed(t *testing.T) {
	r, _ := blockingPipe(t)
	goroutines, before := runtime.NumGoroutine(), 0
	for i := range 50 {
		g := newGuest(t, func(c *Config) { c.Stdin = r })
		ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
		g.ctx = ctx
		_, errno := g.read(0, 1)
		g.check("fd_read", errno, EINTR)
		cancel()
		must(t, g.system.Close())
		if i == 0 {
			before = countDescriptors(t)
		}
	}
	const roots = 2 // of each guest, which stay open until the end of the test
	if now := countDescriptors(t); now > before+49*roots {
		t.Errorf("%d descriptors, %d before", now, before)
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines+2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
		time.Sleep(time.Millisecond)
	}
}

// inTime fails the test if what f starts is not done in time, and lets go of it by release.
func inTime(t *testing.T, what string, release func(), f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Errorf("%s: still waiting", what)
		release()
		<-done
	}
}

// TestReadersRace: of several guests that wait for one file with a deadline, one gets the byte that
// comes, and the others meet their deadlines.
func TestReadersRace(t *testing.T) {
	for name, pipe := range pipes {
		for range 30 {
			r, w := pipe(t)
			var readers sync.WaitGroup
			for range 4 {
				in := newFileInput(r, TypeUnknown)
				readers.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
					defer cancel()
					in.read(ctx, make([]byte, 1), false)
					in.close()
				})
			}
			time.Sleep(5 * time.Millisecond)
			_, err := w.WriteString("x")
			must(t, err)
			inTime(t, name, func() { w.WriteString("xxxx") }, readers.Wait)
		}
	}
}

// TestErrorQueue: a socket whose queue of errors makes it ready forever, though there is nothing
// to read, does not keep a guest beyond its deadline.
func TestErrorQueue(t *testing.T) {
	for _, blocks := range []bool{false, true} {
		conn, err := net.Dial("udp", "127.0.0.1:9")
		must(t, err)
		file, err := conn.(*net.UDPConn).File()
		must(t, err)
		conn.Close()
		raw, err := file.SyscallConn()
		must(t, err)
		raw.Control(func(fd uintptr) {
			must(t, syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVERR, 1))
			must(t, syscall.SetNonblock(int(fd), !blocks))
		})
		file.WriteString("nobody listens there")
		in := newFileInput(file, TypeSocketStream)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		inTime(t, "a socket with errors", func() { file.Close() }, func() {
			for errno := Success; errno != EINTR; { // the first reads may tell the error itself
				_, errno = in.read(ctx, make([]byte, 10), false)
			}
		})
		cancel()
		in.close()
		file.Close()
	}
}

// TestWriteOnlyInput: a file that cannot be read is an error, not something to wait for.
func TestWriteOnlyInput(t *testing.T) {
	for name, pipe := range pipes {
		_, w := pipe(t)
		g := newGuest(t, func(c *Config) { c.Stdin = w })
		_, errno := g.read(0, 1)
		g.check(name, errno, EBADF)
	}
}
