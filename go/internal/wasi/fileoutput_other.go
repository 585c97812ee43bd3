//go:build !linux

package wasi

import (
	"context"
	"os"
)

// writeUntilDone writes to a pipe or a device of the host. It ends with the context if the file
// knows deadlines.
func writeUntilDone(ctx context.Context, file *os.File, _ FileType, buffer []byte) (int, Errno) {
	return writeUntil(ctx, file.SetWriteDeadline, func() (int, Errno) {
		n, err := file.Write(buffer)
		return written(buffer, n, err)
	})
}
