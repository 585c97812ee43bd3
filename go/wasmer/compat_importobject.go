package wasmer

import (
	"errors"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// ImportObject is a set of imports that is put together from several [Imports]. It can be used for
// any number of instances.
type ImportObject struct {
	imports *Imports
	broken  error // why it cannot be used, or nil
}

// NewImportObject makes an empty ImportObject.
func NewImportObject() *ImportObject { return &ImportObject{imports: NewImports()} }

// Extend adds all imports of a set, and replaces those that have the same namespace and name. The
// set can be closed afterwards. The error is an [*ImportObjectError]: one of both is closed.
func (importObject *ImportObject) Extend(imports Imports) error {
	added, err := imports.registry().Items()
	if err != nil {
		return importObjectError("cannot extend the import object", err)
	}
	if importObject == nil || importObject.imports == nil {
		return importObjectError("cannot extend the import object", errors.New("it is nil, expected one of NewImportObject"))
	}
	if importObject.imports.set.Replace(added) != nil {
		return importObjectError("cannot extend the import object", closedError("import object"))
	}
	return nil
}

// Imports returns a copy of the object's imports; its current namespace is "env". A nil object has
// none. The error is an [*ImportObjectError]: the object is closed.
func (importObject *ImportObject) Imports() (*Imports, error) {
	if importObject == nil || importObject.imports == nil {
		return NewImports(), nil
	}
	if importObject.broken != nil {
		return nil, importObject.broken
	}
	items, err := importObject.imports.registry().Items()
	if err != nil {
		return nil, importObjectError("cannot read the imports of the import object", closedError("import object"))
	}
	return &Imports{core.NewRegistry(items), defaultNamespace}, nil
}

// Close empties the object. Extending it and instantiating with it return errors from now on;
// instances that were made with it stay. Further calls do nothing.
func (importObject *ImportObject) Close() {
	if importObject != nil {
		importObject.imports.Close()
	}
}

func importObjectError(message string, cause error) error {
	return &ImportObjectError{message + ": " + failure(cause), cause}
}
