package wasmer

import (
	"io"

	"github.com/gowasmer/wasmer/go/internal/profile"
)

// StartCPUProfile begins a CPU profile of the program and its guests. [StopCPUProfile] writes it to
// w, in the format of pprof: "go tool pprof" and all that reads profiles of Go takes it.
//
// It is [pprof.StartCPUProfile] that runs underneath, and the profile is Go's. What this function
// adds is where guests are: their functions stand by name on top of the Go functions that have
// called them, inlined functions included, and with files and lines where a module has debugging
// information (DWARF). Function names are as in backtraces, such as "module!function", or
// "function 7" where a module has no names. In a profile of package runtime/pprof alone, the time of
// guests counts for the function of this package that enters them. A guest runs as fast as without a
// profile, but for the 100 samples a second.
//
// One profile is taken at a time. It is an error if there is one already, be it begun by this
// function, by package runtime/pprof, or by "go test -cpuprofile", and on systems that this package
// does not support.
//
// [pprof.StartCPUProfile]: https://pkg.go.dev/runtime/pprof#StartCPUProfile
func StartCPUProfile(w io.Writer) error { return profile.Start(w) }

// StopCPUProfile ends the profile that [StartCPUProfile] has begun, and writes it. It does nothing if
// there is none. The error is that of the writer, or says that the profile cannot be read. Modules
// that were closed meanwhile are in the profile, too.
func StopCPUProfile() error { return profile.Stop() }
