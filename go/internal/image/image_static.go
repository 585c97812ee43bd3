//go:build linux && (amd64 || arm64) && gowasmer_static

package image

// The engine is linked as a static library: there is no image in the program. What enters guests
// and asks for pauses is the same.
var embedded, embeddedSum string
