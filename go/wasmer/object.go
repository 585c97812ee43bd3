package wasmer

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/externref"
)

// object is what the copies of a Global or a Table share.
type object struct {
	life     lifetime
	what     string // "global" or "table"
	handle   engine.Extern
	store    *store
	instance *instanceState   // that it is borrowed from, which it keeps alive; nil if it is owned
	space    *externref.Space // that its store was added to, or nil
	cleanup  runtime.Cleanup
}

// newObject takes over a handle.
func newObject(what string, handle engine.Extern, home *store, instance *instanceState) *object {
	o := &object{what: what, handle: handle, store: home, instance: instance}
	o.cleanup = runtime.AddCleanup(o, engine.Extern.Free, handle)
	return o
}

// release implements releaser.
func (o *object) release() {
	o.cleanup.Stop()
	o.handle.Free()
	o.handle = engine.Extern{}
	if o.space != nil {
		o.space.Closed()
	}
}

// addTo makes collections look at the object.
func (o *object) addTo(space *externref.Space) error {
	err := space.AddObject(o.handle)
	if err == nil {
		o.space = space
	}
	return err
}

// enter begins a use, unless the object is closed or was never made.
func (o *object) enter() bool { return o != nil && o.life.enter(o) }

func (o *object) leave() { o.life.leave(o) }

// put does something with the slots of a value that was checked, or with a handle of a function.
func (o *object) put(value Value, do func(slots engine.Slots, function engine.Extern) error) error {
	switch value.valueType {
	case TypeFuncRef:
		if f, _ := value.ref.(*exportedFunction); f != nil {
			return f.handTo(o.store, func(handle engine.Extern) error { return do(engine.Slots{}, handle) })
		}
		return do(engine.Slots{}, engine.Extern{})
	case TypeExternRef:
		var err error
		o.store.useSpace().Put(value.ref, func(handle uint64) { err = do(engine.Slots{handle}, engine.Extern{}) })
		return err
	default:
		return do(engine.Slots{value.bits, value.high()}, engine.Extern{})
	}
}

// take reads a value of a type, whose slots can change and be read again.
func (o *object) take(t engine.ValType, read func() (engine.Slots, error)) (Value, error) {
	slots, err := read()
	for err == nil {
		switch t {
		case engine.V128:
			return V128(slots[0], slots[1]), nil
		case engine.FuncRef:
			f, err := o.store.function(slots[0], o.handle.FunctionAt)
			return valueOfFunction(f), err
		case engine.ExternRef:
			value, ok := o.store.referent(slots[0])
			if ok {
				return Value{ref: value, valueType: TypeExternRef}, nil
			}
			// A guest may have replaced it, and the value was collected, since it was read.
			before := slots
			if slots, err = read(); err == nil && slots == before {
				return Value{}, errStale
			}
		default:
			return valueFromSlot(slots[0], t), nil
		}
	}
	return Value{}, err
}

// borrowed are the objects of an instance that were asked for, by their indices. They are closed with the instance.
type borrowed struct {
	sync.Mutex
	globals  map[uint32]*Global
	tables   map[uint32]*Table
	memories map[uint32]*Memory
}

// export finds an export of a kind by its name, and begins a use of the instance, which the caller ends.
func (instance *Instance) export(name, what string, kind engine.ExternKind) (s *instanceState, position int, err error) {
	fail := func(cause error) (*instanceState, int, error) {
		return nil, 0, instanceError(fmt.Sprintf("Cannot find the %s `%s`", what, name), cause)
	}
	if instance == nil || instance.inner == nil || !instance.inner.life.enter(instance.inner) {
		return fail(closedError("instance"))
	}
	s = instance.inner
	position, ok := s.about.exportByName()[name]
	if !ok || s.about.Exports[position].Type.Kind != kind {
		s.life.leave(s)
		return fail(fmt.Errorf("the instance exports no %s of this name", what))
	}
	return s, position, nil
}

// borrow returns the object of an export, and makes it when it is asked for the first time.
func borrow[T any](s *instanceState, objects *map[uint32]*T, position int, take func() (*T, error)) (*T, error) {
	s.borrowed.Lock()
	defer s.borrowed.Unlock()
	index := s.about.Exports[position].Index
	if object := (*objects)[index]; object != nil {
		return object, nil
	}
	object, err := take()
	if err != nil {
		return nil, err
	}
	if *objects == nil {
		*objects = make(map[uint32]*T)
	}
	(*objects)[index] = object
	return object, nil
}

// closeBorrowed closes what was borrowed. The instance is in no use.
func (s *instanceState) closeBorrowed() {
	if s.exported != nil {
		s.exported.inner.life.close(s.exported.inner)
	}
	s.borrowed.Lock()
	defer s.borrowed.Unlock()
	for _, global := range s.borrowed.globals {
		global.inner.life.close(global.inner)
	}
	for _, table := range s.borrowed.tables {
		table.inner.life.close(table.inner)
	}
	for _, memory := range s.borrowed.memories {
		memory.inner.life.close(memory.inner)
	}
}

// ExportedMemory returns an exported memory by its name, for instances with several; [Instance.Memory] is the first of them. It is closed with the
// instance. The same memory is the same pointer each time. The error is an [*InstanceError]: the instance exports no memory of this name, or is closed.
func (instance *Instance) ExportedMemory(name string) (*Memory, error) {
	s, position, err := instance.export(name, "memory", engine.ExternMemory)
	if err != nil {
		return nil, err
	}
	defer s.life.leave(s)
	if s.about.Exports[position].Index == s.exportedIndex { // there is one that is exported, so this is the index of the first such
		return s.exported, nil
	}
	return borrow(s, &s.borrowed.memories, position, func() (*Memory, error) {
		handle, err := s.owned.handle.Export(uint32(position))
		if err != nil {
			return nil, instanceError("Cannot find the memory `"+name+"`", err)
		}
		return newMemory(handle, false), nil
	})
}
