//go:build !linux || !amd64

package fiber

import (
	"context"
	"unsafe"
)

// Gates have no owners here, and nobody calls these.

func goroutine() uintptr { return 0 }

func takeOwned(*Gate) Outcome { return ownedRefused }

func callOwned(*Kept, unsafe.Pointer, context.Context, *uint64, int) Outcome { return ownedRefused }
