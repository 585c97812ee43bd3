//go:build linux

package wasi

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestWritingToAFileIsCancelled: a guest that writes to a standard output which nobody reads is
// stopped by its context, and what it was told was written arrives, and no more.
func TestWritingToAFileIsCancelled(t *testing.T) {
	for name, pipe := range pipes {
		r, w := pipe(t)
		g := newGuest(t, func(c *Config) { c.Stdout = w })
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		g.ctx = ctx
		told, errno := uint32(0), Success
		for i := 0; errno == Success; i++ { // by one buffer, and by two
			buffers := [][]byte{bytes.Repeat([]byte{byte('a' + i%26)}, 10_000)}
			if i%2 == 1 {
				buffers = append(buffers, []byte("\n"))
			}
			list, count := g.vectors(buffers...)
			result := g.room(4)
			if errno = g.call("fd_write", 1, list, count, result); errno == Success {
				told += g.u32(result)
			}
		}
		g.check(name+": fd_write", errno, EINTR)
		cancel()
		w.Close()
		if arrived, err := io.ReadAll(r); err != nil || uint32(len(arrived)) != told {
			t.Errorf("%s: %d bytes were written, %d arrived, %v", name, told, len(arrived), err)
		}
	}
}

// TestWritingToAFile: with a context that may end, all arrives, also in pieces; a broken pipe and a
// closed file are errors.
func TestWritingToAFile(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	text := bytes.Repeat([]byte("some text of no length in particular\n"), 1000)
	for name, pipe := range pipes {
		r, w := pipe(t)
		g := newGuest(t, func(c *Config) { c.Stdout = w })
		g.ctx = ctx
		arrived := make(chan []byte)
		go func() {
			buffer := make([]byte, len(text))
			io.ReadFull(r, buffer)
			arrived <- buffer
		}()
		g.check(name+": fd_write", g.write(1, string(text)), Success)
		if !bytes.Equal(<-arrived, text) {
			t.Errorf("%s: something else arrived", name)
		}
		r.Close()
		g.check(name+": fd_write to nobody", g.write(1, "x"), EPIPE)
		w.Close()
		g.check(name+": fd_write to a closed file", g.write(1, "x"), EBADF)
	}
}

// TestWritingToASocketFile: a socket that the guest knows as a file does not block either.
func TestWritingToASocketFile(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	here, err := net.Dial("tcp", listener.Addr().String())
	must(t, err)
	defer here.Close()
	there, err := listener.Accept()
	must(t, err)
	defer there.Close()
	file, err := here.(*net.TCPConn).File()
	must(t, err)
	defer file.Close()
	file.Fd() // makes it block
	g := newGuest(t, func(c *Config) { c.Stdin, c.Stdout = file, file })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	g.ctx = ctx
	errno := Success
	for errno == Success {
		list, count := g.vectors(make([]byte, 30_000))
		errno = g.call("fd_write", 1, list, count, g.room(4)) // the last one before the error may be short
	}
	g.check("fd_write", errno, EINTR)
	_, err = there.Write([]byte("answer"))
	must(t, err)
	g.ctx = context.Background()
	if text, errno := g.read(0, 10); text != "answer" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
	if kind := g.system.descriptors.get(1).object.kind(); kind != TypeSocketStream {
		t.Errorf("a socket is of type %d", kind)
	}
}

// TestWritersRace: of several guests that write to one full pipe, one gets the room that comes, and
// the others meet their deadlines.
func TestWritersRace(t *testing.T) {
	for name, pipe := range pipes {
		for range 10 {
			r, w := pipe(t)
			fill(t, w)
			var writers sync.WaitGroup
			for range 8 {
				writers.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
					defer cancel()
					newStdout(w).write(ctx, make([]byte, 4096))
				})
			}
			time.Sleep(10 * time.Millisecond)
			_, err := r.Read(make([]byte, 4096))
			must(t, err)
			inTime(t, name, func() { r.Close() }, writers.Wait)
			r.Close()
			w.Close()
		}
	}
}

// fill writes to a pipe until nothing more fits. Deadlines do not tell: on a busy machine one
// passes before anything is written.
func fill(t testing.TB, w *os.File) {
	t.Helper()
	raw, err := w.SyscallConn()
	must(t, err)
	for _, piece := range [][]byte{make([]byte, 1<<20), {0}} {
		err := error(nil)
		for err == nil || err == syscall.EINTR {
			_, err = writeNow(raw, TypeUnknown, piece)
		}
		if err != syscall.EAGAIN {
			t.Fatalf("filling a pipe ended with %v", err)
		}
	}
}

// TestWaitingWritersHoldNoThreads: guests whose output nobody takes do not use up the threads of
// the process.
func TestWaitingWritersHoldNoThreads(t *testing.T) {
	const guests = 200
	for name, pipe := range pipes {
		r, w := pipe(t)
		fill(t, w)
		ctx, cancel := context.WithCancel(context.Background())
		before := countThreads(t)
		var writers sync.WaitGroup
		for range guests {
			writers.Go(func() {
				if _, errno := newStdout(w).write(ctx, make([]byte, 100)); errno != EINTR {
					t.Errorf("%s: fd_write returned %d", name, errno)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		if more := countThreads(t) - before; more > guests/4 {
			t.Errorf("%s: %d threads more while %d guests wait", name, more, guests)
		}
		cancel()
		inTime(t, name, func() { r.Close() }, writers.Wait)
	}
}

// TestMessagesStayWhole: what a guest writes to a socket of messages by one call is one, also with
// a context that may end.
func TestMessagesStayWhole(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, kind := range []int{syscall.SOCK_DGRAM, syscall.SOCK_SEQPACKET} {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
		must(t, err)
		here, there := os.NewFile(uintptr(fds[0]), "here"), os.NewFile(uintptr(fds[1]), "there")
		g := newGuest(t, func(c *Config) { c.Stdout = here })
		g.ctx = ctx
		g.check("fd_write", g.write(1, string(make([]byte, 10_000))), Success)
		if n, err := there.Read(make([]byte, 20_000)); n != 10_000 || err != nil {
			t.Errorf("kind %d: a message of %d bytes, %v", kind, n, err)
		}
		here.Close()
		there.Close()
	}
}
