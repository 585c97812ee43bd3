//go:build linux && (amd64 || arm64)

package engine

/*
#cgo LDFLAGS: ${SRCDIR}/../../../build/libgowasmer.a -lm -ldl -lpthread
#cgo noescape gw_engine_init
#cgo nocallback gw_engine_init
#cgo nocallback gw_clock_monotonic
#cgo noescape gw_stats_read
#cgo nocallback gw_stats_read
#include "wasmer.h"
*/
import "C"

import "sync"

// Options of the engine; the first Init of the process decides.
type Options struct {
	// FiberArenaBytes is the address space to reserve for the stacks of calls; 0 means 64 GiB.
	FiberArenaBytes uint64
	// StackSize is the size of one stack in bytes, a power of two; 0 means 1 MiB.
	StackSize uint64
}

var initialise = sync.OnceValue(func() error { return InitWith(Options{}) })

// Init prepares the engine with its defaults: it installs the signal handlers and reserves address space. It is cheap to call
// again, and gives the same answer then.
func Init() error { return initialise() }

// InitWith is Init with options; they have no effect when the engine is running already.
func InitWith(options Options) error {
	c := C.gw_engine_options{
		fiber_arena_bytes: C.uint64_t(options.FiberArenaBytes),
		stack_size:        C.uint64_t(options.StackSize),
	}
	return takeError(C.gw_engine_init(&c))
}

// ClockMonotonic returns the nanoseconds of the system's monotonic clock, by which ClockRead counts.
func ClockMonotonic() int64 { return int64(C.gw_clock_monotonic()) }

// Stats counts what the engine holds at the moment.
type Stats struct {
	// Instances, Modules, Stores, Memories and Fibers are numbers of living objects.
	Instances, Modules, Stores, Memories, Fibers uint64
	// Mappings is the number of memory mappings that are counted against vm.max_map_count.
	Mappings uint64
	// CodeBytes is the number of bytes of compiled code that is loaded.
	CodeBytes uint64
}

// ReadStats returns the current counts.
func ReadStats() Stats {
	var c C.gw_stats
	C.gw_stats_read(&c)
	return Stats{
		Instances: uint64(c.instances),
		Modules:   uint64(c.modules),
		Stores:    uint64(c.stores),
		Memories:  uint64(c.memories),
		Fibers:    uint64(c.fibers),
		Mappings:  uint64(c.mappings),
		CodeBytes: uint64(c.code_bytes),
	}
}
