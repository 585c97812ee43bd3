package wasmer

import (
	"errors"
	"fmt"
)

// ExitError is the error of a call during which the guest called proc_exit: find it by [errors.As].
// A command that ends by returning from its function "_start" returns no error; one that exits with
// code 0, as most do that call exit, returns an ExitError with this code, which [Wasi.Run] takes
// for success.
type ExitError struct {
	// Code is the exit code, 0 for success. Systems keep the low 8 bits of it.
	Code uint32
}

// Error returns a text with the code.
func (e *ExitError) Error() string { return fmt.Sprintf("the guest exited with code %d", e.Code) }

// exitOf takes code 0 for success.
func exitOf(err error) error {
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code == 0 {
		return nil
	}
	return err
}
