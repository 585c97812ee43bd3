package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file is about functions as values: the references that guests, tables and globals hold.

// noExport is the position of functions that are not exported.
const noExport = ^uint32(0)

// functionByIndex returns a function of the instance: an exported one under its name, others under their index. The handle is one of the function.
func (s *instanceState) functionByIndex(info *engine.FuncInfo, handle engine.Extern) (*exportedFunction, error) {
	next := 0
	for i := range s.about.Exports {
		if s.about.Exports[i].Type.Kind != engine.ExternFunction {
			continue
		}
		if s.about.Exports[i].Index == info.Index && next < len(s.functions) {
			return &s.functions[next], nil
		}
		next++
	}
	t, err := handle.FuncType()
	if err != nil {
		return nil, err
	}
	typ := newExportedType(t)
	f := &exportedFunction{instance: s, typ: &typ, name: fmt.Sprintf("function[%d]", info.Index), export: noExport}
	f.entry.Store(s.newEntry(info.Func))
	return f, nil
}

// use gives a handle of the function for a while.
func (f *exportedFunction) use(do func(handle engine.Extern) error) error {
	s := f.instance
	if !s.life.enter(s) {
		return closedError("instance of the function `" + f.name + "`")
	}
	defer s.life.leave(s)
	handle, err := f.handle()
	if err != nil {
		return err
	}
	defer handle.Free()
	return do(handle)
}

// handle makes a handle of the function. The instance is in use.
func (f *exportedFunction) handle() (engine.Extern, error) {
	if f.export != noExport {
		return f.instance.owned.handle.Export(f.export)
	}
	handle := f.instance.owned.handle.FunctionAt(f.identity().slot.Load())
	if handle.IsNil() {
		return handle, fmt.Errorf("the function `%s` is not in its store", f.name)
	}
	return handle, nil
}

// canonical returns the one that stands for all that are the same function, which may be exported under several names and by several instances.
func (f *exportedFunction) canonical() *exportedFunction {
	if same := f.identity().same.Load(); same != nil {
		return same
	}
	err := f.use(func(handle engine.Extern) error {
		info, err := handle.FuncInfo()
		if err == nil {
			f.instance.store.note(f, &info, info.Slot)
		}
		return err
	})
	if err != nil { // the instance is closed, and the function is good for nothing any more
		return f
	}
	return f.identity().same.Load()
}

// handTo gives a handle of the function to something that makes the engine's store of the function one with that of a store here, and then makes these one.
func (f *exportedFunction) handTo(s *store, link func(handle engine.Extern) error) error {
	return f.use(func(handle engine.Extern) error {
		info, err := handle.FuncInfo()
		if err != nil {
			return err
		}
		s.both(f.instance.store, (*store).shareSpace) // before guests can hand values of the one to the other
		linking.RLock()
		defer linking.RUnlock()
		if err := link(handle); err != nil {
			return err
		}
		s.merge(f.instance.store)
		f.instance.store.note(f, &info, info.Slot)
		return nil
	})
}

// anchor begins a use of an instance in the same store as this: this one, or another if it is closed. The caller ends it.
func (s *instanceState) anchor() (*instanceState, error) {
	if s.life.enter(s) {
		return s, nil
	}
	var found *instanceState
	s.store.view(func(all *store) {
		all.each(func(other *instanceState) bool {
			if other.life.enter(other) {
				found = other
			}
			return found == nil
		})
	})
	if found == nil {
		return nil, closedError("instance")
	}
	return found, nil
}

// functionAt returns the function that a slot refers to, nil for null. Any number may be given.
func (s *instanceState) functionAt(slot uint64) (*exportedFunction, error) {
	return s.store.function(slot, func(slot uint64) engine.Extern {
		anchor, err := s.anchor()
		if err != nil {
			return engine.Extern{}
		}
		defer anchor.life.leave(anchor)
		return anchor.owned.handle.FunctionAt(slot)
	})
}

// slotOfFunction returns a slot that refers to a function, which may come from anywhere: from now on both are in the same store.
func (s *instanceState) slotOfFunction(f *exportedFunction) (uint64, error) {
	if f == nil {
		return 0, nil
	}
	if f.instance.store.is(s.store) {
		if slot := f.identity().slot.Load(); slot != 0 {
			return slot, nil
		}
	}
	anchor, err := s.anchor()
	if err != nil {
		return 0, err
	}
	defer anchor.life.leave(anchor)
	if err := f.handTo(s.store, anchor.owned.handle.Accept); err != nil {
		return 0, err
	}
	return f.identity().slot.Load(), nil
}

// checkFunctions refuses slots that should refer to functions and do not.
func (s *instanceState) checkFunctions(types []engine.ValType, slots []uint64) error {
	at := 0
	for _, t := range types {
		if t == engine.FuncRef {
			if _, err := s.functionAt(slots[at]); err != nil {
				return err
			}
		}
		at += t.Slots()
	}
	return nil
}

// NewFunction makes a function value of a Go function, to be called, given to guests as a funcref, put into tables and globals, and imported by
// instances: whatever can be done with a function that an instance exports. The implementation is what [Imports.Append] takes; its type follows from it.
//
// The function is one that a module of its own imports and exports again. It is freed after a garbage collection, when neither the program nor a guest has it
// any more. The error is an [*ImportedFunctionError] for an implementation that Append refuses, or an [*InstanceError].
func NewFunction(implementation interface{}) (*Function, error) {
	imports, err := NewImports().Append("function", implementation)
	if err != nil {
		return nil, err
	}
	defer imports.Close()
	host := imports.set.entries[importName{defaultNamespace, "function"}].(ImportFunction).host
	if host == nil {
		return nil, importError("function", "Cannot make `%s` a function value.", fmt.Errorf("it is the value of a function already"))
	}
	instance, err := NewInstanceWithImports(reexporting(host.params, host.results), imports)
	if err != nil {
		return nil, err
	}
	return instance.Function("function")
}

// reexporting gives a module that imports a function of a type and exports it again:
//
//	(module (import "env" "function" (func (type ...))) (export "function" (func 0)))
func reexporting(params, results []engine.ValType) []byte {
	list := func(types []engine.ValType) []byte {
		bytes := uleb(len(types))
		for _, t := range types {
			bytes = append(bytes, binaryTypes[t])
		}
		return bytes
	}
	section := func(id byte, parts ...[]byte) []byte {
		body := []byte{1}
		for _, part := range parts {
			body = append(body, part...)
		}
		return append(append([]byte{id}, uleb(len(body))...), body...)
	}
	name := func(name string) []byte { return append(uleb(len(name)), name...) }
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, section(1, []byte{0x60}, list(params), list(results))...)
	module = append(module, section(2, name(defaultNamespace), name("function"), []byte{0, 0})...)
	return append(module, section(7, name("function"), []byte{0, 0})...)
}

// binaryTypes are the types as the binary format has them (specification, section 5.3.4).
var binaryTypes = [...]byte{
	engine.I32: 0x7f, engine.I64: 0x7e, engine.F32: 0x7d, engine.F64: 0x7c,
	engine.V128: 0x7b, engine.FuncRef: 0x70, engine.ExternRef: 0x6f,
}

// uleb encodes a size.
func uleb(n int) []byte {
	var bytes []byte
	for ; n >= 0x80; n >>= 7 {
		bytes = append(bytes, byte(n)|0x80)
	}
	return append(bytes, byte(n))
}
