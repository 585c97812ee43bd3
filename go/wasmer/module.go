package wasmer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// Module is compiled code. It can be instantiated any number of times, by many goroutines at once. Copies of a Module are the same
// module; the zero Module is closed.
type Module struct {
	// Exports says what the module exports, in its order.
	Exports []ExportDescriptor

	// Imports says what the module imports, in its order; empty but not nil if nothing.
	Imports []ImportDescriptor

	inner *moduleState
}

// moduleState is what the copies of a Module share. Instances refer to its description, not to the state itself.
type moduleState struct {
	life    lifetime
	handle  engine.Module
	about   *moduleInfo
	cleanup runtime.Cleanup
}

// moduleInfo is what instances need to know about their module. It never changes.
type moduleInfo struct {
	*engine.Description
	functions      []exportedType        // aligned with the exports; the zero value for what is not a function
	externrefs     bool                  // it has to do with externref; see externrefs.go
	functionByName func() map[string]int // position among the exported functions, made when first needed
	exportByName   func() map[string]int // position among all exports, made when first needed
}

// ReadBytes reads a file, such as one with a module in it. The error is that of [os.ReadFile].
func ReadBytes(filename string) ([]byte, error) { return os.ReadFile(filename) }

// Validate says whether the bytes are a valid module that this package supports (specification, section 3.4). Compile says why not.
func Validate(bytes []byte) bool {
	err := checkBytes(bytes)
	if err == nil {
		err = engine.Validate(context.Background(), bytes)
	}
	if err != nil {
		failure(err) // for GetLastError
	}
	return err == nil
}

// checkBytes refuses what is no module at all, and prepares the engine.
func checkBytes(bytes []byte) error {
	if len(bytes) == 0 {
		return &engine.Error{Kind: engine.KindValidation, Message: "the module has no bytes"}
	}
	return engine.Init()
}

// Compile validates a module in the binary format and compiles it to machine code, functions in parallel. Text is not taken: [Wat2Wasm] translates it. The error is a [*ModuleError] with a fixed
// text; what it wraps says what is wrong and at which offset.
func Compile(bytes []byte, options ...CompileOption) (Module, error) {
	return CompileContext(context.Background(), bytes, options...)
}

// CompileContext is [Compile], given up when the context is done, also in the midst of a large function: some milliseconds later it returns. The error
// wraps the context's error then, and its cause.
func CompileContext(ctx context.Context, bytes []byte, options ...CompileOption) (Module, error) {
	state, err := compile(ctx, bytes, options)
	if err != nil {
		failure(err) // for GetLastError
		return Module{}, &ModuleError{"Failed to compile the module.", err}
	}
	return state.module(), nil
}

func compile(ctx context.Context, bytes []byte, options []CompileOption) (*moduleState, error) {
	if err := checkContext(ctx); err != nil {
		return nil, err
	}
	if err := checkBytes(bytes); err != nil {
		return nil, err
	}
	handle, err := engine.Compile(ctx, bytes, compileOptions(options))
	if err != nil {
		return nil, givenUp(ctx, "compiling", err)
	}
	return newModuleState(handle)
}

// givenUp adds to the error of a context what it is about, and the context's cause.
func givenUp(ctx context.Context, what string, err error) error {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%s was given up: %w (%w)", what, err, cause)
	}
	return fmt.Errorf("%s was given up: %w", what, err)
}

// DeserializeModule makes a module of what [Module.Serialize] wrote, without compiling. The error is a [*ModuleError]: there are no bytes,
// they were altered or cut, or they were made by another version of this package or for a CPU with other features; the error that it wraps says which.
//
// The bytes contain machine code, which is run as it is: use only bytes from a source that may run code in your process. The checks
// protect against accidents, not against malice.
func DeserializeModule(serializedModuleBytes []byte) (Module, error) {
	if len(serializedModuleBytes) == 0 {
		err := NewModuleError("Serialized module bytes are empty.")
		remember(err.message)
		return Module{}, err
	}
	state, err := deserialize(serializedModuleBytes)
	if err != nil {
		failure(err) // for GetLastError
		return Module{}, &ModuleError{"Failed to deserialize the module.", err}
	}
	return state.module(), nil
}

func deserialize(bytes []byte) (*moduleState, error) {
	if err := engine.Init(); err != nil {
		return nil, err
	}
	handle, err := engine.Deserialize(bytes)
	if err != nil {
		return nil, err
	}
	return newModuleState(handle)
}

