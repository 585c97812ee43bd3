//go:build linux && !gowasmer_static

package image

import _ "embed"

// The engine's image. rust/image makes it (make image).
//
//go:embed image_amd64.bin
var embedded []byte
