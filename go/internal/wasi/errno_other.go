//go:build !unix

package wasi

import "syscall"

// systemErrno leaves it to what errors are by package fs.
func systemErrno(syscall.Errno) (Errno, bool) { return 0, false }
