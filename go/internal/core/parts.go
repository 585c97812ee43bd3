package core

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
	"github.com/gowasmer/wasmer/go/internal/fiber"
	"github.com/gowasmer/wasmer/go/internal/union"
)

// This file has what instances, functions and stores consist of: they refer to each other. What is
// done with them stands in the files above.

// Instance is a module that has memories, tables and globals, and whose functions can be called. It
// may be used by many goroutines at once.
type Instance struct {
	life      lifetime // this and the next one are what each call looks at: they lie together
	own       ownFiber
	id        uint64
	store     *store
	home      store // the store to begin with
	about     *About
	owned     *resources
	cleanup   runtime.Cleanup
	fiberHome unsafe.Pointer // the engine's store, for fibers
	callsC    bool           // whether an import is a C function: calls are entered by cgo then
	calls     []HostCall     // host functions, by the index that host calls name
	functions []Function
	exported  *Memory                // the first memory that is exported, or nil
	first     atomic.Pointer[Memory] // memory 0, perhaps the same; asked for when first needed
	borrowed  borrowed
	made      atomic.Bool // the handle is there
	watched   atomic.Bool // the space knows the engine's store
	quit      fiber.Quit  // ends its calls
	opened    atomic.Bool // what it exports can be asked for

	initialized bool // it was made of a snapshot

	exportedIndex uint32                          // that of the exported memory among all
	space         atomic.Pointer[externref.Space] // that calls have to join; see space.go

	atClose    func()                // called when the resources are freed, or nil
	atReset    func() error          // called after a reset, or nil
	atSnapshot func() (int64, error) // says why there can be no snapshot

	// Data is what the embedder has set for host functions.
	Data atomic.Pointer[any]

	// Faces are what faces show of it.
	Faces Faces
}

// Snapshot is what an instance held at one moment. Others are made of it, by many goroutines at
// once. It keeps the code, but neither the module nor the instance.
type Snapshot struct {
	life    lifetime
	handle  engine.Snapshot
	code    *Code
	about   *About
	cleanup runtime.Cleanup

	// Clock is what AtSnapshot has returned.
	Clock int64
}

// resources are the parts of an instance outside of Go's heap. They do not refer to the instance,
// whose cleanup frees them.
type resources struct {
	code   *Code // of the module
	handle engine.Instance
	token  unsafe.Pointer       // listed among the tokens if not nil
	block  atomic.Pointer[byte] // of the fiber that the instance keeps, or nil
}

// Function is a function that an instance exports, or one that is known by a reference. It keeps
// its instance.
type Function struct {
	instance *Instance
	typ      *FuncType
	name     string
	export   uint32                        // position among the module's exports, or noExport
	entry    atomic.Pointer[fiber.Entry]   // how to enter it; asked for at the first call
	value    atomic.Pointer[functionValue] // made for the few that are used as values

	// Faces are what faces show of it.
	Faces Faces
}

// noExport is the position of functions that are not exported.
const noExport = ^uint32(0)

// functionValue is what makes a function a value.
type functionValue struct {
	same atomic.Pointer[Function] // the one that stands for all that are the same function
	slot atomic.Uint64            // a reference to it
}

// asValue makes the function a value, if it is none.
func (f *Function) asValue() *functionValue {
	if value := f.value.Load(); value != nil {
		return value
	}
	f.value.CompareAndSwap(nil, &functionValue{})
	return f.value.Load()
}

// Instance returns the instance of the function.
func (f *Function) Instance() *Instance { return f.instance }

// Name returns the name by which the function is exported; one that is not has one such as
// "function[3]", by its index.
func (f *Function) Name() string { return f.name }

// Type returns the type. It must not be changed.
func (f *Function) Type() *FuncType { return f.typ }

// HostFunc is a function of the host as instances import it. It never changes, and refers to no
// instance.
type HostFunc struct {
	Params, Results []engine.ValType
	Call            HostCall         // unused if compiled code calls a C function
	CFunction       unsafe.Pointer   // or nil
	WantsToken      bool             // it asks for the token of the instance; see Call.Token
	Intrinsic       engine.Intrinsic // what the engine does of it by itself

	// Adapt, if it is not nil, returns the function as an import of a type gets it, such as one of
	// another type that the same Go function can have, or nil to leave it as it is.
	Adapt func(wanted *engine.FuncType) *HostFunc
}

