package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// The sizes of the stacks of guests.
const (
	defaultStackSize = 1 << 20
	minStackSize     = 256 << 10
	maxStackSize     = 1 << 30
)

// SetStackSize sets the size of the stacks that guests run on, in bytes: a power of two from 256
// KiB to 1 GiB, of which a guard and the runtime take about 80 KiB. It is 1 MiB unless set. A guest
// that needs more traps with [ErrStackOverflow]; each call of Go into a guest has a stack of its
// own. A stack takes address space of its size, and memory as far as it is used. The stacks of all
// calls together have 64 GiB of address space, so that larger ones allow for fewer calls at a time.
//
// The size holds for the whole process, and must be set before this package is first used: the
// stack that code runs on is found by masking the stack pointer, which makes entering a guest
// cheap, and needs stacks of one size. The error tells that the size is not one of these, or that
// the engine runs already with another.
func SetStackSize(bytes uint64) error {
	if bytes < minStackSize || bytes > maxStackSize || bytes&(bytes-1) != 0 {
		return fmt.Errorf("stack size of %d bytes, expected a power of two from %d to %d", bytes, minStackSize, maxStackSize)
	}
	if bytes == defaultStackSize {
		bytes = 0 // as the engine names it
	}
	if !engine.Choose(func(options *engine.Options) { options.StackSize = bytes }) {
		return fmt.Errorf("stack size of %d bytes, but the engine runs with %d already; set it before the first use of the package",
			orDefault(bytes), orDefault(engine.Chosen().StackSize))
	}
	return nil
}

func orDefault(size uint64) uint64 {
	if size == 0 {
		return defaultStackSize
	}
	return size
}
