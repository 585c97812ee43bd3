//go:build linux

package wasi

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"
)

// TestWritingToAFileIsCancelled: a guest that writes to a standard output which nobody reads is stopped by its context, and what it was told was written arrives, and
// no more.
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

// TestWritingToAFile: with a context that may end, all arrives, also in pieces; a broken pipe and a closed file are errors.
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
