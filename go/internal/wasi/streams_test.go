package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestStreams(t *testing.T) {
	var out bytes.Buffer
	g := newGuest(t, func(c *Config) { c.Stdin, c.Stdout, c.Stderr = strings.NewReader("input"), &out, &out })
	if text, errno := g.read(0, 3); text != "inp" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
	if text, errno := g.read(0, 30); text != "ut" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
	if text, errno := g.read(0, 30); text != "" || errno != Success {
		t.Errorf("at the end read %q, %d", text, errno)
	}
	g.check("stdout", g.write(1, "out"), Success)
	g.check("stderr", g.write(2, "err"), Success)
	if out.String() != "outerr" {
		t.Errorf("wrote %q", out.String())
	}
	g.check("writing to stdin", g.write(0, "x"), ENOTCAPABLE)
	_, errno := g.read(1, 1)
	g.check("reading stdout", errno, ENOTCAPABLE)
	g.expect(ESPIPE, "fd_seek", 1, 0, whenceSet, g.room(8))
	g.expect(ESPIPE, "fd_tell", 0, g.room(8))
	list, count := g.vectors([]byte("x"))
	g.expect(ESPIPE, "fd_pwrite", 1, list, count, 0, g.room(4))
	g.expect(Success, "fd_filestat_get", 1, g.room(64))
	g.expect(Success, "fd_close", 1)
	g.check("writing to what is closed", g.write(1, "x"), EBADF)
	g.check("the other", g.write(2, "!"), Success)
}

// TestNoStreams: without streams, the input is empty and outputs vanish.
func TestNoStreams(t *testing.T) {
	var noFile *os.File
	for _, change := range []func(*Config){func(*Config) {}, func(c *Config) { c.Stdin, c.Stdout, c.Stderr = noFile, noFile, noFile }} {
		g := newGuest(t, change)
		if text, errno := g.read(0, 3); text != "" || errno != Success {
			t.Errorf("read %q, %d", text, errno)
		}
		g.check("stdout", g.write(1, "x"), Success)
	}
}

type failing struct{ err error }

func (f failing) Write(p []byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)    { return 0, f.err }

func TestFailingStreams(t *testing.T) {
	for err, errno := range map[error]Errno{
		io.ErrClosedPipe: EPIPE, os.ErrClosed: EBADF, errors.New("other"): EIO, os.ErrPermission: EACCES, error(syscall.ENOSPC): ENOSPC,
	} {
		g := newGuest(t, func(c *Config) { c.Stdin, c.Stdout = failing{err}, failing{err} })
		g.check("fd_write", g.write(1, "x"), errno)
		_, got := g.read(0, 1)
		g.check("fd_read", got, errno)
		ctx, cancel := context.WithCancel(context.Background())
		g.ctx = ctx
		_, got = g.read(0, 1)
		g.check("fd_read in the background", got, errno)
		cancel()
	}
	g := newGuest(t, func(c *Config) { c.Stdout = short{} })
	list, count := g.vectors([]byte("abcdef"))
	result := g.room(4)
	g.expect(Success, "fd_write", 1, list, count, result)
	if g.u32(result) != 2 {
		t.Errorf("a short write is %d bytes, expected 2", g.u32(result))
	}
}

type short struct{}

func (short) Write(p []byte) (int, error) { return min(2, len(p)), nil }

