package profile

import (
	"cmp"
	"slices"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/perfmap"
	"github.com/gowasmer/wasmer/go/internal/symbols"
)

// Source is a module that is loaded: what tells the functions of its code. It is comparable.
type Source interface {
	// Name returns the module's name, or an empty string.
	Name() string
	// Functions returns where its functions are; see [engine.Module.Functions].
	Functions() ([]engine.Body, error)
	// Debug returns its debugging information; see [engine.Module.Debug].
	Debug() (map[string][]byte, error)
}

// Locator is a Source that tells instructions.
type Locator interface {
	Source
	// Locate returns the instruction that an address in the module's code is of, as the backtrace
	// of a trap does: its function first, then, if that was inlined, its callers.
	Locate(pc uintptr) ([]engine.Frame, error)
}

// modules are those that are loaded.
var modules = struct {
	mutex   sync.Mutex
	loaded  map[Source]struct{}
	session *session // the profile that is being taken, or nil
}{loaded: make(map[Source]struct{})}

// Loaded notes that a module is loaded, and writes its functions to a map for perf, if one was
// asked for. Call it before the module's code runs.
func Loaded(s Source) {
	modules.mutex.Lock()
	modules.loaded[s] = struct{}{}
	modules.mutex.Unlock()
	if perfmap.Enabled() {
		if bodies, err := s.Functions(); err == nil {
			perfmap.Add(s.Name(), bodies)
		}
	}
}

// Unloaded notes that a module is about to be unloaded: its code runs no more, and the source is
// not used after the call.
func Unloaded(s Source) {
	modules.mutex.Lock()
	defer modules.mutex.Unlock()
	if _, ok := modules.loaded[s]; !ok {
		return
	}
	if modules.session != nil {
		modules.session.unloaded(s)
	}
	delete(modules.loaded, s)
}

// snapshot is where the functions of a module are.
type snapshot struct {
	source    Source
	name      string
	bodies    []engine.Body
	low, high uintptr
	lines     *symbols.Table
}

// snap returns a snapshot of a module, or nil if it has no code.
func snap(s Source) *snapshot {
	bodies, err := s.Functions()
	if err != nil || len(bodies) == 0 {
		return nil
	}
	m := &snapshot{
		source: s, name: s.Name(), bodies: bodies, low: bodies[0].Start, lines: symbols.New(s.Debug),
	}
	for i := range bodies {
		m.low, m.high = min(m.low, bodies[i].Start), max(m.high, bodies[i].End)
	}
	return m
}

// find finds the body that an address lies in.
func (m *snapshot) find(pc uintptr) (at int, found bool) {
	return slices.BinarySearchFunc(m.bodies, pc, func(b engine.Body, pc uintptr) int {
		if b.End <= pc {
			return -1
		}
		return cmp.Compare(max(b.Start, pc), pc)
	})
}

// has reports whether an address lies in the module's code. Where functions are compiled when they
// are called, code of other modules may lie between them, and some may be there twice, of which the
// bodies are one.
func (m *snapshot) has(pc uintptr) bool {
	if _, found := m.find(pc); found {
		return true
	}
	if locator, ok := m.source.(Locator); ok {
		located, err := locator.Locate(pc)
		return err == nil && len(located) > 0
	}
	return m.low <= pc && pc < m.high
}

// frame is a function of a guest, and where it is.
type frame struct {
	function, file string
	line, column   int
}

// wasmFile stands for the file of functions of which no file is known.
const wasmFile = "wasm"

// frames returns the functions at an address: more than one if some were inlined, none in the
// engine's own code between them.
func (m *snapshot) frames(pc uintptr) []frame {
	if locator, ok := m.source.(Locator); ok {
		if located, err := locator.Locate(pc); err == nil && len(located) > 0 {
			var frames []frame
			for i := range located {
				frames = m.appendFrames(frames, &located[i])
			}
			return frames
		}
	}
	at, found := m.find(pc)
	if !found {
		return []frame{{function: "wasm code", file: wasmFile}}
	}
	if m.bodies[at].Function == engine.NoFunction {
		return nil
	}
	return []frame{{function: perfmap.Name(m.name, &m.bodies[at]), file: wasmFile}}
}

// appendFrames appends a function, after those that the compiler of the source has inlined into it.
func (m *snapshot) appendFrames(frames []frame, f *engine.Frame) []frame {
	name := perfmap.Name(m.name, &engine.Body{Function: f.Function, Name: f.Name})
	if f.Offset < f.CodeOffset {
		return append(frames, frame{function: name, file: wasmFile})
	}
	locations := m.lines.Lookup(uint64(f.Offset - f.CodeOffset))
	if len(locations) == 0 {
		return append(frames, frame{function: name, file: wasmFile})
	}
	for i, l := range locations {
		of := frame{name, l.File, l.Line, l.Column}
		// The last one is the function itself.
		if (i < len(locations)-1 || f.Name == "") && l.Function != "" {
			of.function = perfmap.Name(m.name, &engine.Body{Name: l.Function})
		}
		if of.file == "" {
			of.file = wasmFile
		}
		frames = append(frames, of)
	}
	return frames
}
