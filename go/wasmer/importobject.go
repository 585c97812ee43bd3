package wasmer

import (
	"errors"
	"maps"
)

// ImportObject is a set of imports that is put together from several [Imports]. It can be used for any number of instances.
type ImportObject struct {
	imports *Imports
	broken  error // why it cannot be used, or nil
}

// NewImportObject makes an empty ImportObject.
func NewImportObject() *ImportObject { return &ImportObject{imports: NewImports()} }

// Extend adds all imports of a set, and replaces those that have the same namespace and name. The set can be closed afterwards. The error is an
// [*ImportObjectError]: one of both is closed.
func (importObject *ImportObject) Extend(imports Imports) error {
	added, err := imports.snapshot()
	if err != nil {
		return importObjectError("Cannot extend the import object", err)
	}
	if importObject == nil || importObject.imports == nil {
		return importObjectError("Cannot extend the import object", errors.New("it is nil, expected one of NewImportObject"))
	}
	set := importObject.imports.set
	set.mutex.Lock()
	defer set.mutex.Unlock()
	if set.entries == nil {
		return importObjectError("Cannot extend the import object", closedError("import object"))
	}
	maps.Copy(set.entries, added)
	return nil
}

// Imports returns a copy of the object's imports; its current namespace is "env". A nil object has none. The error is an [*ImportObjectError]: the
// object is closed.
func (importObject *ImportObject) Imports() (*Imports, error) {
	if importObject == nil || importObject.imports == nil {
		return NewImports(), nil
	}
	if importObject.broken != nil {
		return nil, importObject.broken
	}
	entries, err := importObject.imports.snapshot()
	if err != nil {
		return nil, importObjectError("Cannot read the imports of the import object", closedError("import object"))
	}
	return &Imports{&importSet{entries: entries}, defaultNamespace}, nil
}

// Close empties the object. Extending it and instantiating with it give errors from now on; instances that were made with it go
// on. Further calls do nothing.
func (importObject *ImportObject) Close() {
	if importObject != nil {
		importObject.imports.Close()
	}
}

func importObjectError(message string, cause error) error {
	return &ImportObjectError{message + ":\n    " + failure(cause), cause}
}
