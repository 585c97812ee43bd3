// Package examples holds small programs, each a folder and a `main` to copy from:
//
//	simple           compile, instantiate, call
//	imports-cgo      the guest calls a Go function by a C pointer (//export)
//	imports-closure  the guest calls Go closures: memory, data, context and errors in host functions
//	memory           read, write and grow the memory of a guest without copying
//	greet            pass strings to a guest and get strings back
//	errors           traps and backtraces, wrong calls, missing imports, endless loops, errors of the host
//	profile          a CPU profile with the functions of guests by name
//	goroutines       an instance for each goroutine, and one instance for all
//	globals-tables   share globals and tables of functions with a guest
//	funcref          give a guest Go functions, and functions of other guests, to call
//	externref        let a guest hold Go values
//	serialize        keep a compiled module in a file
//	wat              modules in the text format, in the program itself or generated
//	wasi-output      run a WASI program with arguments, an input, and its output captured
//	wasi-sandbox     a WASI program in one directory, which it cannot leave
//	wasi-memory-files  files of a WASI program in memory and in a zip archive
//	wasi-clock       a WASI program whose clocks and random source are replaced
//
// Build the engine once by `make library`; then run them at the top of the repository, where they find their guests:
//
//	go run ./examples/simple
//
// The test here runs each program and compares what it prints with the file output.txt beside it.
package examples
