// Package pauses pauses compilations at each instruction of the engine that they execute, once, and
// gives them up at many of these.
//
// A child compiles guests; its parent, the test, traces it (ptrace). What is found each time: a
// paused compilation goes on with the registers that it had, and makes the same bytes as one that
// nobody disturbs; one that is given up leaves nothing behind, and the next one makes the same
// bytes.
//
// The short form takes a few guests. With PAUSES set (make test-pauses) all small ones are
// compiled, compilations are given up at ten times as many instructions, and one is followed step
// by step, to see that no instruction was left out.
package pauses
