package engine

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestChecksumOfPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bytes := make([]byte, 5000)
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	for _, length := range []int{0, 1, 2, 3, 99, 100, 101, 999, 4096, 5000} {
		expected := crc32.ChecksumIEEE(bytes[:length])
		for _, goroutines := range []int{1, 2, 3, 7, 64} {
			for _, least := range []int{1, 100, 10_000} {
				if found, err := checksumBy(bytes[:length], goroutines, least); found != expected || err != nil {
					t.Errorf("%d bytes, %d goroutines, pieces of %d: %#x, %v, expected %#x",
						length, goroutines, least, found, err, expected)
				}
			}
		}
	}
}
