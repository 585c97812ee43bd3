package wasi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
)

// streamInput is what a guest reads a stream by: input, or fileInput where the system can tell
// whether a read would block.
type streamInput interface {
	object
	pollable
}

// input reads from an io.Reader. Where a read may block, and there is a context that may end or the
// guest does not want to wait, a goroutine reads in the background: what it gets later is kept for
// the next read. There is one such goroutine at most, which lives for one read of the Reader and is
// left behind if that never returns.
type input struct {
	nothing
	reader   io.Reader
	fileType FileType
	file     *os.File // of which attributes are known, or nil

	// direct says that reads do not block: they go straight to the reader.
	direct bool

	mutex   sync.Mutex
	buffer  []byte // of the goroutine
	got     []byte // what it has read, a part of buffer
	err     error  // what it ended with, to be told after got
	panics  any    // what it panicked with, likewise
	reading bool   // somebody reads
	wanted  int    // how many bytes
	waiters waiters
	fill    func() // read in the background; made once, so that starting it allocates nothing
}

// maxBackground is how much is read at once in the background.
const maxBackground = 64 << 10

// newStdin makes what a guest reads its standard input from. A regular file is one for the guest
// too.
func newStdin(r io.Reader) object {
	if r == nil {
		return &input{direct: true, reader: strings.NewReader("")}
	}
	if file, ok := r.(*os.File); ok {
		if file == nil {
			return &input{direct: true, reader: strings.NewReader("")}
		}
		if info, err := file.Stat(); err == nil {
			if info.Mode().IsRegular() {
				return &hostFile{file: file, borrowed: true, readOnly: true}
			}
			return newFileInput(file, typeOf(info.Mode()))
		}
	}
	return newInput(r, TypeUnknown, nil)
}

func newInput(r io.Reader, fileType FileType, file *os.File) *input {
	in := &input{reader: r, fileType: fileType, file: file}
	switch r.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		in.direct = true
	}
	in.fill = in.background
	return in
}

func (in *input) kind() FileType { return in.fileType }

func (in *input) attributes() (attributes, Errno) { return streamAttributes(in.file, in.fileType) }

// seek is for devices: for terminals, pipes and sockets the system says ESPIPE.
func (in *input) seek(offset int64, whence int) (int64, Errno) {
	return seekStream(in.file, offset, whence)
}

func seekStream(file *os.File, offset int64, whence int) (int64, Errno) {
	if file == nil {
		return 0, ESPIPE
	}
	position, err := file.Seek(offset, whence)
	return position, errnoOf(err)
}

// fileStream is a stream that may be a file of the host.
type fileStream interface{ stream() *os.File }

func (in *input) stream() *os.File { return in.file }

// isDevice reports whether a stream is a character device that is no terminal, such as /dev/null.
// Guests tell the two by the right to seek.
func isDevice(o object) bool {
	s, ok := o.(fileStream)
	return ok && s.stream() != nil && o.kind() == TypeCharacterDevice && !isTerminal(s.stream())
}

// streamAttributes are those of the file behind a stream, without its size, which means nothing to
// the guest.
func streamAttributes(file *os.File, fileType FileType) (attributes, Errno) {
	at := attributes{kind: fileType, nlink: 1}
	if file != nil {
		info, err := file.Stat()
		if err != nil {
			return at, errnoOf(err)
		}
		at = hostAttributes(info)
		at.kind, at.size = fileType, 0
	}
	return at, Success
}

func (in *input) read(ctx context.Context, to []byte, nonblock bool) (int, Errno) {
	return in.take(ctx, to, nonblock, false)
}

// take is read; with peek, what was read stays for the next one.
func (in *input) take(ctx context.Context, to []byte, nonblock, peek bool) (int, Errno) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	if in.direct && !peek {
		n, err := in.reader.Read(to)
		return result(to, n, err)
	}
	for {
		if n, errno, ok := in.deliver(to, peek); ok {
			return n, errno
		}
		switch {
		case in.reading:
		case !nonblock && !peek && ctx.Done() == nil:
			return in.foreground(to)
		default:
			in.start(len(to))
		}
		if nonblock {
			return 0, EAGAIN
		}
		if !in.wait(ctx) {
			return 0, EINTR
		}
	}
}

