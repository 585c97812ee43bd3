//go:build !linux

package profile

import "errors"

// mapMemory is never reached: where there is no engine there are no guests.
func mapMemory(int) ([]byte, error) { return nil, errors.ErrUnsupported }
