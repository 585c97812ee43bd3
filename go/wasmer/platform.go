package wasmer

import "github.com/gowasmer/wasmer/go/internal/image"

// ErrUnsupportedPlatform is wrapped by errors on systems without an engine. Programs build there,
// and the first use of this package fails. It runs on linux/amd64 and linux/arm64.
var ErrUnsupportedPlatform = errUnsupportedPlatform

// errUnsupportedPlatform is that of package image, which the documentation need not show.
var errUnsupportedPlatform = image.ErrUnsupportedPlatform
