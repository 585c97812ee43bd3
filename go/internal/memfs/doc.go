// Package memfs is a file system in memory, with the methods of io/fs and those that change it. It
// is what wasmer.MemoryFS shows to users, and stands apart so that package wasi can be tested with
// it.
//
// Names are those of io/fs: without "." and "..", from the root, which is ".". Symbolic links may
// have ".." in them, and are followed within the file system only.
package memfs
