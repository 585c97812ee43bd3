//go:build linux && (amd64 || arm64) && gowasmer_static && !cgo

package engine

// The tag gowasmer_static links the engine as a static library by cgo, which is switched off, or
// for which there is no C compiler. This is the only mistake that the compiler finds then, so that
// its message says so.
var _ = gowasmer_static_needs_cgo
