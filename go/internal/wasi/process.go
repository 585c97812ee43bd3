package wasi

import (
	"crypto/rand"
	"io"
	"runtime"
	"sync"
)

// randomPiece is how much random_get makes at once; between pieces it looks at the context.
const randomPiece = 1 << 20

// randomGet fills a buffer from the random source.
func (s *System) randomGet(g Guest, a []uint64) Errno {
	buffer, ok := memoryOf(g).slice(a[0], a[1])
	if !ok {
		return EFAULT
	}
	for len(buffer) > 0 {
		piece := buffer[:min(len(buffer), randomPiece)]
		if s.random.reader == nil {
			if _, err := rand.Read(piece); err != nil {
				return EIO
			}
		} else if _, err := s.random.fill(piece); err != nil {
			return EIO
		}
		if buffer = buffer[len(piece):]; len(buffer) > 0 && g.Context().Err() != nil {
			return EINTR
		}
	}
	return Success
}

// lockedReader is a Reader, or nil, that is used by one goroutine at a time.
type lockedReader struct {
	mutex  sync.Mutex
	reader io.Reader
}

// fill reads as many bytes as there is room for.
func (r *lockedReader) fill(piece []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return io.ReadFull(r.reader, piece)
}

// schedYield lets other goroutines run.
func (s *System) schedYield(Guest, []uint64) Errno {
	runtime.Gosched()
	return Success
}

// procRaise: a guest has no signals. wasi-libc emulates them and never asks.
func (s *System) procRaise(Guest, []uint64) Errno { return ENOSYS }