// deliver gives what the goroutine got, if it got something.
func (in *input) deliver(to []byte, peek bool) (int, Errno, bool) {
	if len(in.got) > 0 {
		n := copy(to, in.got)
		if !peek {
			in.got = in.got[n:]
		}
		return n, Success, true
	}
	if in.panics != nil {
		value := in.panics
		in.panics = nil
		panic(value)
	}
	if in.err == nil {
		return 0, Success, false
	}
	err := in.err
	if !peek {
		in.err = nil // a terminal goes on after its end
	}
	n, errno := result(nil, 0, err)
	return n, errno, true
}

// result gives what a Reader returned that was given a buffer: bytes go before errors, and the end
// is no error.
func result(buffer []byte, n int, err error) (int, Errno) {
	n = min(max(n, 0), len(buffer))
	if n > 0 || err == nil || errors.Is(err, io.EOF) {
		return n, Success
	}
	return 0, errnoOf(err)
}

// foreground reads without a goroutine: nothing could end the wait. It lets the lock go meanwhile.
func (in *input) foreground(to []byte) (int, Errno) {
	in.reading = true
	in.mutex.Unlock()
	defer func() {
		in.mutex.Lock()
		in.reading = false
		in.waiters.wake()
	}()
	n, err := in.reader.Read(to)
	if err != nil && n > 0 {
		in.mutex.Lock()
		in.err = err
		in.mutex.Unlock()
	}
	return result(to, n, err)
}

// start reads in the background.
func (in *input) start(wanted int) {
	in.reading, in.wanted = true, min(max(wanted, 1), maxBackground)
	go in.fill()
}

func (in *input) background() {
	if len(in.buffer) < in.wanted { // only this goroutine uses it while reading is set
		in.buffer = make([]byte, in.wanted)
	}
	var n int
	var err error
	defer func() {
		value := recover()
		if value != nil {
			err = nil
		}
		in.mutex.Lock()
		defer in.mutex.Unlock()
		in.got, in.err, in.panics, in.reading = in.buffer[:n], err, value, false
		in.waiters.wake()
	}()
	for range 100 {
		err = errEnded
		var got int
		got, err = in.reader.Read(in.buffer[:in.wanted])
		if n = min(max(got, 0), in.wanted); n > 0 || err != nil {
			return
		}
	}
	err = io.ErrNoProgress
}

// errEnded is the error of what was called in a goroutine and ended it (runtime.Goexit).
var errEnded = errors.New("the goroutine was ended")

// wait waits until somebody wakes, and reports whether it was not the end of the context. The mutex
// is held, save while it waits.
func (in *input) wait(ctx context.Context) bool {
	waker := wakers.Get().(chan struct{})
	in.waiters.add(waker)
	in.mutex.Unlock()
	woken := true
	select {
	case <-waker:
	case <-ctx.Done():
		woken = false
	}
	in.mutex.Lock()
	in.waiters.remove(waker)
	recycle(waker)
	return woken
}

// watch implements pollable.
func (in *input) watch(waker chan struct{}) readiness {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	switch {
	case in.direct:
		r := readiness{ready: true, bytes: 1}
		if sized, ok := in.reader.(interface{ Len() int }); ok {
			r.bytes = uint64(sized.Len())
		}
		return r
	case len(in.got) > 0:
		return readiness{ready: true, bytes: uint64(len(in.got))}
	case in.panics != nil || in.err != nil:
		return readiness{ready: true, hangup: in.err == io.EOF}
	}
	if !in.reading {
		in.start(maxBackground)
	}
	in.waiters.add(waker)
	return readiness{}
}

// unwatch implements pollable.
func (in *input) unwatch(waker chan struct{}) {
	in.mutex.Lock()
	defer in.mutex.Unlock()
	in.waiters.remove(waker)
}

// close leaves the reader alone: the embedder gave it.
func (in *input) close() Errno { return Success }
