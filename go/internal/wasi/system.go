package wasi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Config says what a guest gets. The zero value gives it nothing: no arguments, an empty input,
// outputs that discard, no directories.
type Config struct {
	Args, Env      []string
	Stdin          io.Reader // nil is empty
	Stdout, Stderr io.Writer // nil discards
	Mounts         []Mount
	Listeners      []net.Listener
	Clock          Clock
	Random         io.Reader // nil is the random source of the system
	MaxFiles       int       // how many descriptors the guest may open; 0 is 1,024
}

// Mount is a directory that a guest finds open.
type Mount struct {
	Guest    string   // its name for the guest
	Root     *os.Root // a directory of the host; or else
	FS       fs.FS    // a file system, which can be changed if it is a WritableFS and not ReadOnly
	ReadOnly bool
	Own      bool // whether Close closes the Root
}

// System is the state that the functions share: what one guest has open.
type System struct {
	descriptors descriptors
	args, env   stringList
	clock       clock
	random      lockedReader
	gather      gather
	closeOnce   sync.Once
	owned       []io.Closer
	given       []*descriptor // what the guest found open
	lends       bool          // see LendsMemory
}

// New makes a System. Descriptors are numbered as WASI programs expect: 0, 1 and 2 the standard
// streams, then the directories, then the listeners.
func New(config Config) (*System, error) {
	s := &System{clock: newClock(config.Clock), random: lockedReader{reader: config.Random}}
	if config.MaxFiles < 0 {
		return nil, fmt.Errorf("at most %d open files, expected a number that is not negative", config.MaxFiles)
	}
	var err error
	if s.args, err = newStringList("argument", config.Args); err != nil {
		return nil, err
	}
	if s.env, err = newStringList("environment variable", config.Env); err != nil {
		return nil, err
	}
	s.addStreams(&config)
	for i := range config.Mounts {
		if err := s.mount(&config.Mounts[i], uint64(i)+1); err != nil {
			return nil, err
		}
	}
	for i, l := range config.Listeners {
		if l == nil {
			return nil, fmt.Errorf("listener %d is nil", i)
		}
		s.descriptors.add(newDescriptor(newListener(l), acceptRights, socketRights, 0))
	}
	s.descriptors.limit = 3 + len(config.Mounts) + len(config.Listeners) + config.MaxFiles
	if config.MaxFiles == 0 {
		s.descriptors.limit += defaultMaxFiles
	}
	for fd := range uint64(3 + len(config.Mounts) + len(config.Listeners)) {
		s.given = append(s.given, s.descriptors.get(fd))
	}
	s.lends = lendsMemory(&config)
	for i := range config.Mounts { // nothing can fail any more
		if m := &config.Mounts[i]; m.Own && m.Root != nil {
			s.owned = append(s.owned, m.Root)
		}
	}
	return s, nil
}

// Opened returns a descriptor that the guest has opened or moved, and whether there is one.
func (s *System) Opened() (fd uint32, is bool) {
	entries := s.descriptors.entries.Load()
	if entries == nil {
		return 0, false
	}
	for fd := range *entries {
		if d := (*entries)[fd].Load(); d != nil && (fd >= len(s.given) || s.given[fd] != d) {
			return uint32(fd), true
		}
	}
	return 0, false
}

// LendsMemory reports whether the guest's memory is handed to code of others, which could keep it,
// though it must not.
func (s *System) LendsMemory() bool { return s.lends }

// lendsMemory is the same of a Config: all but what package os and a few others have of files,
// readers and writers is of others.
func lendsMemory(config *Config) bool {
	for _, stream := range []any{config.Stdin, config.Stdout, config.Stderr, config.Random} {
		switch stream.(type) {
		case nil, *os.File, *bytes.Buffer, *bytes.Reader, *strings.Reader, *strings.Builder:
		default:
			if !same(stream, io.Discard) {
				return true
			}
		}
	}
	for i := range config.Mounts {
		if config.Mounts[i].FS != nil {
			return true
		}
	}
	return len(config.Listeners) > 0
}

