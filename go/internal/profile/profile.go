// Package profile takes CPU profiles of a program with its guests.
//
// Go's own profiler runs. While a guest runs, the engine's signal handler writes the guest's stack,
// and the Go functions that have called it, to a ring, and Go's handler counts the same signal at
// the function that enters guests. At the end the samples of the ring take the place of those.
//
// The package also knows which modules are loaded, and writes their functions to a map for perf, if
// that is asked for.
package profile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

const (
	// capacity is how many samples the ring has room for: those of 64 processors for a third of a
	// second, at Go's rate of 100 per second.
	capacity = 2048
	// interval is how often the ring is read.
	interval = 50 * time.Millisecond
)

// running is the profile that is being taken.
var running struct {
	mutex   sync.Mutex
	session *session
	to      io.Writer
	profile *bytes.Buffer // Go's
	stop    chan struct{}
	stopped chan struct{}
}

// ring is made by the first profile, and never freed: a signal handler may be about to write.
var ring = sync.OnceValues(func() (*fiber.Samples, error) {
	memory, err := mapMemory(fiber.SamplesSize(capacity))
	if err != nil {
		return nil, fmt.Errorf("cannot map memory for samples: %w", err)
	}
	return fiber.NewSamples(memory, capacity), nil
})

// Start begins a CPU profile, which Stop writes to w. It is an error if one is being taken, by
// package runtime/pprof too, and on systems that have no engine.
func Start(w io.Writer) error {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	if running.session != nil {
		return errors.New("a profile of guests is being taken already")
	}
	if err := engine.Init(); err != nil {
		return err
	}
	samples, err := ring()
	if err != nil {
		return err
	}
	profile := new(bytes.Buffer)
	s := newSession(samples)
	engine.SetProfile(samples.Address())
	if err := pprof.StartCPUProfile(profile); err != nil {
		engine.SetProfile(0)
		return err
	}
	running.session, running.to, running.profile = s, w, profile
	running.stop, running.stopped = make(chan struct{}), make(chan struct{})
	modules.mutex.Lock()
	modules.session = s
	modules.mutex.Unlock()
	go read(s, running.stop, running.stopped)
	return nil
}

// read reads the ring from time to time.
func read(s *session, stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticks.C:
			s.drain()
		}
	}
}

// Stop ends the profile that Start has begun, and writes it. It does nothing if there is none.
func Stop() error {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	s := running.session
	if s == nil {
		return nil
	}
	running.session = nil
	pprof.StopCPUProfile()
	engine.SetProfile(0)
	close(running.stop)
	<-running.stopped
	lost := s.finish()
	modules.mutex.Lock()
	s.resolve()
	modules.session = nil
	modules.mutex.Unlock()

	base, err := parse(running.profile.Bytes())
	if err != nil {
		return fmt.Errorf("cannot read the profile of package runtime/pprof: %w", err)
	}
	comment := ""
	if lost > 0 {
		comment = fmt.Sprintf("%d samples of guests were lost, and count for %s.run", lost, fiberPackage)
	}
	zip := gzip.NewWriter(running.to)
	if _, err := zip.Write(merge(base, s.sorted(), comment)); err != nil {
		return err
	}
	return zip.Close()
}
