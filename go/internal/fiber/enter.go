//go:build linux && (amd64 || arm64)

package fiber

import (
	"context"
	"unsafe"
)

// run calls the context block's function on the guest's stack, has dispatch serve what the guest
// leaves for, and resumes it, until the guest is done (0) or dispatch does not want it to go on
// (1). call and f are for dispatch.
//
//go:noescape
func run(block unsafe.Pointer, f *Fiber, call context.Context) uint64
