// Package cache keeps compiled modules in a folder, for this process and for others: each in a file
// that is named by all that it was made of.
//
// Several processes use a folder at the same time without locks. A file is written under another
// name and then renamed, so that it is never seen in part, and is never changed afterwards. Whoever
// reads it looks at its owner, its key and its checksum, and compiles the module if anything is
// wrong: what is damaged is replaced. Nothing is flushed to the disk, because a file that a crash
// of the system has damaged fails the checksum.
//
// The files hold machine code that is run as it is. So the folder and each file must belong to the
// user or to root, and nobody else may write to them.
package cache
