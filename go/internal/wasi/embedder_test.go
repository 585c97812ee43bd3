//go:build unix

package wasi

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// This file tests what the embedder gives when it does not do what its interface asks for, or does
// it in the middle of a context that ends.

// fakeListener accepts by a function.
type fakeListener func() (net.Conn, error)

func (l fakeListener) Accept() (net.Conn, error) { return l() }
func (fakeListener) Close() error                { return nil }
func (fakeListener) Addr() net.Addr              { return &net.UnixAddr{} }

// accept accepts a connection of the first listener.
func (g *guest) accept() uint64 {
	g.t.Helper()
	result := g.room(4)
	g.expect(Success, "sock_accept", fdMap+1, 0, result)
	return uint64(g.u32(result))
}

// TestCancelledWriteToConnection: a write that blocks ends with the context, and the connection can
// be written to afterwards.
func TestCancelledWriteToConnection(t *testing.T) {
	here, there := net.Pipe() // without a buffer: a write waits for who reads
	defer there.Close()
	g := newGuest(t, func(c *Config) {
		c.Listeners = []net.Listener{fakeListener(func() (net.Conn, error) { return here, nil })}
	})
	conn := g.accept()
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		g.ctx = ctx
		time.AfterFunc(time.Millisecond, cancel)
		g.check("fd_write", g.write(conn, "lost"), EINTR)
		g.ctx = context.Background()
		read := make(chan string)
		go func() {
			buffer := make([]byte, 5)
			io.ReadFull(there, buffer)
			read <- string(buffer)
		}()
		g.check("fd_write after it", g.write(conn, "hello"), Success)
		there.SetReadDeadline(time.Now()) // if nothing was written
		if text := <-read; text != "hello" {
			t.Fatalf("the other end got %q", text)
		}
		there.SetReadDeadline(time.Time{})
	}
}

// TestCancelledWriteToPipe: so does one to a pipe that the guest has found in its directory.
func TestCancelledWriteToPipe(t *testing.T) {
	g := newGuest(t)
	must(t, syscall.Mkfifo(filepath.Join(g.dir, "fifo"), 0o600))
	fd := g.mustOpen("fifo", 0, 0)
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		g.ctx = ctx
		time.AfterFunc(5*time.Millisecond, cancel)
		written := 0
		for {
			list, count := g.vectors(make([]byte, 8192))
			result := g.room(4)
			errno := g.call("fd_write", fd, list, count, result)
			if errno != Success {
				g.check("fd_write", errno, EINTR)
				break
			}
			written += int(g.u32(result))
		}
		g.ctx = context.Background()
		for written > 0 {
			text, errno := g.read(fd, min(written, 4096))
			if errno != Success || text == "" {
				t.Fatalf("read %d bytes, %d", len(text), errno)
			}
			written -= len(text)
		}
		g.check("fd_write after it", g.write(fd, "hello"), Success)
		if text, _ := g.read(fd, 5); text != "hello" {
			t.Fatalf("read %q", text)
		}
	}
}

// TestListenerPanics: a panic of a Listener arrives where a connection was asked for.
func TestListenerPanics(t *testing.T) {
	g := newGuest(t, func(c *Config) {
		c.Listeners = []net.Listener{fakeListener(func() (net.Conn, error) { panic("listener") })}
	})
	defer func() {
		if value := recover(); value != "listener" {
			t.Errorf("recovered %v", value)
		}
	}()
	g.call("sock_accept", fdMap+1, 0, g.room(4))
}

// TestCloseOfListener: who waits for a connection when the listener is closed gets no other one.
func TestCloseOfListener(t *testing.T) {
	connections, asked := make(chan net.Conn), make(chan struct{}, 8)
	g := newGuest(t, func(c *Config) {
		c.Listeners = []net.Listener{fakeListener(func() (net.Conn, error) {
			asked <- struct{}{}
			return <-connections, nil
		})}
	})
	done := make(chan Errno)
	at := g.room(4)
	go func() { done <- g.system.sockAccept(g, []uint64{fdMap + 1, 0, at}) }()
	<-asked
	g.expect(Success, "fd_close", fdMap+1)
	here, there := net.Pipe()
	connections <- here // comes too late, and is closed
	if _, err := there.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	select {
	case errno := <-done:
		g.check("sock_accept", errno, EBADF)
	case <-asked:
		t.Error("the listener was asked for another connection")
	}
}

