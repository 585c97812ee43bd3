//go:build !unix

package wasi

const processTimeResolution = 1

// processTime is elapsed time where the system does not tell better.
func (c *clock) processTime() int64 { return c.monotonic() }
