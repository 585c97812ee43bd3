package wasmer

import (
	"strconv"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// ImportExportKind is the kind of an import or export (specification, section 2.5.10).
type ImportExportKind int

const (
	// ImportExportKindFunction is the kind of functions.
	ImportExportKindFunction = ImportExportKind(0)

	// ImportExportKindGlobal is the kind of globals.
	ImportExportKindGlobal = ImportExportKind(1)

	// ImportExportKindMemory is the kind of memories.
	ImportExportKindMemory = ImportExportKind(2)

	// ImportExportKindTable is the kind of tables.
	ImportExportKindTable = ImportExportKind(3)

	// ImportExportKindTag is the kind of tags.
	ImportExportKindTag = ImportExportKind(4)
)

// String returns "function", "global", "memory", "table" or "tag".
func (kind ImportExportKind) String() string {
	switch kind {
	case ImportExportKindFunction:
		return "function"
	case ImportExportKindGlobal:
		return "global"
	case ImportExportKindMemory:
		return "memory"
	case ImportExportKindTable:
		return "table"
	case ImportExportKindTag:
		return "tag"
	default:
		return "ImportExportKind(" + strconv.Itoa(int(kind)) + ")"
	}
}

// ExportDescriptor is what a module exports: name and kind. It is known without an instance.
type ExportDescriptor struct {
	// Name is the name of the export.
	Name string

	// Kind is its kind.
	Kind ImportExportKind
}

// ImportDescriptor is what a module imports: namespace, name and kind.
type ImportDescriptor struct {
	// Name is the second part of the import's name.
	Name string

	// Namespace is the first part, which the specification calls the module.
	Namespace string

	// Kind is its kind.
	Kind ImportExportKind
}

// kindFromEngine returns the number of a kind in this package, which is not that of the binary
// format.
func kindFromEngine(kind engine.ExternKind) ImportExportKind {
	switch kind {
	case engine.ExternGlobal:
		return ImportExportKindGlobal
	case engine.ExternMemory:
		return ImportExportKindMemory
	case engine.ExternTable:
		return ImportExportKindTable
	case engine.ExternTag:
		return ImportExportKindTag
	default:
		return ImportExportKindFunction
	}
}

func exportDescriptors(d *engine.Description) []ExportDescriptor {
	descriptors := make([]ExportDescriptor, len(d.Exports))
	for i, export := range d.Exports {
		descriptors[i] = ExportDescriptor{Name: export.Name, Kind: kindFromEngine(export.Type.Kind)}
	}
	return descriptors
}

func importDescriptors(d *engine.Description) []ImportDescriptor {
	descriptors := make([]ImportDescriptor, len(d.Imports))
	for i, imported := range d.Imports {
		descriptors[i] = ImportDescriptor{Name: imported.Name, Namespace: imported.Namespace, Kind: kindFromEngine(imported.Type.Kind)}
	}
	return descriptors
}
