package engine

import "context"

// Wat2Wasm translates a module from the text format to the binary format, without validating it. An
// error of the text has a position. When the context is done it returns its error.
func Wat2Wasm(ctx context.Context, text []byte) ([]byte, error) {
	if err := Init(); err != nil { // without its signal handler nothing pauses the work
		return nil, err
	}
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	bytes, err := wat2wasm(ctx, heap, text)
	if err != nil {
		return nil, err
	}
	return takeWorkBytes(bytes), nil
}
