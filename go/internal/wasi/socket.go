package wasi

import (
	"context"
	"net"
	"sync"
)

// listener accepts connections in the background, as input reads: one that comes after the guest
// has given up waits for the next sock_accept.
type listener struct {
	nothing
	listener  net.Listener
	mutex     sync.Mutex
	accepted  []net.Conn
	err       error
	panics    any // what Accept panicked with, to be told as err is
	accepting bool
	closed    bool
	waiters   waiters
}

func newListener(l net.Listener) *listener { return &listener{listener: l} }

func (l *listener) kind() FileType { return TypeSocketStream }

// accept waits for a connection.
func (l *listener) accept(ctx context.Context, nonblock bool) (net.Conn, Errno) {
	waker := make(chan struct{}, 1)
	defer l.unwatch(waker)
	for {
		if l.watch(waker).ready {
			l.mutex.Lock()
			if len(l.accepted) > 0 {
				conn := l.accepted[0]
				l.accepted = l.accepted[1:]
				l.mutex.Unlock()
				return conn, Success
			}
			err, value := l.err, l.panics
			l.err, l.panics = nil, nil
			if l.closed && value == nil {
				err = net.ErrClosed
			}
			l.mutex.Unlock()
			switch {
			case value != nil:
				panic(value)
			case err != nil:
				return nil, errnoOf(err)
			case !nonblock:
				continue // another thread of the guest was faster; the waker is not on the list yet
			}
		}
		if nonblock {
			return nil, EAGAIN
		}
		select {
		case <-waker:
		case <-ctx.Done():
			return nil, EINTR
		}
	}
}

// watch implements pollable.
func (l *listener) watch(waker chan struct{}) readiness {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.accepted) > 0 || l.err != nil || l.panics != nil || l.closed {
		return readiness{ready: true, bytes: 1}
	}
	l.waiters.add(waker)
	if !l.accepting {
		l.accepting = true
		go l.background()
	}
	return readiness{}
}

func (l *listener) background() {
	var conn net.Conn
	err := errEnded
	defer func() {
		value := recover()
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.accepting = false
		switch {
		case value != nil:
			l.panics = value
		case err != nil:
			l.err = err
		case l.closed:
			conn.Close()
		default:
			l.accepted = append(l.accepted, conn)
		}
		l.waiters.wake()
	}()
	conn, err = l.listener.Accept()
}

// unwatch implements pollable.
func (l *listener) unwatch(waker chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.waiters.remove(waker)
}

// close closes connections that the guest has not asked for, and lets nobody wait any more. The
// listener is the embedder's.
func (l *listener) close() Errno {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, conn := range l.accepted {
		conn.Close()
	}
	l.accepted, l.closed = nil, true
	l.waiters.wake()
	return Success
}

// connection is an open connection.
type connection struct {
	*input
	conn net.Conn
}

func newConnection(conn net.Conn) *connection {
	return &connection{input: newInput(conn, TypeSocketStream, nil), conn: conn}
}

// write ends with the context, by a deadline.
func (c *connection) write(ctx context.Context, buffer []byte) (int, Errno) {
	return writeUntil(ctx, c.conn.SetWriteDeadline, func() (int, Errno) {
		n, err := c.conn.Write(buffer)
		return written(buffer, n, err)
	})
}

func (c *connection) close() Errno { return errnoOf(c.conn.Close()) }

// sockAccept: fd, flags of the new descriptor, where to write its number.
func (s *System) sockAccept(g Guest, a []uint64) Errno {
	d := s.descriptors.get(a[0])
	if d == nil {
		return EBADF
	}
	l, ok := d.object.(*listener)
	switch {
	case !ok:
		if d.object.kind() == TypeSocketStream {
			return EINVAL
		}
		return ENOTSOCK
	case !d.has(RightSockAccept):
		return ENOTCAPABLE
	case uint32(a[1])&^flagNonblock != 0:
		return EINVAL
	}
	if _, ok := memoryOf(g).window(uint32(a[2]), 4); !ok {
		return EFAULT
	}
	conn, errno := l.accept(g.Context(), d.nonblock())
	if errno != Success {
		return errno
	}
	fd, errno := s.descriptors.add(newDescriptor(newConnection(conn), Rights(d.inheriting.Load())&socketRights, 0, uint32(a[1])))
	if errno != Success {
		conn.Close()
		return errno
	}
	memoryOf(g).putUint32(a[2], fd)
	return Success
}

