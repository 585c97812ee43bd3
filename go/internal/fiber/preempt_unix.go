//go:build unix

package fiber

import (
	"os"
	"os/signal"
	"syscall"
)

// EnsurePauses makes Go send its preemption signal again where the program has ignored it by
// signal.Ignore: Go's runtime then takes the first one as pending forever and sends no other, and
// an endless guest could not be paused. Call it before each instantiation, which puts the engine's
// handler back.
func EnsurePauses() {
	if signal.Ignored(syscall.SIGURG) {
		unused := make(chan os.Signal, 1)
		signal.Notify(unused, syscall.SIGURG) // puts Go's handler back
		signal.Stop(unused)                   // which leaves it there
	}
}
