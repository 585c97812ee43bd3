package engine

import "sync"

// initialise prepares what is loaded. The engine remembers what came of that.
var initialise = sync.OnceValue(func() error { return initWith(Options{}) })

// Init prepares the engine with its defaults: it installs the signal handlers and reserves address space. It is cheap to call
// again, and gives the same answer then, unless the system had no memory for the image.
func Init() error {
	if err := load(); err != nil {
		return err
	}
	return initialise()
}

// InitWith is Init with options; they have no effect when the engine is running already.
func InitWith(options Options) error {
	if err := load(); err != nil {
		return err
	}
	return initWith(options)
}

func initWith(options Options) error {
	if err := engineInit(options); err != nil {
		return err
	}
	findPauses()
	return nil
}

// ClockMonotonic returns the nanoseconds of the system's monotonic clock, by which ClockRead counts.
func ClockMonotonic() int64 { return clockMonotonic() }

// ReadStats returns the current counts.
func ReadStats() Stats { return statsRead() }