// TestGoexit: neither a Reader nor a Listener that ends its goroutine is asked again and again.
func TestGoexit(t *testing.T) {
	var asked atomic.Int32
	g := newGuest(t, func(c *Config) {
		c.Stdin = reader(func([]byte) (int, error) { asked.Add(1); runtime.Goexit(); return 0, nil })
		c.Listeners = []net.Listener{fakeListener(func() (net.Conn, error) { asked.Add(1); runtime.Goexit(); return nil, nil })}
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g.ctx = ctx
	_, errno := g.read(0, 1)
	g.check("fd_read", errno, EIO)
	g.expect(EIO, "sock_accept", fdMap+1, 0, g.room(4))
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// fakeConn reads by a function.
type fakeConn struct {
	net.Conn
	read func([]byte) (int, error)
}

func (c fakeConn) Read(p []byte) (int, error) { return c.read(p) }
func (fakeConn) Close() error                 { return nil }

// TestWrongCounts: a Reader that tells of more bytes than fit, or less than none, makes no count
// that is not true.
func TestWrongCounts(t *testing.T) {
	for _, wrong := range []int{-1, -1 << 40, 5, 1 << 40} {
		read := func([]byte) (int, error) { return wrong, nil }
		g := newGuest(t, func(c *Config) {
			c.Stdin = reader(read)
			c.Listeners = []net.Listener{fakeListener(func() (net.Conn, error) { return fakeConn{read: read}, nil })}
		})
		conn := g.accept()
		cancelled, cancel := context.WithCancel(context.Background())
		defer cancel()
		for _, ctx := range []context.Context{context.Background(), cancelled} {
			g.ctx = ctx
			list, count := g.vectors(make([]byte, 2), make([]byte, 2))
			result := g.room(4)
			for _, fd := range []uint64{0, conn} {
				g.call("fd_read", fd, list, count, result)
				if n := g.u32(result); n > 4 {
					t.Errorf("a Reader of %d bytes: fd_read of 4 gave %d", wrong, n)
				}
			}
			for _, flags := range []uint32{0, recvPeek, recvWaitAll} {
				g.call("sock_recv", conn, list, count, uint64(flags), result, g.room(2))
				if n := g.u32(result); n > 4 {
					t.Errorf("a connection of %d bytes: sock_recv of 4 gave %d", wrong, n)
				}
			}
		}
	}
}

// TestSleepFails: a Sleep that fails although the context goes on ends the wait.
func TestSleepFails(t *testing.T) {
	g := newGuest(t, func(c *Config) {
		c.Clock.Sleep = func(context.Context, time.Duration) error { return errors.New("no") }
	})
	if _, errno := g.poll(g.subscribe(nil, 1, eventClock, clockMonotonic, 1e12, 0), 1); errno != EIO {
		t.Errorf("poll_oneoff returned %d, expected %d", errno, EIO)
	}
}

// TestRandomIsUsedByOne: the random source is asked by one goroutine at a time.
func TestRandomIsUsedByOne(t *testing.T) {
	var users, most atomic.Int32
	g := newGuest(t, func(c *Config) {
		c.Random = reader(func(p []byte) (int, error) {
			now := users.Add(1)
			defer users.Add(-1)
			if now > most.Load() {
				most.Store(now)
			}
			runtime.Gosched()
			return 1, nil
		})
	})
	var all sync.WaitGroup
	at := g.room(1000)
	for range 4 {
		all.Go(func() { g.system.randomGet(g, []uint64{at, 1000}) })
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("used by %d goroutines at once", most.Load())
	}
}

// givenListener accepts what comes out of a channel.
type givenListener chan net.Conn

func (l givenListener) Accept() (net.Conn, error) { return <-l, nil }
func (l givenListener) Close() error              { return nil }
func (l givenListener) Addr() net.Addr            { return nil }

// TestAcceptersRace: threads of one guest that accept at the same time get a connection each, also
// the one that finds that another was faster.
func TestAcceptersRace(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	conn, other := net.Pipe()
	defer conn.Close()
	defer other.Close()
	for range rounds {
		source := make(givenListener, 4)
		l := newListener(source)
		l.accepted = append(l.accepted, conn)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		got, start := make(chan Errno, 4), make(chan struct{})
		for range cap(got) {
			go func() {
				<-start
				_, errno := l.accept(ctx, false)
				got <- errno
			}()
		}
		close(start)
		for i := range cap(got) {
			if errno := <-got; errno != Success {
				t.Fatalf("sock_accept returned %d", errno)
			}
			if i == 0 {
				for range cap(got) - 1 {
					source <- conn
				}
			}
		}
		cancel()
	}
}
