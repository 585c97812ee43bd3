package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"runtime"
	"sync"
	"sync/atomic"
)

// Key stands for a module and for all else that its code depends on.
type Key [sha256.Size]byte

// pieceSize is how many bytes are hashed in one piece: those of a large module are hashed in
// parallel.
const pieceSize = 1 << 20

// Sum returns the key of the bytes of a module, and of a text that has all else.
//
// It is SHA-256 of the text, the number of bytes, and SHA-256 of each piece of them: whoever
// provides modules must not be able to make two with one key.
func Sum(bytes []byte, text string) Key {
	sums := make([]byte, (len(bytes)+pieceSize-1)/pieceSize*sha256.Size)
	pieces := len(sums) / sha256.Size
	var next atomic.Int64
	hash := func() {
		for i := int(next.Add(1)) - 1; i < pieces; i = int(next.Add(1)) - 1 {
			sum := sha256.Sum256(bytes[i*pieceSize : min((i+1)*pieceSize, len(bytes))])
			copy(sums[i*sha256.Size:], sum[:])
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), pieces) - 1 {
		others.Go(hash)
	}
	hash()
	others.Wait()
	whole := sha256.New()
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(text)))
	whole.Write(length[:])
	whole.Write([]byte(text))
	binary.LittleEndian.PutUint64(length[:], uint64(len(bytes)))
	whole.Write(length[:])
	whole.Write(sums)
	return Key(whole.Sum(nil))
}

// extension ends the names of files with modules.
const extension = ".module"

// fileName is the name of the file for a key.
func (key Key) fileName() string { return hex.EncodeToString(key[:]) + extension }
