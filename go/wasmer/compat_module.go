package wasmer

import (
	"context"
	"os"
)

// This file has the shapes of go-ext-wasm 0.3.1 for modules.

// ReadBytes reads a file, such as one with a module in it. The error is that of [os.ReadFile].
func ReadBytes(filename string) ([]byte, error) { return os.ReadFile(filename) }

// Instantiate creates an instance without imports, and runs its start function. The error is a
// [*ModuleError]; see [Module.InstantiateContext].
func (module *Module) Instantiate() (Instance, error) {
	return module.InstantiateContext(context.Background(), nil)
}

// InstantiateWithImports creates an instance with imports, and runs its start function. The imports
// can be used for further instances, and those that the module does not ask for are ignored. The
// error is a [*ModuleError]; see [Module.InstantiateContext].
func (module *Module) InstantiateWithImports(imports *Imports) (Instance, error) {
	return module.InstantiateContext(context.Background(), imports)
}

// InstantiateWithImportObject creates an instance with the imports of an import object, as
// [Module.InstantiateWithImports] does.
func (module *Module) InstantiateWithImportObject(importObject *ImportObject) (Instance, error) {
	imports, err := importObject.Imports()
	if err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	return module.InstantiateContext(context.Background(), imports)
}
