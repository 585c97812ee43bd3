//go:build !linux || !(amd64 || arm64) || !cgo

package engine

// The identifier below exists nowhere: it is the error message of a build for a platform that has no engine yet, or of a build
// with CGO_ENABLED=0.
const _ = wasmer_runs_on_linux_amd64_with_CGO_ENABLED_1_only
