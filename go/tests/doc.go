// Package tests runs guests under everything that could go wrong: traps of every kind, endless
// loops, pauses at every place, nested calls, panics, signals, threads of C, exhausted resources
// and hostile bytes, in children of the test process where the process itself is at stake. It also
// holds one test for each behaviour of Go's runtime that the engine leans on.
//
// Environment: STRESS_SECONDS makes the stress test longer, SOAK=1 runs the leak tests in full.
package tests
