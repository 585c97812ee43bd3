//go:build !unix

package fiber

// EnsurePauses does nothing: there is no engine on this system.
func EnsurePauses() {}
