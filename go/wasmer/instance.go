package wasmer

import (
	"context"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// Instance is a module that has memories, tables and globals, and whose functions can be called. Copies of an Instance are the same
// instance; the zero Instance is closed. All methods and exported functions may be used by many goroutines at once; see [Function].
type Instance struct {
	// Exports holds all exported functions by their names. They may be called by many goroutines at once, and from within host functions.
	// They keep the instance alive.
	//
	// An argument is a Go value that can stand for the type of the parameter: for i32 an int8, int16, int32, uint8, uint16, uint32, or
	// an int or uint within -2^31 .. 2^32-1; for i64 any integer; for f32 a float32; for f64 a float32 or float64; for each a [Value] of exactly
	// this type. Unsigned values are taken bit for bit.
	//
	// The result is a [Value] of the type of the function's result, or of type [TypeVoid] if it has none. A function with several results gives
	// an error and is not called: get it by [Instance.Function], and all results by [Function.Call].
	//
	// The error is an [*ExportedFunctionError]; see [Function.Call]. A call allocates nothing but what the conversion of its arguments to
	// interfaces does.
	Exports map[string]func(...interface{}) (Value, error)

	// Memory is the first memory that the instance exports, or nil. It is closed with the instance.
	Memory *Memory

	inner *instanceState
}

// instanceState is what the copies of an Instance, its exported functions and its contexts share.
type instanceState struct {
	life      lifetime
	id        uint64
	store     *store
	home      store // the store to begin with
	about     *moduleInfo
	owned     *instanceResources
	cleanup   runtime.Cleanup
	fiberHome unsafe.Pointer // the engine's store, for fibers
	callsC    bool           // whether an import is a C function: calls are entered by cgo then
	calls     []hostCall     // host functions, by the index that host calls name
	own       ownFiber
	functions []exportedFunction
	exported  *Memory                // as Instance.Memory
	first     atomic.Pointer[Memory] // memory 0, perhaps the same; asked for when first needed
	borrowed  borrowed
	made      atomic.Bool // the handle is there
	watched   atomic.Bool // the space knows the engine's store

	exportedIndex uint32                          // that of the exported memory among all
	space         atomic.Pointer[externref.Space] // that calls have to join; see externrefs.go
	data          atomic.Pointer[interface{}]
}

// instanceResources are the parts of an instance outside of Go's heap. They do not refer to the state, whose cleanup frees them.
type instanceResources struct {
	handle engine.Instance
	token  unsafe.Pointer       // listed among the tokens if not nil
	block  atomic.Pointer[byte] // of the fiber that the instance keeps, or nil
}

func (r *instanceResources) free() {
	if r.token != nil {
		removeToken(r.token)
	}
	r.releaseFiber()
	r.handle.Free()
	r.handle = engine.Instance{} // the token stays: guests that are linked with this one may go on
}

// NewInstance compiles a module and creates an instance without imports. See [NewInstanceContext].
func NewInstance(bytes []byte) (Instance, error) {
	return NewInstanceContext(context.Background(), bytes, nil)
}

// NewInstanceWithImports compiles a module and creates an instance with imports. See [NewInstanceContext].
func NewInstanceWithImports(bytes []byte, imports *Imports) (Instance, error) {
	return NewInstanceContext(context.Background(), bytes, imports)
}

// NewInstanceContext compiles a module in the binary format, creates an instance and runs its start function. When the context is done, compiling and
// the start function are given up. nil imports are none. To make several instances of a module, use [Compile] and
// [Module.InstantiateContext]. The error is an [*InstanceError] and wraps what [Compile] or Module.InstantiateContext would.
func NewInstanceContext(ctx context.Context, bytes []byte, imports *Imports, options ...Option) (Instance, error) {
	fail := func(cause error) (Instance, error) {
		return Instance{}, &InstanceError{instantiationFailed + failure(cause), cause}
	}
	forCompile, forInstance := splitOptions(options)
	module, err := compile(ctx, bytes, forCompile)
	if err != nil {
		return fail(err)
	}
	defer module.life.close(module) // the instance keeps the code
	instance, err := instantiate(ctx, module, imports, instanceOptions(forInstance))
	if err != nil {
		return fail(err)
	}
	return instance, nil
}

// instantiate creates an instance of a module that is in use.
func instantiate(ctx context.Context, module *moduleState, imports *Imports, options engine.InstanceOptions) (Instance, error) {
	if err := checkContext(ctx); err != nil {
		return Instance{}, err
	}
	var links links
	defer links.end()
	if err := links.find(module.about.Imports, imports, options.TrapUnknownImports); err != nil {
		return Instance{}, err
	}
	state := &instanceState{about: module.about, callsC: links.callsC, calls: links.calls, owned: &instanceResources{}}
	state.own.context.instance = state
	state.life.enter(state) // until the gate of the own fiber is shut
	state.settle(module.about.externrefs)
	options.ID = state.id
	fiber.EnsurePauses()
	if err := links.link(module, state, options); err != nil {
		state.close()
		return Instance{}, fromEngine(err)
	}
	instance, err := state.open(ctx)
	if err != nil {
		state.close()
		return Instance{}, err
	}
	return instance, nil
}

// takeOver takes over the handle. Nobody else knows the instance yet.
func (s *instanceState) takeOver(handle engine.Instance, wantToken bool) {
	s.owned.handle = handle
	s.fiberHome = handle.Store()
	s.functions = makeFunctions(s)
	if wantToken {
		s.owned.token = handle.Token()
		addToken(s.owned.token, s)
	}
	s.cleanup = runtime.AddCleanup(s, (*instanceResources).free, s.owned)
	s.made.Store(true)
	s.watch()
}

// open makes the exports and runs the start function.
func (s *instanceState) open(ctx context.Context) (Instance, error) {
	for i := range s.about.Exports {
		if s.about.Exports[i].Type.Kind == engine.ExternMemory {
			handle, err := s.owned.handle.Export(uint32(i))
			if err != nil {
				return Instance{}, err
			}
			s.exported, s.exportedIndex = newMemory(handle, false), s.about.Exports[i].Index
			if s.exportedIndex == 0 {
				s.first.Store(s.exported)
			}
			break
		}
	}
	exports := makeExports(s.functions)
	if start, ok := s.owned.handle.Start(); ok {
		if err := s.start(ctx, start); err != nil {
			return Instance{}, fromEngine(err)
		}
	}
	return Instance{Exports: exports, Memory: s.exported, inner: s}, nil
}

// start runs the start function. Nobody but host functions knows the instance yet.
func (s *instanceState) start(ctx context.Context, start engine.Func) error {
	finished := false
	s.life.enter(s)
	defer func() {
		s.life.leave(s)
		if !finished { // a host function panicked
			s.close()
		}
	}()
	fb, err := acquireFiber()
	if err == nil {
		defer fb.Release()
		entry := s.newEntry(start)
		fb.Guarded = true
		fb.Prepare(entry, s, 0)
		if space := s.space.Load(); space != nil {
			fb.Join(space.Guests(), entry)
		}
		err = fb.Call(ctx)
	}
	finished = true
	return err
}

// newEntry says how fibers enter a function of the instance.
func (s *instanceState) newEntry(f engine.Func) *fiber.Entry {
	return &fiber.Entry{Func: f, Store: s.fiberHome, C: s.callsC}
}

// function finds an exported function by its name.
func (s *instanceState) function(name string) *exportedFunction {
	if i, ok := s.about.functionByName()[name]; ok {
		return &s.functions[i]
	}
	return nil
}

// memory0 returns memory 0 of the index space, or nil.
func (s *instanceState) memory0() *Memory {
	if memory := s.first.Load(); memory != nil {
		return memory
	}
	if !s.life.enter(s) {
		return nil
	}
	defer s.life.leave(s)
	handle := s.owned.handle.Memory0()
	if handle.IsNil() {
		return nil
	}
	memory := newMemory(handle, false)
	if !s.first.CompareAndSwap(nil, memory) {
		memory.inner.life.close(memory.inner)
	}
	return s.first.Load()
}

// release implements releaser.
func (s *instanceState) release() {
	s.cleanup.Stop()
	if memory := s.first.Load(); memory != nil {
		memory.inner.life.close(memory.inner)
	}
	s.closeBorrowed()
	s.owned.free()
	if s.watched.Load() {
		s.space.Load().Closed()
	}
}

// HasMemory says whether the instance exports a memory.
func (instance *Instance) HasMemory() bool { return instance != nil && instance.Memory != nil }

// SetContextData sets the data that host functions of the instance get by [InstanceContext.Data]. It may hold anything, and is shared by all
// calls of the instance. It may be set at any time; host functions that run at that moment see the old or the new data.
func (instance *Instance) SetContextData(data interface{}) {
	if instance != nil && instance.inner != nil {
		instance.inner.data.Store(&data)
	}
}

// Close closes the instance and what it exports: functions, memories, globals and tables. Calls that are running end as usual, and what the instance holds is freed after
// the last of them; new calls give an error that matches [ErrClosed]. Further calls of Close do nothing. Imports are not
// closed. Other instances that are linked with this one, as they import something of it or have its functions in their tables, go on, and what they can reach of
// it is freed when the last of them is closed. Host functions that they reach so get an [InstanceContext] without memory.
func (instance *Instance) Close() {
	if instance != nil && instance.inner != nil {
		instance.inner.close()
	}
}
