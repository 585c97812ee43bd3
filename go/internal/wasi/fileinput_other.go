//go:build !linux

package wasi

import "os"

// newFileInput makes the input of a file that is open for reading. It is read in the background
// where that may block.
func newFileInput(file *os.File, fileType FileType) streamInput {
	return newInput(file, fileType, file)
}
