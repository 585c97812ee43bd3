package core

import (
	"context"
	"fmt"
	"runtime"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// InstanceOptions are how an instance is made.
type InstanceOptions struct {
	// MaxMemoryPages and MaxTableElements are ceilings for its own memories and tables, 0 for none.
	MaxMemoryPages, MaxTableElements uint64

	// Missing, if it is not nil, makes a function for an import of one that nobody provides, or
	// returns nil. Its error is the cause of a LinkError.
	Missing func(*engine.Import) (*HostFunc, error)

	// Hook, if it is not nil, returns what is called in place of each host function that is
	// imported, such as one that tells somebody and then calls it. C functions are called as they
	// are.
	Hook func(imported *engine.Import, call HostCall) HostCall

	// AtReset, if it is not nil, is called when the instance has been reset, before its start
	// function. AtSnapshot, if it is not nil, returns a number that goes with the snapshot, or why
	// there can be none at that moment. Neither must refer to the instance.
	AtReset    func() error
	AtSnapshot func() (int64, error)

	// AtClose, if it is not nil, is called once the instance is closed and its last call has ended,
	// also where Instantiate fails after it has found all imports. It must not refer to the
	// instance.
	AtClose func()
}

// Instantiate creates an instance (specification, section 4.5.4): it links the imports, initialises
// memories and tables, and runs the start function. The error wraps ErrClosed, is a *MissingError,
// a *LinkError, a *Trap, a *Cancelled, the error of a host function, or one of the engine.
func Instantiate(ctx context.Context, module *Module, imports *Registry, options InstanceOptions) (*Instance, error) {
	if err := module.Enter(); err != nil {
		return nil, err
	}
	defer module.Leave()
	return instantiate(ctx, module.about, module.code, nil, imports, &options)
}

// instantiate creates an instance of code, which is in use, and of a snapshot, if it is not nil.
func instantiate(ctx context.Context, about *About, code *Code, snapshot *Snapshot, imports *Registry, options *InstanceOptions) (*Instance, error) {
	if err := CheckContext(ctx); err != nil {
		return nil, err
	}
	var links links
	defer links.end()
	if err := links.find(about.Imports, imports, options); err != nil {
		return nil, err
	}
	s := &Instance{about: about, callsC: links.callsC, calls: links.calls, owned: &resources{},
		atClose: options.AtClose, atReset: options.AtReset, atSnapshot: options.AtSnapshot, initialized: snapshot != nil}
	s.own.call.instance = s
	s.life.enter(s) // until the gate of the own fiber is shut
	s.settle()
	fiber.EnsurePauses()
	err := links.link(s, func() error { return s.create(code, snapshot, &links, options) })
	if err == nil {
		err = s.open(ctx)
	}
	if err != nil {
		s.Close()
		return nil, asTrap(err)
	}
	return s, nil
}

// create makes the engine's instance. Nobody else knows the instance yet.
func (s *Instance) create(code *Code, snapshot *Snapshot, links *links, options *InstanceOptions) error {
	engineOptions := engine.InstanceOptions{
		ID: s.id, MaxMemoryPages: options.MaxMemoryPages, MaxTableElements: options.MaxTableElements,
	}
	if snapshot != nil {
		engineOptions.Snapshot = snapshot.handle
	}
	handle, err := engine.NewInstance(code.handle, links.provided, engineOptions)
	if err != nil {
		return err
	}
	s.owned.handle = handle
	s.owned.code = code
	s.owned.code.hold()
	s.fiberHome = handle.Store()
	s.makeFunctions()
	if links.wantsToken {
		s.owned.token = handle.Token()
		addToken(s.owned.token, s)
	}
	s.cleanup = runtime.AddCleanup(s, (*resources).free, s.owned)
	s.made.Store(true)
	s.watch()
	return nil
}

// makeFunctions makes the exported functions.
func (s *Instance) makeFunctions() {
	types := s.about.functions
	count := 0
	for i := range types {
		if types[i].FuncType != nil {
			count++
		}
	}
	s.functions = make([]Function, count)
	next := 0
	for i := range types {
		if types[i].FuncType == nil {
			continue
		}
		f := &s.functions[next]
		next++
		f.instance, f.typ, f.name, f.export = s, &types[i], s.about.Exports[i].Name, uint32(i)
	}
}

// free frees the resources.
func (r *resources) free() {
	if r.token != nil {
		removeToken(r.token)
	}
	r.releaseFiber()
	r.handle.Free()
	if r.code != nil { // otherwise it was not made
		r.code.leave()
	}
	// The token stays: guests that are linked with this one may call functions that ask for it.
	r.handle = engine.Instance{}
}

// open finds the exported memory and runs the start function, if it has not run.
func (s *Instance) open(ctx context.Context) error {
	for i := range s.about.Exports {
		if s.about.Exports[i].Type.Kind == engine.ExternMemory {
			handle, err := s.owned.handle.Export(uint32(i))
			if err != nil {
				return err
			}
			export := &s.about.Exports[i]
			s.exported, s.exportedIndex = newMemory(handle, export.Type.Memory(), false), export.Index
			if s.exportedIndex == 0 {
				s.first.Store(s.exported)
			}
			break
		}
	}
	s.opened.Store(true)
	return s.runStart(ctx)
}

// runStart runs the start function, unless the instance was made of a snapshot, where it has run.
func (s *Instance) runStart(ctx context.Context) error {
	if s.initialized {
		return nil
	}
	if start, ok := s.owned.handle.Start(); ok {
		return s.start(ctx, start)
	}
	return nil
}

// start runs the start function. Nobody but host functions knows the instance yet.
func (s *Instance) start(ctx context.Context, start engine.Func) error {
	finished := false
	s.life.enter(s)
	defer func() {
		s.life.leave(s)
		if !finished { // a host function panicked
			s.Close()
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

// release implements releaser.
func (s *Instance) release() {
	s.cleanup.Stop()
	if memory := s.first.Load(); memory != nil {
		memory.closeBorrowed()
	}
	if s.exported != nil {
		s.exported.closeBorrowed()
	}
	s.borrowed.Lock()
	for _, item := range s.borrowed.items {
		item.closeBorrowed()
	}
	s.borrowed.Unlock()
	s.owned.free()
	if s.watched.Load() {
		s.space.Load().Closed()
	}
	if s.atClose != nil {
		s.atClose()
	}
}

// Functions returns the exported functions, in the order of the exports.
func (s *Instance) Functions() []Function { return s.functions }

// Function finds an exported function by its name, nil if there is none.
func (s *Instance) Function(name string) *Function {
	if i, ok := s.about.functionByName()[name]; ok {
		return &s.functions[i]
	}
	return nil
}

// ExportedMemory returns the first memory that the instance exports, or nil.
func (s *Instance) ExportedMemory() *Memory { return s.exported }

// Memory0 returns memory 0 of the index space, be it imported or its own; nil if there is none or
// the instance was closed before it was asked for.
func (s *Instance) Memory0() *Memory {
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
	memory := newMemory(handle, s.about.Memories[0], false)
	if !s.first.CompareAndSwap(nil, memory) {
		memory.closeBorrowed()
	}
	return s.first.Load()
}

// BytesInCall returns the bytes of memory 0, for a host function that the instance calls and that
// keeps no address of them: none if there is no memory, or if the instance was closed before the
// call. They are there as long as the call, whatever is closed meanwhile.
func (s *Instance) BytesInCall() []byte {
	memory := s.Memory0()
	if memory == nil {
		return nil
	}
	if definition := memory.definition.Load(); definition != nil {
		return definition.Bytes()
	}
	if !memory.Enter() {
		return nil
	}
	defer memory.Leave()
	return memory.get().Bytes()
}

// ShowInCall has memory 0 count as one of whose bytes addresses are kept, for a host function that
// the instance calls.
func (s *Instance) ShowInCall() {
	if memory := s.Memory0(); memory != nil && !memory.shown.Load() && memory.Enter() {
		memory.show()
		memory.Leave()
	}
}

// Memory returns an exported memory by its name, the same each time. It is closed with the
// instance.
func (s *Instance) Memory(name string) (*Memory, error) {
	return borrow(s, name, engine.ExternMemory, "memory", func(handle engine.Extern, t *engine.ExternType) *Memory {
		return newMemory(handle, t.Memory(), false)
	})
}

// Global returns an exported global by its name, the same each time. It is closed with the
// instance, and keeps it.
func (s *Instance) Global(name string) (*Global, error) {
	return borrow(s, name, engine.ExternGlobal, "global", func(handle engine.Extern, t *engine.ExternType) *Global {
		return newGlobal(handle, t.Value, t.Mutable, s.store, s)
	})
}

// Table returns an exported table by its name, the same each time. It is closed with the instance,
// and keeps it.
func (s *Instance) Table(name string) (*Table, error) {
	return borrow(s, name, engine.ExternTable, "table", func(handle engine.Extern, t *engine.ExternType) *Table {
		return newTable(handle, t, s.store, s)
	})
}

// Tag returns an exported tag by its name, the same each time. It is closed with the instance, and
// keeps it.
func (s *Instance) Tag(name string) (*Tag, error) {
	return borrow(s, name, engine.ExternTag, "tag", func(handle engine.Extern, t *engine.ExternType) *Tag {
		return newTag(handle, t.Func.Params, s.store, s)
	})
}

// borrow returns the item of an export, which take makes when it is asked for the first time.
func borrow[T borrowedItem](s *Instance, name string, kind engine.ExternKind, what string, take func(engine.Extern, *engine.ExternType) T) (item T, err error) {
	if !s.Enter() {
		return item, ClosedError("instance")
	}
	defer s.Leave()
	position, ok := s.about.exportByName()[name]
	if !ok || s.about.Exports[position].Type.Kind != kind {
		return item, fmt.Errorf("the instance exports no %s of this name", what)
	}
	export := &s.about.Exports[position]
	s.borrowed.Lock()
	defer s.borrowed.Unlock()
	id := borrowedID{kind, export.Index}
	if known, ok := s.borrowed.items[id].(T); ok {
		return known, nil
	}
	if s.exported != nil && kind == engine.ExternMemory && export.Index == s.exportedIndex {
		return any(s.exported).(T), nil
	}
	handle, err := s.owned.handle.Export(uint32(position))
	if err != nil {
		return item, err
	}
	item = take(handle, &export.Type)
	if s.borrowed.items == nil {
		s.borrowed.items = make(map[borrowedID]borrowedItem)
	}
	s.borrowed.items[id] = item
	return item, nil
}

// Items returns all that the instance exports, by their names.
func (s *Instance) Items() (map[string]Item, error) {
	if !s.Enter() {
		return nil, ClosedError("instance")
	}
	defer s.Leave()
	items := make(map[string]Item, len(s.about.Exports))
	for i := range s.about.Exports {
		name := s.about.Exports[i].Name
		var err error
		switch s.about.Exports[i].Type.Kind {
		case engine.ExternFunction:
			items[name] = s.Function(name)
		case engine.ExternMemory:
			items[name], err = s.Memory(name)
		case engine.ExternGlobal:
			items[name], err = s.Global(name)
		case engine.ExternTable:
			items[name], err = s.Table(name)
		case engine.ExternTag:
			items[name], err = s.Tag(name)
		}
		if err != nil {
			return nil, err
		}
	}
	return items, nil
}
