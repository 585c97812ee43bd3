package engine

import "sync"

// initialise prepares what is loaded. The engine remembers what came of that.
var initialise = sync.OnceValue(func() error {
	chosen.Lock()
	chosen.fixed = true
	options := chosen.options
	chosen.Unlock()
	if err := engineInit(options); err != nil {
		return err
	}
	findPauses()
	return nil
})

// chosen are the options of the engine, fixed by its first use.
var chosen struct {
	sync.Mutex
	options Options
	fixed   bool
}

// Choose changes the options of the engine, before its first use. It reports whether that was still
// possible, or what is fixed is what change makes of it.
func Choose(change func(*Options)) bool {
	chosen.Lock()
	defer chosen.Unlock()
	options := chosen.options
	change(&options)
	if !chosen.fixed {
		chosen.options = options
	}
	return chosen.options == options
}

// Chosen returns the options of the engine.
func Chosen() Options {
	chosen.Lock()
	defer chosen.Unlock()
	return chosen.options
}

// Init prepares the engine with its options: it installs the signal handlers and reserves address
// space. It is cheap to call again, and gives the same answer then, unless the system had no memory
// for the image.
func Init() error {
	if err := load(); err != nil {
		return err
	}
	return initialise()
}

// ClockMonotonic returns the nanoseconds of the system's monotonic clock, by which ClockRead
// counts.
func ClockMonotonic() int64 { return clockMonotonic() }

// ReadStats returns the current counts.
func ReadStats() Stats { return statsRead() }
