package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
)

// This file tells what the bytes of a module consist of, without compiling them.

// ModuleInfo is what [Inspect] finds in the bytes of a module.
type ModuleInfo struct {
	// Name is the name that the module has in its section "name", or empty.
	Name string

	// Imports is what the module imports, in its order.
	Imports []ImportInfo

	// Exports is what the module exports, in its order.
	Exports []ExportInfo

	// Memories are the memories of the module in the order of their indices: those that it imports,
	// then those that it defines. Their limits tell what an instance needs.
	Memories []MemoryType

	// Functions is the number of functions that the module defines.
	Functions int

	// CustomSections are the custom sections in their order. Names may occur more than once.
	CustomSections []CustomSection
}

// ImportInfo is something that a module imports.
type ImportInfo struct {
	// Namespace is the first part of the import's name, which the specification calls the module.
	Namespace string

	// Name is the second part.
	Name string

	// Type is the type that it must have.
	Type ExternType
}

// ExportInfo is something that a module exports.
type ExportInfo struct {
	// Name is the name of the export.
	Name string

	// Type is its type.
	Type ExternType
}

// CustomSection is a custom section of a module (specification, section 5.5.3).
type CustomSection struct {
	// Name is the name of the section, such as "producers".
	Name string

	// Data is what follows the name: a part of the bytes that were given to [Inspect], not a copy.
	Data []byte
}

// Inspect tells what the bytes of a module in the binary format consist of. Its declarations are
// validated, but not the code of its functions, and nothing is compiled: it takes some microseconds
// where [Compile] takes milliseconds. The error is a [*ModuleError] that tells what is wrong and at
// which offset.
func Inspect(bytes []byte) (*ModuleInfo, error) {
	return InspectContext(context.Background(), bytes)
}

// InspectContext is [Inspect], given up when the context is done. The error wraps the context's
// error then, and its cause.
func InspectContext(ctx context.Context, bytes []byte) (*ModuleInfo, error) {
	d, err := core.Inspect(ctx, bytes)
	if err != nil {
		return nil, inspectionError("inspect", bytes, err)
	}
	info := &ModuleInfo{
		Name:      d.Name,
		Imports:   make([]ImportInfo, len(d.Imports)),
		Exports:   make([]ExportInfo, len(d.Exports)),
		Memories:  make([]MemoryType, len(d.Memories)),
		Functions: int(d.Functions),
	}
	for i := range d.Imports {
		info.Imports[i] = ImportInfo{d.Imports[i].Namespace, d.Imports[i].Name, externTypeFromEngine(&d.Imports[i].Type)}
	}
	for i := range d.Exports {
		info.Exports[i] = ExportInfo{d.Exports[i].Name, externTypeFromEngine(&d.Exports[i].Type)}
	}
	for i, memory := range d.Memories {
		info.Memories[i] = memoryTypeFromEngine(memory)
	}
	for _, section := range d.Sections {
		if section.Custom && section.End <= uint64(len(bytes)) && section.Start <= section.End {
			info.CustomSections = append(info.CustomSections, customSection(section, bytes))
		}
	}
	return info, nil
}

func customSection(section engine.Section, bytes []byte) CustomSection {
	return CustomSection{section.Name, bytes[section.Start:section.End:section.End]}
}

// Proposal is a proposal to WebAssembly that a module needs.
type Proposal struct {
	// Name is its name, such as "exception handling".
	Name string

	// Supported reports whether this package has it.
	Supported bool
}

// RequiredProposals returns the proposals that a module needs beyond WebAssembly 1.0; those that
// have become a part of the specification since are among them. It validates the whole module, once
// for each of them, which takes as long as that: use it for what people read, such as why a module
// is refused, and [ValidateContext] to decide. The error is a [*ModuleError]: the module is not
// valid, whatever proposals there are, or the context is done.
func RequiredProposals(ctx context.Context, bytes []byte) ([]Proposal, error) {
	found, err := core.Proposals(ctx, bytes)
	if err != nil {
		return nil, inspectionError("find the proposals of", bytes, err)
	}
	proposals := make([]Proposal, len(found))
	for i, p := range found {
		proposals[i] = Proposal{p.Name, p.Supported}
	}
	return proposals, nil
}
