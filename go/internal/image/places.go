//go:build linux && (amd64 || arm64)

package image

// Places are addresses for a test that looks into the process from outside, as a debugger does.
type Places struct {
	// CodeLow and CodeHigh are where the image's instructions lie, Base what they are counted from.
	Base, CodeLow, CodeHigh uintptr
	// StacksLow and StacksHigh are where the stacks lie, each at a multiple of StackSize.
	StacksLow, StacksHigh, StackSize uintptr
	// Call is the instruction at which every call of an entry begins on a stack.
	Call uintptr
	// Pausable and Status are 64-bit words of a stack, counted from its low end: whether what runs
	// there may be paused, and why it has left the last time, which Paused is one value of.
	Pausable, Status uintptr
	Paused           uint64
}

// FindPlaces returns them. Load must have succeeded.
func FindPlaces() Places {
	low := uintptr(stacks.base)
	return Places{
		Base: engineCode.base, CodeLow: engineCode.low, CodeHigh: engineCode.high,
		StacksLow: low, StacksHigh: low + uintptr(stacks.count)*stackSize, StackSize: stackSize,
		Call:     engine.call,
		Pausable: stackSize - ctxSize - headSize + headPausable,
		Status:   stackSize - ctxSize + ctxStatus,
		Paused:   statusPaused,
	}
}
