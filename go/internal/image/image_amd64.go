//go:build linux && !gowasmer_static

package image

import _ "embed"

// The engine's image. rust/image makes it (make image). A string lies in the part of the program
// that is never written to: see source.go.
//
//go:embed image_amd64.bin
var embedded string

// embeddedSum has the image's SHA-256 and the toolchain that made it.
//
//go:embed image_amd64.sum
var embeddedSum string
