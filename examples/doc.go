// Package examples holds small programs, each a folder and a `main` to copy from. README.md lists
// them by what they show. Run them at the top of the repository, where they find their guests:
//
//	go run ./examples/simple
//
// The test here runs each program and compares what it prints with the file output.txt beside it.
package examples
