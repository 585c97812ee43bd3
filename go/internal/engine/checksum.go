package engine

import (
	"fmt"
	"hash/crc32"
	"runtime"
	"runtime/debug"
	"sync"
)

// This file computes the checksum of serialised modules: CRC-32, for which Go has instructions that
// the engine must not use. Large modules are read in parallel.

// checksumPiece is how many bytes a goroutine reads at least.
const checksumPiece = 4 << 20

// checksum returns the CRC-32 of what the engine checks. Bytes of a file that is mapped may be such
// as cannot be read, which is an error.
func checksum(bytes []byte) (uint32, error) {
	return checksumBy(bytes[min(len(bytes), gwSerializedChecked):], runtime.GOMAXPROCS(0), checksumPiece)
}

// checksumBy returns the CRC-32 of bytes, computed by so many goroutines at most, which read pieces
// of some size at least.
func checksumBy(bytes []byte, goroutines, least int) (uint32, error) {
	pieces := max(1, min(goroutines, len(bytes)/least))
	size := (len(bytes) + pieces - 1) / pieces
	piece := func(i int) []byte { return bytes[min(i*size, len(bytes)):min((i+1)*size, len(bytes))] }
	sums, failures := make([]uint32, pieces), make([]error, pieces)
	var others sync.WaitGroup
	for i := 1; i < pieces; i++ {
		others.Go(func() { sums[i], failures[i] = readable(piece(i)) })
	}
	sums[0], failures[0] = readable(piece(0))
	others.Wait()
	sum := uint32(0)
	for i := range pieces {
		if failures[i] != nil {
			return 0, failures[i]
		}
		sum = times(sum, afterBytes(len(piece(i)))) ^ sums[i]
	}
	return sum, nil
}

// readable returns the CRC-32 of bytes, or why they cannot be read.
func readable(bytes []byte) (sum uint32, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
	}()
	return crc32.ChecksumIEEE(bytes), nil
}

// A CRC-32 is a polynomial over the numbers 0 and 1, whose highest bit is that of x^0, modulo that
// of crc32.IEEE. The sum of two pieces is that of the first one times x^(8n), where n is the number
// of bytes of the second one, plus that of the second one.

// one is x^0.
const one = uint32(1) << 31

// times multiplies two polynomials.
func times(a, b uint32) (product uint32) {
	for ; a != 0; a <<= 1 {
		if a&one != 0 {
			product ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}

// afterBytes returns x^(8n).
func afterBytes(n int) uint32 {
	power, square := one, one>>8 // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			power = times(power, square)
		}
		square = times(square, square)
	}
	return power
}
