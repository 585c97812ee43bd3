// Package cfuncs has the C functions that the tests import into guests by their pointers, and looks
// at threads and signals. Test files cannot use cgo themselves, and without cgo they are built,
// too.
package cfuncs
