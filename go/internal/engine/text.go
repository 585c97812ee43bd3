package engine

import "context"

// Wat2Wasm translates a module from the text format to the binary format, without validating it. An error has a position.
func Wat2Wasm(text []byte) ([]byte, error) {
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	bytes, err := wat2wasm(context.Background(), heap, text)
	if err != nil {
		return nil, err
	}
	return takeWorkBytes(bytes), nil
}
