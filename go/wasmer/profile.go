package wasmer

import (
	"io"

	"github.com/gowasmer/wasmer/go/internal/profile"
)

// StartCPUProfile begins a CPU profile of the program and its guests. [StopCPUProfile] writes it
// to w, in the format of pprof, which "go tool pprof" reads.
//
// The profile is that of [pprof.StartCPUProfile], which runs underneath. What this function adds
// is where guests are: their functions stand by name on top of the Go functions that have called
// them, inlined functions included, with files and lines where a module has debugging information
// (DWARF). Names are as in backtraces, such as "module!function", or "function 7" where a module
// has none. In a profile of package runtime/pprof alone, the time of guests counts for the
// function that enters them. Guests run no slower than under any CPU profile of Go, which takes
// 100 samples a second.
//
// Only one profile is taken at a time. It is an error if there is one already, begun by this
// function, by package runtime/pprof, or by "go test -cpuprofile", or if the system is not one
// that this package supports.
//
// [pprof.StartCPUProfile]: https://pkg.go.dev/runtime/pprof#StartCPUProfile
func StartCPUProfile(w io.Writer) error { return profile.Start(w) }

// StopCPUProfile ends the profile that [StartCPUProfile] has begun, and writes it. It does nothing
// if there is none. Modules that were closed meanwhile are in the profile, too. The error is that
// of the writer, or tells that the profile cannot be made.
func StopCPUProfile() error { return profile.Stop() }
