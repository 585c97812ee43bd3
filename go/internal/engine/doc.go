// Package engine wraps the C ABI of the Rust library (rust/engine/src/ffi) one to one in Go types. It is the only package of this
// module that uses cgo, and it holds no policy: handles must be freed by whoever got them, once, and not be used afterwards.
//
// Go values never cross: host functions are numbers here, and every pointer that crosses is either one of C memory or is used
// only during the call.
package engine