// HostCall runs a host function for an instance: arguments are in the slots, results go there. The
// call is valid until it returns.
type HostCall func(call *Call, slots []uint64) error

// Call is what a host function knows of the call that it is a part of.
type Call struct {
	instance *Instance
	ctx      context.Context // nil for none
}

// background is the context of calls without one.
var background = context.Background()

// Instance returns the instance that imports the host function; nil for the zero Call.
func (c *Call) Instance() *Instance { return c.instance }

// Context returns the context of the call, or [context.Background].
func (c *Call) Context() context.Context {
	if c.ctx == nil {
		return background
	}
	return c.ctx
}

// Token returns what C functions get for the instance; see InstanceOfToken. It is nil unless a host
// function of the instance asks for it.
func (c *Call) Token() unsafe.Pointer {
	if c.instance == nil {
		return nil
	}
	return c.instance.owned.token
}

// ownFiber is the fiber that an instance keeps; see ownfiber.go. All of it belongs to the goroutine
// that has taken the gate.
type ownFiber struct {
	fiber.Kept // Quick is bound if the short way may be taken, else nil
	slots      unsafe.Pointer
	bound      *Function // that the fiber is prepared for
	once       bool      // there was a call
	call       Call      // for the host functions that a call on the fiber calls
}

// borrowed are the memories, globals and tables of an instance that were asked for. They are closed
// with the instance.
type borrowed struct {
	sync.Mutex
	items map[borrowedID]borrowedItem
}

type borrowedID struct {
	kind  engine.ExternKind
	index uint32
}

// borrowedItem is a *Memory, a *Global, a *Table or a *Tag.
type borrowedItem interface{ closeBorrowed() }

func (m *Memory) closeBorrowed() { m.life.close(m) }

// store is the Go side of the engine's store: the instances, globals and tables that can lead to
// each other's host functions, because functions went from one to the other. What is not linked has
// a store of its own; where two stores of the engine become one, so do these. Host functions are
// kept here and by their instance, in no global table, so that an instance that refers to itself
// through a closure can be collected. The same holds for what guests refer to by externref.
//
// All that is in a store keeps it, and with it everything else that is there; nothing else does.
type store struct{ cell union.Cell[contents] }

// contents are what stores that are one share.
type contents struct {
	// space is for the values of externref; nil as long as nothing in the store has to do with
	// them.
	space atomic.Pointer[externref.Space]

	first     *Instance                // one of the instances, or nil; most stores have no other
	others    map[uint64]*Instance     // by id
	functions map[functionID]*Function // those that were values
	slots     map[uint64]*Function     // the same, by the slots that are known to refer to them
}

// functionID tells which function a reference is: references to the same may differ.
type functionID struct {
	instance uint64
	function uint32
}

// each calls see with all instances, until it returns false; the store is locked.
func (c *contents) each(see func(*Instance) (more bool)) {
	if c.first != nil && !see(c.first) {
		return
	}
	for _, instance := range c.others {
		if !see(instance) {
			return
		}
	}
}

// IsClosed reports whether the instance was closed.
func (s *Instance) IsClosed() bool { return s.life.isClosed() }

// IsTerminated reports whether Terminate was called.
func (s *Instance) IsTerminated() bool { return s.quit.Err() != nil }

// refusal returns why calls are refused, nil if they are not.
func (s *Instance) refusal() error {
	if s.life.isClosed() {
		return ClosedError("instance")
	}
	if err := s.quit.Err(); err != nil {
		return err
	}
	if s.life.isHeld() {
		return ErrResetting
	}
	return nil
}

// IsOpened reports whether what the instance exports can be asked for: once it has been linked, and
// before its start function runs. It was closed meanwhile, perhaps.
func (s *Instance) IsOpened() bool { return s.opened.Load() }

// Enter begins a use of the instance, unless it is nil or closed. It is for what is no call.
func (s *Instance) Enter() bool { return s != nil && s.life.enter(s) }

// Leave ends such a use.
func (s *Instance) Leave() { s.life.leave(s) }

// About describes the module. It must not be changed.
func (s *Instance) About() *About { return s.about }
