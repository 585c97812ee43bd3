package memfs

import (
	"io"
	"sync/atomic"
	"syscall"
)

// budget is how many bytes a file system may take.
type budget struct {
	limit int64 // 0 for none
	used  atomic.Int64
}

// take takes a number of bytes, unless that would exceed the limit.
func (b *budget) take(bytes int64) bool {
	for {
		used := b.used.Load()
		if b.limit > 0 && bytes > b.limit-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+bytes) {
			return true
		}
	}
}

func (b *budget) give(bytes int64) { b.used.Add(-bytes) }

const (
	// pieceSize is the size of the pieces that files consist of.
	pieceSize = 64 << 10

	// maxFileSize is the size of the largest file, where no limit is smaller.
	maxFileSize = 1 << 46
)

// contents are the bytes of a file, in pieces. What was never written takes no memory and reads as
// zeros: pieces that are missing, and what lies behind the end of a piece. The capacity of a piece
// beyond its length is zero.
type contents struct {
	size   int64
	pieces map[int64][]byte
}

// readAt is that of io.ReaderAt.
func (c *contents) readAt(p []byte, offset int64) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if offset >= c.size {
		return 0, io.EOF
	}
	if left := c.size - offset; int64(len(p)) > left {
		p, err = p[:left], io.EOF
	}
	for n < len(p) {
		index, at := (offset+int64(n))/pieceSize, int((offset+int64(n))%pieceSize)
		to := p[n:min(len(p), n+pieceSize-at)]
		copied := 0
		if piece := c.pieces[index]; at < len(piece) {
			copied = copy(to, piece[at:])
		}
		clear(to[copied:])
		n += len(to)
	}
	return n, err
}

// writeAt is that of io.WriterAt; it writes what there is room for.
func (c *contents) writeAt(p []byte, offset int64, b *budget) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := mayBe(offset, int64(len(p)), b); err != nil {
		return 0, err
	}
	if c.pieces == nil {
		c.pieces = make(map[int64][]byte)
	}
	for n < len(p) {
		index, at := (offset+int64(n))/pieceSize, int((offset+int64(n))%pieceSize)
		from := p[n:min(len(p), n+pieceSize-at)]
		end := at + len(from)
		piece := c.pieces[index]
		if end > cap(piece) {
			larger := min(pieceSize, max(end, 2*cap(piece), 512))
			if !b.take(int64(larger - cap(piece))) {
				return n, syscall.ENOSPC
			}
			piece = append(make([]byte, 0, larger), piece...)
		}
		piece = piece[:max(end, len(piece))]
		copy(piece[at:], from)
		c.pieces[index] = piece
		n += len(from)
		c.size = max(c.size, offset+int64(n))
	}
	return n, nil
}

// mayBe returns an error if a file cannot be as large.
func mayBe(offset, length int64, b *budget) error {
	switch {
	case offset < 0:
		return syscall.EINVAL
	case offset > maxFileSize-length:
		return syscall.EFBIG
	case b.limit > 0 && offset+length > b.limit:
		return syscall.ENOSPC // so that who reads a file with holes needs no more memory than the limit
	}
	return nil
}

// truncate sets the size.
func (c *contents) truncate(size int64, b *budget) error {
	if size >= c.size {
		if err := mayBe(size, 0, b); err != nil {
			return err
		}
		c.size = size
		return nil
	}
	if size < 0 {
		return syscall.EINVAL
	}
	last, rest := size/pieceSize, int(size%pieceSize)
	for index, piece := range c.pieces {
		switch {
		case index > last || index == last && rest == 0:
			b.give(int64(cap(piece)))
			delete(c.pieces, index)
		case index == last && len(piece) > rest:
			clear(piece[rest:])
			c.pieces[index] = piece[:rest]
		}
	}
	c.size = size
	return nil
}