func (s *System) addStreams(config *Config) {
	add := func(o object, rights Rights) {
		switch {
		case o.kind() == TypeRegularFile:
			rights |= RightFdSeek | RightFdTell | RightFdAdvise
		case isDevice(o):
			rights |= RightFdSeek | RightFdTell
		}
		s.descriptors.add(newDescriptor(o, rights, 0, 0))
	}
	add(newStdin(config.Stdin), inputRights)
	stdout := newStdout(config.Stdout)
	stderr := stdout
	if !same(config.Stdout, config.Stderr) {
		stderr = newStdout(config.Stderr)
	}
	add(stdout, outputRights)
	add(stderr, outputRights)
}

// same reports whether two values are one.
func same(a, b any) bool {
	defer func() { _ = recover() }() // values that cannot be compared are not the same
	return a == b
}

func (s *System) mount(m *Mount, device uint64) error {
	if m.Guest == "" || strings.ContainsRune(m.Guest, 0) {
		return fmt.Errorf("the guest's name of directory %d is %q, expected a path", device-1, m.Guest)
	}
	var o object
	switch {
	case m.Root != nil && m.FS != nil:
		return fmt.Errorf("directory %q is given as a Root and as an FS, expected one of both", m.Guest)
	case m.Root != nil:
		o = &hostDirectory{root: m.Root, readOnly: m.ReadOnly, borrowed: true}
	case m.FS != nil:
		if _, err := fs.Stat(m.FS, "."); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty MapFS has no root
			return fmt.Errorf("directory %q: %w", m.Guest, err)
		}
		if fsys, ok := m.FS.(WritableFS); ok {
			o = &writableDirectory{fsys: fsys, name: ".", device: device, readOnly: m.ReadOnly}
		} else {
			o = &ioDirectory{fsys: m.FS, name: ".", device: device}
		}
	default:
		return fmt.Errorf("directory %q is given neither as a Root nor as an FS", m.Guest)
	}
	d := newDescriptor(o, directoryRights, allRights, 0)
	d.preopen, d.name = true, m.Guest
	s.descriptors.add(d)
	return nil
}

// Close closes what the guest has left open, and the roots that the System owns. It leaves alone
// what the embedder gave otherwise.
func (s *System) Close() error {
	var err error
	s.closeOnce.Do(func() {
		s.descriptors.closeAll()
		for _, owned := range s.owned {
			err = errors.Join(err, owned.Close())
		}
	})
	return err
}

// file finds a descriptor that has rights. What a directory or a stream cannot do at all gives the
// error of POSIX, which says more than ENOTCAPABLE.
func (s *System) file(fd uint64, rights Rights) (*descriptor, Errno) {
	d := s.descriptors.get(fd)
	switch {
	case d == nil:
		return nil, EBADF
	case d.has(rights):
		return d, Success
	}
	switch d.object.kind() {
	case TypeDirectory:
		if rights&^directoryRights == 0 { // it could, but lacks the right
			return nil, ENOTCAPABLE
		}
		if rights&(RightFdRead|RightFdWrite|RightFdAllocate|RightFdFilestatSetSize) != 0 {
			return nil, EISDIR
		}
		return nil, EBADF
	case TypeRegularFile:
		return nil, ENOTCAPABLE
	}
	if rights&(RightFdSeek|RightFdTell|RightFdAdvise|RightFdAllocate) != 0 {
		return nil, ESPIPE
	}
	return nil, ENOTCAPABLE
}

// directory finds a descriptor of a directory that has rights.
func (s *System) directory(fd uint64, rights Rights) (*descriptor, directory, Errno) {
	d := s.descriptors.get(fd)
	if d == nil {
		return nil, nil, EBADF
	}
	dir, ok := d.object.(directory)
	if !ok {
		return nil, nil, ENOTDIR
	}
	if !d.has(rights) {
		return nil, nil, ENOTCAPABLE
	}
	return d, dir, Success
}

// Clock are the clocks of a guest. What is nil is that of the system.
type Clock struct {
	Realtime  func() time.Time
	Monotonic func() time.Duration
	Sleep     func(ctx context.Context, d time.Duration) error
}
