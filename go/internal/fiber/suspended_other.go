//go:build !amd64 && !arm64

package fiber

// There is no engine, so no guest is ever suspended.
const (
	suspendedFp = 0
	suspendedPc = 8
)