// connection finds a descriptor of a connection that has rights.
func (s *System) connection(fd uint64, rights Rights) (*descriptor, *connection, Errno) {
	d := s.descriptors.get(fd)
	if d == nil {
		return nil, nil, EBADF
	}
	c, ok := d.object.(*connection)
	switch {
	case !ok && d.object.kind() == TypeSocketStream:
		return nil, nil, ENOTCONN
	case !ok:
		return nil, nil, ENOTSOCK
	case !d.has(rights):
		return nil, nil, ENOTCAPABLE
	}
	return d, c, Success
}

// Flags of sock_recv.
const (
	recvPeek uint32 = 1 << iota
	recvWaitAll
)

// sockRecv: fd, buffers, their number, flags, where to write the number of bytes and the flags of
// what was received, of which there are none.
func (s *System) sockRecv(g Guest, a []uint64) Errno {
	d, c, errno := s.connection(a[0], RightFdRead)
	if errno != Success {
		return errno
	}
	flags := uint32(a[3])
	if flags&^(recvPeek|recvWaitAll) != 0 {
		return EINVAL
	}
	m := memoryOf(g)
	buffers, _, errno := m.vectors(a[1], a[2])
	if errno != Success {
		return errno
	}
	if _, ok := m.window(uint32(a[4]), 4); !ok {
		return EFAULT
	}
	if !m.putUint16(a[5], 0) {
		return EFAULT
	}
	total, errno := receive(g.Context(), d, c, buffers, flags)
	if errno != Success {
		return errno
	}
	memoryOf(g).putUint32(a[4], uint32(total))
	return Success
}

func receive(ctx context.Context, d *descriptor, c *connection, buffers vectors, flags uint32) (total int, errno Errno) {
	for i := range buffers.len() {
		buffer, ok := buffers.at(i)
		if !ok {
			return 0, EFAULT
		}
		for len(buffer) > 0 {
			var n int
			n, errno = c.take(ctx, buffer, d.nonblock() || total > 0 && flags&recvWaitAll == 0, flags&recvPeek != 0)
			total, buffer = total+n, buffer[n:]
			switch {
			case errno != Success && total > 0:
				return total, Success
			case errno != Success || n == 0 || flags&recvPeek != 0: // looking again would show the same bytes
				return total, errno
			case len(buffer) > 0 && flags&recvWaitAll == 0:
				return total, Success
			}
		}
	}
	return total, Success
}

// sockSend: fd, buffers, their number, flags (none are known), where to write the number of bytes.
func (s *System) sockSend(g Guest, a []uint64) Errno {
	d, _, errno := s.connection(a[0], RightFdWrite)
	if errno != Success {
		return errno
	}
	if uint32(a[3]) != 0 {
		return EINVAL
	}
	return s.writeFrom(d, g, a[1], a[2], a[4], -1)
}

// sockShutdown: fd, what to shut (1 reading, 2 writing).
func (s *System) sockShutdown(_ Guest, a []uint64) Errno {
	_, c, errno := s.connection(a[0], RightSockShutdown)
	if errno != Success {
		return errno
	}
	const reading, writing = 1, 2
	how := uint32(a[1])
	if how == 0 || how&^(reading|writing) != 0 {
		return EINVAL
	}
	if how&reading != 0 {
		if half, ok := c.conn.(interface{ CloseRead() error }); !ok {
			errno = ENOTSUP
		} else {
			errno = errnoOf(half.CloseRead())
		}
	}
	if how&writing != 0 && errno == Success {
		if half, ok := c.conn.(interface{ CloseWrite() error }); !ok {
			errno = ENOTSUP
		} else {
			errno = errnoOf(half.CloseWrite())
		}
	}
	return errno
}
