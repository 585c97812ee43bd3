// Package core holds what every face of the engine needs, in terms of slots and handles: modules,
// instances, functions, memories, tables, globals, references, linking, stores, and how long each
// of them lives. It knows no public type, no conversion of Go values, and no text that a face is
// bound to.
//
// A face is a package with types of its own over those of core, as go/wasmer is. It converts
// arguments to slots and results back, wraps errors in its types and texts, and keeps its own value
// for a function, a memory, a global or a table in the Faces of these, so that it shows the same
// pointer each time.
//
// The files stand on floors: each uses what lies below it only (see TestFloors for their order).
// What refers to each other in a circle, an instance to its functions and its store and these back,
// is declared in one file, parts.go; what is done with it stands above.
package core
