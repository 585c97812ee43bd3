package fiber

import "github.com/gowasmer/wasmer/go/internal/engine"

// HostError is the error of a host function, and where the guest called it.
type HostError struct {
	// Err is the error.
	Err error
	// Frames is the guest's stack, the function that called the host function first.
	Frames []engine.Frame
	// LeftOut is how many frames farther out are missing.
	LeftOut int
}

// Error returns the text of the error.
func (e *HostError) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *HostError) Unwrap() error { return e.Err }

// hostError adds the frames of the guest, which is suspended in a host call, to the host function's
// error. It must not be resumed.
func (f *Fiber) hostError(err error) error {
	info := engine.Trap(f.ctx)
	return &HostError{Err: err, Frames: info.Frames, LeftOut: info.LeftOut}
}
