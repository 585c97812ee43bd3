//go:build !(linux && (amd64 || arm64))

package fiber

import (
	"context"
	"unsafe"
)

// run is never reached: where there is no engine there are no fibers.
func run(unsafe.Pointer, *Fiber, context.Context) uint64 { panic("fiber: no engine on this system") }
