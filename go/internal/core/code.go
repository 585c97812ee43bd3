package core

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/profile"
	"github.com/gowasmer/wasmer/go/internal/symbols"
)

// Code is the machine code of a module, and what people want to know of it: the names of functions,
// and places in the source. The module and each of its instances hold it. It implements
// [profile.Locator].
type Code struct {
	holders atomic.Int32
	serial  uint64
	name    string
	lines   *symbols.Table // nil for a module without debugging information
	unshare func()         // called when the last holder has left, if it is not nil

	completing completing

	mutex  sync.RWMutex // protects what follows, and is held while the handle is used
	handle engine.Module
	closed bool
	wanted atomic.Bool       // somebody has a frame whose place may be asked for
	saved  map[string][]byte // the debugging information of a closed one that is wanted
}

// codes finds the code of modules with debugging information by their serial numbers.
var codes sync.Map // of uint64 to weak.Pointer[Code]

var errUnloaded = errors.New("the code of the module is unloaded")

// newCode takes over a handle, for one holder.
func newCode(handle engine.Module, about *engine.Description) *Code {
	c := &Code{serial: about.Code, name: about.Name, handle: handle}
	c.holders.Store(1)
	for i := range about.Sections {
		if about.Sections[i].Custom && about.Sections[i].Name == ".debug_info" {
			c.lines = symbols.New(c.Debug)
			codes.Store(c.serial, weak.Make(c))
			break
		}
	}
	profile.Loaded(c)
	return c
}

// hold adds a holder. There is one already.
func (c *Code) hold() { c.holders.Add(1) }

// tryHold adds a holder, unless the last one has left. It reports whether it has.
func (c *Code) tryHold() bool {
	for {
		holders := c.holders.Load()
		if holders == 0 {
			return false
		}
		if c.holders.CompareAndSwap(holders, holders+1) {
			return true
		}
	}
}

// abandon is leave for a module. After the last one nobody is to compile what is left in the
// background.
func (c *Code) abandon() {
	c.completing.quit()
	c.leave()
}

// complete compiles all functions that are left. Somebody holds the code.
func (c *Code) complete(ctx context.Context) error {
	return c.completing.complete(ctx, c.handle, runtime.GOMAXPROCS(0))
}

// inBackground has all functions compiled that are left, until the last module is closed. Somebody
// holds the code.
func (c *Code) inBackground() { c.completing.inBackground(c.handle, c.hold, c.leave) }

// leave ends what a holder has of the code. The last one frees it.
func (c *Code) leave() {
	if c.holders.Add(-1) != 0 {
		return
	}
	if c.unshare != nil {
		c.unshare()
	}
	profile.Unloaded(c)
	codes.Delete(c.serial)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.wanted.Load() {
		c.saved, _ = c.handle.Debug()
	}
	c.closed = true
	c.handle.Free()
	c.handle = engine.Module{}
}

// Name returns the module's name, or an empty string.
func (c *Code) Name() string { return c.name }

// Functions returns where the functions of the module are.
func (c *Code) Functions() (bodies []engine.Body, err error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if c.closed {
		return nil, errUnloaded
	}
	return c.handle.Functions()
}

// serialize returns what Deserialize makes a module of. All functions are compiled, and somebody
// holds the code.
func (c *Code) serialize() ([]byte, error) { return c.handle.Serialize() }

// Debug returns the debugging information of the module.
func (c *Code) Debug() (map[string][]byte, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	switch {
	case !c.closed:
		return c.handle.Debug()
	case c.saved != nil:
		return c.saved, nil
	default:
		return nil, errUnloaded
	}
}

// Locate returns the functions at an address in the code: the one whose instruction it is, then, if
// that was inlined, its callers; none at addresses of other code.
func (c *Code) Locate(pc uintptr) ([]engine.Frame, error) {
	c.mutex.RLock()
	defer c.mutex.RUnlock()
	if c.closed {
		return nil, errUnloaded
	}
	frames, err := engine.Symbolize(pc)
	if err == nil && len(frames) > 0 && frames[0].Code != c.serial {
		return nil, nil
	}
	return frames, err
}

// FrameSource is where the code of a frame is, for [FrameSource.Lookup]. The zero value knows
// nothing.
type FrameSource struct{ code *Code }

// SourceOf returns what tells the place in the source of a frame. It is to be asked for while the
// code runs; the place itself can be looked up at any time.
func SourceOf(frame *engine.Frame) FrameSource {
	found, ok := codes.Load(frame.Code)
	if !ok {
		return FrameSource{}
	}
	code := found.(weak.Pointer[Code]).Value()
	if code == nil {
		return FrameSource{}
	}
	code.wanted.Store(true)
	return FrameSource{code}
}

// Lookup returns the places in the source of an instruction, by its offset in the contents of the
// code section: that of the innermost function first, then, if the compiler of the source has
// inlined that, those of its callers. It returns nothing if nothing is known.
func (s FrameSource) Lookup(offset uint32) []symbols.Location {
	if s.code == nil {
		return nil
	}
	return s.code.lines.Lookup(uint64(offset))
}