// newModuleState takes over a handle.
func newModuleState(handle engine.Module) (*moduleState, error) {
	description, err := handle.Describe()
	if err != nil {
		handle.Free()
		return nil, err
	}
	about := &moduleInfo{Description: description, functions: make([]exportedType, len(description.Exports))}
	for i := range description.Exports {
		if f := description.Exports[i].Type.Func; f != nil {
			about.functions[i] = newExportedType(f)
		}
	}
	about.externrefs = mentionsExternref(description)
	about.functionByName = sync.OnceValue(about.indexFunctions)
	about.exportByName = sync.OnceValue(about.indexExports)
	state := &moduleState{handle: handle, about: about}
	state.cleanup = runtime.AddCleanup(state, engine.Module.Free, handle)
	return state, nil
}

// indexFunctions maps the names of exported functions to their positions among these.
func (about *moduleInfo) indexFunctions() map[string]int {
	index := make(map[string]int)
	for i := range about.Exports {
		if about.Exports[i].Type.Kind == engine.ExternFunction {
			index[about.Exports[i].Name] = len(index)
		}
	}
	return index
}

// indexExports maps the names of exports to their positions.
func (about *moduleInfo) indexExports() map[string]int {
	index := make(map[string]int, len(about.Exports))
	for i := range about.Exports {
		index[about.Exports[i].Name] = i
	}
	return index
}

// module makes the value that users get.
func (state *moduleState) module() Module {
	return Module{
		Exports: exportDescriptors(state.about.Description),
		Imports: importDescriptors(state.about.Description),
		inner:   state,
	}
}

// release implements releaser.
func (state *moduleState) release() {
	state.cleanup.Stop()
	state.handle.Free()
	state.handle = engine.Module{}
}

// enter begins a use, unless the module is closed or was never made.
func (module *Module) enter() error {
	if module == nil || module.inner == nil || !module.inner.life.enter(module.inner) {
		return closedError("module")
	}
	return nil
}

func (module *Module) leave() { module.inner.life.leave(module.inner) }

// Instantiate creates an instance without imports, and runs its start function. The error is a [*ModuleError]; see
// [Module.InstantiateContext].
func (module *Module) Instantiate() (Instance, error) {
	return module.InstantiateContext(context.Background(), nil)
}

// InstantiateWithImports creates an instance with imports, and runs its start function. The imports can be used for further instances,
// and those that the module does not ask for are ignored. The error is a [*ModuleError]; see [Module.InstantiateContext].
func (module *Module) InstantiateWithImports(imports *Imports) (Instance, error) {
	return module.InstantiateContext(context.Background(), imports)
}

// InstantiateWithImportObject creates an instance with the imports of an import object, as [Module.InstantiateWithImports] does.
func (module *Module) InstantiateWithImportObject(importObject *ImportObject) (Instance, error) {
	imports, err := importObject.Imports()
	if err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	return module.InstantiateContext(context.Background(), imports)
}

// InstantiateContext creates an instance (specification, section 4.5.4): it links the imports, initialises memories and tables, and runs
// the start function, which is given up when the context is done. nil imports are none. The error is a [*ModuleError]: an import is missing or has another
// type than the module declares, a segment does not fit, the start function trapped (it wraps a [*Trap]) or was given up (it wraps the
// context's error), a host function failed (it wraps its error), a limit was met, or the module or the imports are closed.
func (module *Module) InstantiateContext(ctx context.Context, imports *Imports, options ...InstanceOption) (Instance, error) {
	if err := module.enter(); err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	defer module.leave()
	instance, err := instantiate(ctx, module.inner, imports, instanceOptions(options))
	if err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	return instance, nil
}

// instantiationFailed begins the texts of errors of instantiation.
const instantiationFailed = "Failed to instantiate the module:\n    "

func instantiationModuleError(cause error) error {
	return &ModuleError{instantiationFailed + failure(cause), cause}
}

// Serialize writes the module with its machine code. [DeserializeModule] reads it in the same version of this package on the same kind of CPU.
// The error is a [*ModuleError].
func (module *Module) Serialize() ([]byte, error) {
	fail := func(cause error) ([]byte, error) {
		return nil, &ModuleError{"Failed to serialize the module:\n    " + failure(cause), cause}
	}
	if err := module.enter(); err != nil {
		return fail(err)
	}
	defer module.leave()
	bytes, err := module.inner.handle.Serialize()
	if err != nil {
		return fail(err)
	}
	return bytes, nil
}

// Close frees the module. Its instances go on; what is being done with the module at the moment ends first. Further calls do nothing.
func (module *Module) Close() {
	if module != nil && module.inner != nil {
		module.inner.life.close(module.inner)
	}
}
