package wasmer

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Imports is a set of functions, memories, globals and tables that instances can import, by
// namespace and name. It can be used for any number of instances, by many goroutines at once; it
// should be built by one. Instances keep what they import: closing or changing the set does not
// concern those that exist.
type Imports struct {
	set              *core.Registry
	currentNamespace string
}

// defaultNamespace is where imports go unless Namespace changes it; C compilers ask for it.
const defaultNamespace = "env"

// NewImports makes an empty set; its current namespace is "env".
func NewImports() *Imports {
	return &Imports{new(core.Registry), defaultNamespace}
}

// Namespace sets the namespace of what is appended next. It returns the same set.
func (imports *Imports) Namespace(namespace string) *Imports {
	if imports != nil {
		imports.currentNamespace = namespace
	}
	return imports
}

// Append adds a function to the current namespace. It is an error if the namespace has an import of
// that name already; use [ImportObject.Extend] to replace it.
//
// The implementation is a [HostFunction], a [*Function] (see [Imports.AppendExportedFunction]), or
// any Go function of values. Its parameters and results are numbers (see [Number] for what they
// stand for, and what happens to those that do not fit) or of type [16]byte or [2]uint64 (v128, the
// lowest byte and half first), *Function (funcref, nil for null) or any (externref, nil for null).
// In front of them it may take one of these:
//
//   - a [context.Context]: that of the call, as given to [Function.Call]; never done in calls by
//     [Instance.Exports];
//   - an [*InstanceContext]: memory and data of the instance that imports the function;
//   - an [unsafe.Pointer]: the same, by [IntoInstanceContext].
//
// It may have several results. The last one may be an error: if it is not nil, the guest is
// stopped, and the error is found in that of the call by [errors.Is] and [errors.As]. A panic
// arrives at the caller of the exported function.
//
// With a C pointer that is not nil, compiled code calls that C function directly, and the
// implementation only defines its type: the first parameter must be an unsafe.Pointer, the others
// and the result, of which there is at most one, are of kind int32, uint32, int64, uint64, float32
// or float64. The C function gets that pointer as its first argument, a void*. It is usually one
// that cgo makes of the same Go function, by a comment //export:
//
//	//export sum
//	func sum(context unsafe.Pointer, x, y int32) int32 { return x + y }
//
//	imports, err := wasmer.NewImports().Append("sum", sum, C.sum)
//
// Functions of up to eight numbers and at most one number as result, whatever their types, are
// called without reflection, and allocate nothing. For others, and for full speed on raw slots, see
// [HostFunc] and [Host2].
//
// It returns the same set, or nil and an [*ImportedFunctionError].
func (imports *Imports) Append(
	importName string, implementation interface{}, cgoPointer ...unsafe.Pointer,
) (*Imports, error) {
	var pointer unsafe.Pointer
	switch len(cgoPointer) {
	case 0:
	case 1:
		pointer = cgoPointer[0]
	default:
		return nil, importError(importName, fmt.Sprintf("imported function `%%s` takes one C pointer at most, given %d", len(cgoPointer)), nil)
	}
	if function, ok := implementation.(*Function); ok && pointer == nil {
		return imports.AppendExportedFunction(importName, function)
	}
	host, err := newHostFunction(importName, implementation, pointer)
	if err != nil {
		return nil, err
	}
	return imports.put(importName, host)
}

// AppendMemory adds a memory to the current namespace, where nothing may have its name. It may be
// one of [NewMemory] or that of an instance; all instances that import it share its bytes. The set
// does not own it: it must be closed separately, after the instances are made. It returns the same
// set, or nil and an [*ImportedFunctionError].
func (imports *Imports) AppendMemory(importName string, memory *Memory) (*Imports, error) {
	if memory == nil || memory.inner == nil {
		return nil, importError(importName, "imported memory `%s` must be a memory, given nil", nil)
	}
	return imports.put(importName, memory.inner)
}