// TestOneWrite: small buffers of one call arrive in one piece, and large ones in pieces.
func TestOneWrite(t *testing.T) {
	var pieces []string
	g := newGuest(t, func(c *Config) {
		c.Stdout = writer(func(p []byte) (int, error) { pieces = append(pieces, string(p)); return len(p), nil })
	})
	list, count := g.vectors([]byte("a"), nil, []byte("b"))
	g.expect(Success, "fd_write", 1, list, count, g.room(4))
	list, count = g.vectors(make([]byte, 5000), []byte("b"))
	g.expect(Success, "fd_write", 1, list, count, g.room(4))
	if len(pieces) != 3 || pieces[0] != "ab" || len(pieces[1]) != 5000 || pieces[2] != "b" {
		t.Errorf("pieces %d: %.10q", len(pieces), pieces)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestReadIsCancelled: a read that blocks ends with the context, and what arrives later is not
// lost.
func TestReadIsCancelled(t *testing.T) {
	r, w := io.Pipe()
	g := newGuest(t, func(c *Config) { c.Stdin = r })
	for range 3 {
		ctx, cancel := context.WithCancel(context.Background())
		g.ctx = ctx
		time.AfterFunc(time.Millisecond, cancel)
		_, errno := g.read(0, 10)
		g.check("fd_read", errno, EINTR)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	g.ctx = ctx
	go io.WriteString(w, "abcdef")
	text := ""
	for len(text) < 6 {
		piece, errno := g.read(0, 4)
		g.check("fd_read", errno, Success)
		text += piece
	}
	if text != "abcdef" {
		t.Errorf("read %q", text)
	}
	g.ctx = context.Background()
	go func() { io.WriteString(w, "more"); w.Close() }()
	all, errno := g.read(0, 10)
	g.check("fd_read", errno, Success)
	if end, errno := g.read(0, 10); all != "more" || end != "" || errno != Success {
		t.Errorf("read %q, then %q, %d", all, end, errno)
	}
}

// TestReaderPanics: a panic of a Reader arrives where the read was asked for, also one of a
// goroutine.
func TestReaderPanics(t *testing.T) {
	for _, ctx := range []context.Context{context.Background(), func() context.Context {
		c, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		return c
	}()} {
		g := newGuest(t, func(c *Config) { c.Stdin = reader(func([]byte) (int, error) { panic("reader") }) })
		g.ctx = ctx
		func() {
			defer func() {
				if value := recover(); value != "reader" {
					t.Errorf("recovered %v", value)
				}
			}()
			g.read(0, 1)
		}()
	}
}

type reader func([]byte) (int, error)

func (r reader) Read(p []byte) (int, error) { return r(p) }

// subscribe places a subscription in the layout of the guest's version.
func (g *guest) subscribe(list []byte, userdata uint64, event byte, id uint32, timeout uint64, flags uint16) []byte {
	size, shift := 48, 0
	if g.old {
		size, shift = 56, 8
	}
	item := make([]byte, size)
	m := memory(item)
	m.putUint64(0, userdata)
	item[8] = event
	if event != eventClock {
		m.putUint32(16, id)
	} else {
		m.putUint32(uint64(16+shift), id)
		m.putUint64(uint64(24+shift), timeout)
		m.putUint16(uint64(40+shift), flags)
	}
	return append(list, item...)
}

type event struct {
	userdata uint64
	errno    Errno
	kind     uint8
	bytes    uint64
}

func (g *guest) poll(list []byte, count int) ([]event, Errno) {
	in, out, result := g.place(list), g.room(32*count), g.room(4)
	errno := g.call("poll_oneoff", in, out, uint64(count), result)
	var events []event
	for i := range uint64(g.u32(result)) {
		at := out + 32*i
		events = append(events, event{g.u64(at), Errno(g.memory[at+8]) | Errno(g.memory[at+9])<<8, g.memory[at+10], g.u64(at + 16)})
	}
	return events, errno
}

func TestPoll(t *testing.T) {
	for _, old := range []bool{false, true} {
		r, w := io.Pipe()
		g := newGuest(t, func(c *Config) { c.Stdin = r })
		g.old = old
		file := uint32(g.mustOpen("file", 0, 0))
		expect := func(list []byte, count int, expected ...event) {
			t.Helper()
			events, errno := g.poll(list, count)
			if errno != Success || len(events) != len(expected) {
				t.Fatalf("poll_oneoff: %d, %+v, expected %+v", errno, events, expected)
			}
			for i := range events {
				if events[i] != expected[i] {
					t.Errorf("event %+v, expected %+v", events[i], expected[i])
				}
			}
		}
		now := uint64(time.Now().UnixNano())
		list := g.subscribe(nil, 7, eventClock, clockMonotonic, 1_000_000, 0)
		expect(list, 1, event{userdata: 7})
		expect(g.subscribe(list, 8, eventClock, clockRealtime, now-1000, 1), 2, event{userdata: 8})
		expect(g.subscribe(nil, 9, eventClock, clockRealtime, now+1_000_000, 1), 1, event{userdata: 9})
		expect(g.subscribe(nil, 9, eventClock, 17, 0, 0), 1, event{userdata: 9, errno: EINVAL})
		expect(g.subscribe(nil, 9, eventClock, clockMonotonic, 0, 2), 1, event{userdata: 9, errno: EINVAL})
		expect(g.subscribe(nil, 9, 3, 0, 0, 0), 1, event{userdata: 9, errno: EINVAL, kind: 3})
		list = g.subscribe(nil, 1, eventRead, file, 0, 0)
		list = g.subscribe(list, 2, eventWrite, 1, 0, 0)
		list = g.subscribe(list, 3, eventRead, 99, 0, 0)
		list = g.subscribe(list, 4, eventWrite, 0, 0, 0)
		list = g.subscribe(list, 5, eventClock, clockMonotonic, 1<<62, 0)
		expect(list, 5, event{1, Success, eventRead, 5}, event{2, Success, eventWrite, 1 << 16}, event{3, EBADF, eventRead, 0}, event{4, ENOTCAPABLE, eventWrite, 0})

		list = g.subscribe(nil, 1, eventRead, 0, 0, 0)
		list = g.subscribe(list, 2, eventClock, clockMonotonic, 1<<64-1, 0)
		go io.WriteString(w, "abc")
		expect(list, 2, event{1, Success, eventRead, 3})
		if text, _ := g.read(0, 10); text != "abc" {
			t.Errorf("read %q", text)
		}
		expect(g.subscribe(g.subscribe(nil, 1, eventRead, 0, 0, 0), 2, eventClock, clockMonotonic, 1000, 0), 2, event{userdata: 2})
		ctx, cancel := context.WithCancel(context.Background())
		g.ctx = ctx
		time.AfterFunc(time.Millisecond, cancel)
		if _, errno := g.poll(list, 2); errno != EINTR {
			t.Errorf("a cancelled poll returned %d", errno)
		}
		g.expect(EINVAL, "poll_oneoff", 0, 0, 0, g.room(4))
		w.Close()
	}
}

// TestNonblock: a read that does not want to wait says EAGAIN until there is something.
func TestNonblock(t *testing.T) {
	r, w := io.Pipe()
	g := newGuest(t, func(c *Config) { c.Stdin = r })
	g.expect(Success, "fd_fdstat_set_flags", 0, uint64(flagNonblock))
	_, errno := g.read(0, 5)
	g.check("fd_read", errno, EAGAIN)
	go io.WriteString(w, "abc")
	if _, errno := g.poll(g.subscribe(nil, 1, eventRead, 0, 0, 0), 1); errno != Success {
		t.Fatal(errno)
	}
	if text, errno := g.read(0, 5); text != "abc" || errno != Success {
		t.Errorf("read %q, %d", text, errno)
	}
}

func TestClocksAndRandom(t *testing.T) {
	now, slept := time.Unix(1000, 5), time.Duration(0)
	g := newGuest(t, func(c *Config) {
		c.Random = strings.NewReader("0123456789")
		c.Clock = Clock{
			Realtime: func() time.Time { return now }, Monotonic: func() time.Duration { return 77 },
			Sleep: func(_ context.Context, d time.Duration) error { slept += d; return nil },
		}
	})
	at := g.room(8)
	for id, expected := range []uint64{1_000_000_000_005, 77, 77, 77} {
		g.expect(Success, "clock_time_get", uint64(id), 0, at)
		if g.u64(at) != expected {
			t.Errorf("clock %d is %d", id, g.u64(at))
		}
		g.expect(Success, "clock_res_get", uint64(id), at)
		if g.u64(at) == 0 {
			t.Errorf("clock %d has no resolution", id)
		}
	}
	g.expect(EINVAL, "clock_time_get", 4, 0, at)
	g.expect(EINVAL, "clock_res_get", 4, at)
	if events, errno := g.poll(g.subscribe(nil, 1, eventClock, clockMonotonic, 1e12, 0), 1); errno != Success || len(events) != 1 || slept != 1000*time.Second {
		t.Errorf("slept %v, %+v, %d", slept, events, errno)
	}
	g.expect(Success, "random_get", at, 8)
	if text := string(g.memory[at : at+8]); text != "01234567" {
		t.Errorf("random bytes %q", text)
	}
	g.expect(EIO, "random_get", at, 8)
	g = newGuest(t)
	last := uint64(0)
	for range 3 {
		g.expect(Success, "clock_time_get", 1, 0, at)
		if g.u64(at) < last || g.u64(at) == 0 {
			t.Errorf("the monotonic clock goes from %d to %d", last, g.u64(at))
		}
		last = g.u64(at)
	}
	g.expect(Success, "clock_time_get", 2, 0, at)
	g.expect(Success, "random_get", at, 8)
	g.expect(Success, "random_get", at, 0)
	g.expect(Success, "sched_yield")
	g.expect(ENOSYS, "proc_raise", 6)
}

func TestSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	g := newGuest(t, func(c *Config) { c.Listeners = []net.Listener{l} })
	const listening = fdMap + 1
	g.expect(Success, "fd_fdstat_set_flags", listening, uint64(flagNonblock))
	g.expect(EAGAIN, "sock_accept", listening, 0, g.room(4))
	g.expect(Success, "fd_fdstat_set_flags", listening, 0)
	ctx, cancel := context.WithCancel(context.Background())
	g.ctx = ctx
	time.AfterFunc(time.Millisecond, cancel)
	g.expect(EINTR, "sock_accept", listening, 0, g.room(4))
	g.ctx = context.Background()
	client, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer client.Close()
	result := g.room(4)
	g.expect(EINVAL, "sock_accept", listening, 2, result)
	g.expect(Success, "sock_accept", listening, 0, result)
	conn := uint64(g.u32(result))
	stat := g.room(24)
	g.expect(Success, "fd_fdstat_get", conn, stat)
	if FileType(g.memory[stat]) != TypeSocketStream {
		t.Errorf("type %d", g.memory[stat])
	}
	io.WriteString(client, "hello")
	list, count := g.vectors(make([]byte, 2), make([]byte, 3))
	received, flags := g.room(4), g.room(2)
	g.expect(Success, "sock_recv", conn, list, count, uint64(recvPeek), received, flags)
	if g.u32(received) != 2 {
		t.Errorf("peeked %d bytes", g.u32(received))
	}
	g.expect(Success, "sock_recv", conn, list, count, uint64(recvWaitAll), received, flags)
	if g.u32(received) != 5 || string(g.memory[g.u32(list):g.u32(list)+2]) != "he" {
		t.Errorf("received %d bytes", g.u32(received))
	}
	g.expect(EINVAL, "sock_recv", conn, list, count, 4, received, flags)
	g.expect(ENOTCONN, "sock_recv", listening, list, count, 0, received, flags)
	g.expect(ENOTSOCK, "sock_recv", 1, list, count, 0, received, flags)
	g.expect(EINVAL, "sock_accept", conn, 0, result)
	g.expect(EINVAL, "sock_send", conn, list, count, 1, received)
	g.expect(Success, "sock_send", conn, list, count, 0, received)
	g.check("fd_write", g.write(conn, "!"), Success)
	buffer := make([]byte, 6)
	if _, err := io.ReadFull(client, buffer); err != nil || string(buffer) != "hello!" {
		t.Errorf("the client got %q, %v", buffer, err)
	}
	g.expect(EINVAL, "sock_shutdown", conn, 0)
	g.expect(EINVAL, "sock_shutdown", conn, 4)
	g.expect(ENOTSOCK, "sock_shutdown", 1, 1)
	g.expect(EBADF, "sock_shutdown", 99, 1)
	g.expect(Success, "sock_shutdown", conn, 2)
	if n, err := client.Read(buffer); n != 0 || err != io.EOF {
		t.Errorf("the client got %d bytes, %v", n, err)
	}
	client.Close()
	if text, errno := g.read(conn, 5); text != "" || errno != Success {
		t.Errorf("after the end read %q, %d", text, errno)
	}
	g.expect(Success, "fd_close", conn)
}

// TestNoAllocations: the calls that programs make most do not allocate.
func TestNoAllocations(t *testing.T) {
	g := newGuest(t, func(c *Config) { c.Stdin = zeros{} })
	file := g.mustOpen("file", 0, 0)
	list, count := g.vectors([]byte("ab"), []byte("cd"))
	result := g.room(8)
	calls := map[string][]uint64{
		"fd_write": {1, list, count, result}, "fd_read": {0, list, count, result}, "fd_pwrite": {file, list, count, 0, result},
		"fd_pread": {file, list, count, 0, result}, "clock_time_get": {1, 0, result}, "random_get": {result, 8}, "fd_seek": {file, 0, 0, result},
	}
	functions := Functions(Snapshot1)
	for i := range functions {
		args := calls[functions[i].Name]
		if args == nil {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { functions[i].Call(g.system, g, args) }); n > 0 {
			t.Errorf("%s makes %v allocations", functions[i].Name, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
