//go:build !cgo

package profile

const cgo = false