// AppendExportedFunction adds a function of an instance to the current namespace, where nothing may
// have its name. An instance that imports it is linked with that of the function; see [Function].
// It returns the same set, or nil and an [*ImportedFunctionError].
func (imports *Imports) AppendExportedFunction(
	importName string, function *Function,
) (*Imports, error) {
	if function.neverMade() {
		return nil, importError(importName, "Imported function `%s` must be a function; given `nil`.", nil)
	}
	return imports.put(importName, function.inner)
}

// AppendGlobal adds a global to the current namespace, where nothing may have its name. It may be
// one of [NewGlobal] or that of an instance; all instances that import it share its value, and are
// linked with each other. The set does not own it: it must be closed separately, after the
// instances are made. It returns the same set, or nil and an [*ImportedFunctionError].
func (imports *Imports) AppendGlobal(importName string, global *Global) (*Imports, error) {
	if global == nil || global.inner == nil {
		return nil, importError(importName, "imported global `%s` must be a global, given nil", nil)
	}
	return imports.put(importName, global.inner)
}

// AppendTable adds a table to the current namespace, where nothing may have its name. It may be one
// of [NewTable] or that of an instance; all instances that import it share its elements, and are
// linked with each other. The set does not own it: it must be closed separately, after the
// instances are made. It returns the same set, or nil and an [*ImportedFunctionError].
func (imports *Imports) AppendTable(importName string, table *Table) (*Imports, error) {
	if table == nil || table.inner == nil {
		return nil, importError(importName, "imported table `%s` must be a table, given nil", nil)
	}
	return imports.put(importName, table.inner)
}

// AppendTag adds a tag to the current namespace, where nothing may have its name. It may be one of
// [NewTag] or that of an instance; all instances that import it are linked with each other. The set
// does not own it: it must be closed separately, after the instances are made. It returns the same
// set, or nil and an [*ImportedFunctionError].
func (imports *Imports) AppendTag(importName string, tag *Tag) (*Imports, error) {
	if tag.made() == nil {
		return nil, importError(importName, "imported tag `%s` must be a tag, given nil", nil)
	}
	return imports.put(importName, tag.inner)
}

// AppendInstance adds all exports of an instance to the current namespace, under their names:
// functions, memories, globals, tables and tags. If there is an import of one of these names
// already,
// nothing is added. The instance must be open when others are made with them. It returns the same
// set, or nil and an [*ImportedFunctionError] or [*InstanceError].
func (imports *Imports) AppendInstance(instance *Instance) (*Imports, error) {
	items, err := instance.made().Items()
	if err != nil {
		return nil, instanceError("cannot append the exports", err)
	}
	return imports.putAll(items)
}

func (imports *Imports) put(name string, item core.Item) (*Imports, error) {
	return imports.putAll(map[string]core.Item{name: item})
}

// putAll adds items to the current namespace, all or none.
func (imports *Imports) putAll(items map[string]core.Item) (*Imports, error) {
	name := "" // one of them, for errors about the set
	for name = range items {
		break
	}
	if imports == nil {
		return nil, importError(name, "cannot append `%s`", errors.New("the imports are nil"))
	}
	if imports.set == nil { // the zero Imports
		imports.set = new(core.Registry)
	}
	err := imports.set.Add(imports.currentNamespace, items)
	if taken, ok := err.(*core.TakenError); ok {
		name = taken.Name.Name
		err = fmt.Errorf("the namespace `%s` has an import of this name already", taken.Namespace)
	}
	if err != nil {
		return nil, importError(name, "cannot append `%s`", err)
	}
	return imports, nil
}

// registry returns the registry of package core, nil for a nil or zero set, which has no imports.
func (imports *Imports) registry() *core.Registry {
	if imports == nil {
		return nil
	}
	return imports.set
}

// Close empties the set. Appending to it and instantiating with it return errors from now on;
// instances that were made with it, and memories in it, stay. Further calls do nothing.
func (imports *Imports) Close() {
	if imports == nil {
		return
	}
	if imports.set == nil {
		imports.set = new(core.Registry)
	}
	imports.set.Close()
}
