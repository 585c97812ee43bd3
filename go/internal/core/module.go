package core

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Module is compiled code. Instances refer to its description, not to the module itself.
type Module struct {
	life    lifetime
	code    *Code // until it is closed
	about   *About
	cleanup runtime.Cleanup
}

// About is what instances need to know about their module. It never changes.
type About struct {
	*engine.Description
	functions      []FuncType            // aligned with the exports; zero for what is no function
	externrefs     bool                  // it has to do with externref; see space.go
	functionByName func() map[string]int // positions among the exported functions
	exportByName   func() map[string]int // positions among all exports
}

// Validate returns why the bytes are not a valid module that is supported, or nil. It is given up
// when the context is done.
func Validate(ctx context.Context, bytes []byte) error {
	_, err := look(ctx, "validating", bytes, func(ctx context.Context, bytes []byte) (struct{}, error) {
		return struct{}{}, engine.Validate(ctx, bytes)
	})
	return err
}

// Inspect describes the bytes of a module whose declarations are valid, without compiling it.
func Inspect(ctx context.Context, bytes []byte) (*engine.Description, error) {
	return look(ctx, "inspecting", bytes, engine.Inspect)
}

// Proposals returns the proposals that a module needs beyond WebAssembly 1.0.
func Proposals(ctx context.Context, bytes []byte) ([]engine.Proposal, error) {
	return look(ctx, "validating", bytes, engine.Proposals)
}

// look finds something out about the bytes of a module. It is given up when the context is done.
func look[T any](ctx context.Context, what string, bytes []byte, find func(context.Context, []byte) (T, error)) (found T, err error) {
	if err := CheckContext(ctx); err != nil {
		return found, err
	}
	if err := checkBytes(bytes); err != nil {
		return found, err
	}
	if found, err = find(ctx, bytes); err != nil {
		return found, GivenUp(ctx, what, err)
	}
	return found, nil
}

// checkBytes refuses what is no module at all, and prepares the engine.
func checkBytes(bytes []byte) error {
	if len(bytes) == 0 {
		return &engine.Error{Kind: engine.KindValidation, Message: "the module has no bytes"}
	}
	return engine.Init()
}

// GivenUp adds to the error of a context what was given up because of it, and the context's cause.
func GivenUp(ctx context.Context, what string, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%s was given up: %w (%w)", what, err, cause)
	}
	return fmt.Errorf("%s was given up: %w", what, err)
}

// Deserialize makes a module of what Serialize wrote.
func Deserialize(bytes []byte) (*Module, error) { return deserialize(bytes, nil) }

// deserialize does the same; with a file that begins with the bytes, and that nobody changes, much
// code is run from there.
func deserialize(bytes []byte, file *os.File) (*Module, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	var handle engine.Module
	var err error
	if file != nil {
		handle, err = engine.DeserializeFile(bytes, file)
	} else {
		handle, err = engine.Deserialize(bytes)
	}
	if err != nil {
		return nil, err
	}
	return newModule(handle)
}

// newModule takes over a handle.
func newModule(handle engine.Module) (*Module, error) {
	description, err := handle.Describe()
	if err != nil {
		handle.Free()
		return nil, err
	}
	about := &About{Description: description, functions: make([]FuncType, len(description.Exports))}
	for i := range description.Exports {
		// Tags have such a type, too.
		if t := &description.Exports[i].Type; t.Kind == engine.ExternFunction {
			about.functions[i] = newFuncType(t.Func)
		}
	}
	about.externrefs = mentionsExternref(description)
	about.functionByName = sync.OnceValue(about.indexFunctions)
	about.exportByName = sync.OnceValue(about.indexExports)
	return moduleOf(newCode(handle, description), about), nil
}

// moduleOf makes a module that is one of the holders of its code.
func moduleOf(code *Code, about *About) *Module {
	code.completing.join()
	module := &Module{code: code, about: about}
	module.cleanup = runtime.AddCleanup(module, (*Code).abandon, code)
	return module
}

// indexFunctions maps the names of exported functions to their positions among these.
func (about *About) indexFunctions() map[string]int {
	index := make(map[string]int)
	for i := range about.Exports {
		if about.Exports[i].Type.Kind == engine.ExternFunction {
			index[about.Exports[i].Name] = len(index)
		}
	}
	return index
}

// indexExports maps the names of exports to their positions.
func (about *About) indexExports() map[string]int {
	index := make(map[string]int, len(about.Exports))
	for i := range about.Exports {
		index[about.Exports[i].Name] = i
	}
	return index
}

// mentionsExternref reports whether a module has functions, imports or exports of type externref.
// One that has none, but a variable of the type inside, never gets hold of a value.
func mentionsExternref(about *engine.Description) bool {
	if about.Tags > 0 {
		return true // and throws what may be referred to
	}
	for _, t := range about.Types {
		for _, list := range [...][]engine.ValType{t.Params, t.Results} {
			for _, t := range list {
				if t == engine.ExternRef || t == engine.ExnRef {
					return true
				}
			}
		}
	}
	for i := range about.Imports {
		if ofExternref(&about.Imports[i].Type) {
			return true
		}
	}
	for i := range about.Exports {
		if ofExternref(&about.Exports[i].Type) {
			return true
		}
	}
	return false
}

// ofExternref reports whether this is a global or a table of externref.
func ofExternref(t *engine.ExternType) bool {
	return (t.Kind == engine.ExternGlobal || t.Kind == engine.ExternTable) && (t.Value == engine.ExternRef || t.Value == engine.ExnRef)
}

// release implements releaser.
func (m *Module) release() {
	m.cleanup.Stop()
	m.code.abandon()
	m.code = nil
}

// Enter begins a use, unless the module is nil or closed.
func (m *Module) Enter() error {
	if m == nil || !m.life.enter(m) {
		return ClosedError("module")
	}
	return nil
}

// Leave ends a use.
func (m *Module) Leave() { m.life.leave(m) }

// About describes the module. It must not be changed.
func (m *Module) About() *About { return m.about }

// Complete compiles the functions that are not compiled yet, if there are any. The error is that of
// the context when that is done, or that of a function that cannot be compiled.
func (m *Module) Complete(ctx context.Context) error {
	if err := CheckContext(ctx); err != nil {
		return err
	}
	if err := m.Enter(); err != nil {
		return err
	}
	defer m.Leave()
	if err := m.code.complete(ctx); err != nil {
		return GivenUp(ctx, "compiling", err)
	}
	return nil
}

// IsComplete reports whether all functions are compiled.
func (m *Module) IsComplete() bool {
	if m.Enter() != nil {
		return false
	}
	defer m.Leave()
	return m.code.completing.isOver()
}

// Serialize writes the module with its machine code, all of which is compiled first.
func (m *Module) Serialize() ([]byte, error) {
	if err := m.Complete(context.Background()); err != nil {
		return nil, err
	}
	if err := m.Enter(); err != nil {
		return nil, err
	}
	defer m.Leave()
	return m.code.serialize()
}

// Close frees the module when its last use ends. Instances keep the code.
func (m *Module) Close() {
	if m != nil {
		m.life.close(m)
	}
}
