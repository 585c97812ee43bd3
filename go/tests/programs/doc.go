// Package programs runs real programs as WASI guests: the standard library's own tests, built for
// wasip1 and compared with what wazero makes of them; programs in C, Rust, Zig and TinyGo; SQLite;
// interpreters of Python and JavaScript.
//
// What is fetched from the registries of Go and Python (15 MB) is kept in build/programs. With
// -short, what takes minutes is left out.
package programs
