// Package engine wraps the C ABI of the Rust library (rust/engine/src/ffi) one to one in Go types.
// It is the only package of this module that uses cgo, and it holds no policy: handles must be
// freed by whoever got them, once, and not be used afterwards.
//
// The lower half is generated (bindings_gen.go): the enumerations and structures of the C ABI, and
// a Go function for each of its functions, which calls by number through an area. The form of the
// engine says how (form_static.go).
//
// Go values never cross: host functions are numbers here, and every pointer that crosses is either
// one of C memory or is used only during the call.
package engine
