package wasmer

import (
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/engine"
)

// FunctionType is the type of a function (specification, section 2.3.6).
type FunctionType struct {
	// Params are the types of the parameters.
	Params []ValueType

	// Results are the types of the results.
	Results []ValueType
}

// String formats the type as the text format names its types: "(i32, i32) -> (i64)".
func (t FunctionType) String() string {
	return formatTypes(t.Params) + " -> " + formatTypes(t.Results)
}

// formatTypes formats a list of types: "(i32, i32)".
func formatTypes(types []ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// signature formats a function type as the text format names its types: "(i32, i32) -> (i64)".
func signature(t *engine.FuncType) string {
	list := func(types []engine.ValType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.String()
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	return list(t.Params) + " -> " + list(t.Results)
}

// GlobalType is the type of a global (specification, section 2.3.10).
type GlobalType struct {
	// Value is the type of the value.
	Value ValueType

	// Mutable reports whether it can be set.
	Mutable bool
}

// String formats the type: "i32", or "mut i32".
func (t GlobalType) String() string {
	if t.Mutable {
		return "mut " + t.Value.String()
	}
	return t.Value.String()
}

// TableType is the type of a table (specification, section 2.3.9).
type TableType struct {
	// Element is the type of the elements: TypeFuncRef, TypeExternRef or TypeExnRef.
	Element ValueType

	// Min is the number of elements to begin with.
	Min uint64

	// Max is the number of elements never to be exceeded, if HasMax.
	Max    uint64
	HasMax bool

	// Index64 reports whether indices have 64 bits.
	Index64 bool
}

// String formats the type: "1 to 10 of funcref", or "i64 1 or more of funcref" where indices have
// 64 bits.
func (t TableType) String() string {
	return fmt.Sprintf("%s of %s", formatLimits(t.Index64, t.Min, t.Max, t.HasMax), t.Element)
}

// MemoryType is the type of a memory (specification, section 2.3.8).
type MemoryType struct {
	// Min is the size to begin with, in pages.
	Min uint64

	// Max is the size never to be exceeded, in pages, if HasMax.
	Max    uint64
	HasMax bool

	// Index64 reports whether addresses have 64 bits.
	Index64 bool

	// PageSize is the number of bytes of a page: 65,536, or 1.
	PageSize uint32
}

// String formats the type: "1 to 10 pages", or "i64 1 or more pages" where addresses have 64 bits;
// pages of one byte are called bytes.
func (t MemoryType) String() string {
	unit := " pages"
	if t.PageSize == 1 {
		unit = " bytes"
	}
	return formatLimits(t.Index64, t.Min, t.Max, t.HasMax) + unit
}

func formatLimits(index64 bool, min, max uint64, hasMax bool) string {
	prefix := ""
	if index64 {
		prefix = "i64 "
	}
	if hasMax {
		return fmt.Sprintf("%s%d to %d", prefix, min, max)
	}
	return fmt.Sprintf("%s%d or more", prefix, min)
}

// TagType is the type of a tag (specification 3.0, section 2.3.14).
type TagType struct {
	// Params are the types of the values of its exceptions.
	Params []ValueType
}

// String formats the type as the text format names its types: "(i32, i32)".
func (t TagType) String() string { return formatTypes(t.Params) }

// ExternType is the type of an import or export (specification, section 2.3.11): that of its kind
// is set, the others are nil.
type ExternType struct {
	// Kind is what it is.
	Kind ImportExportKind

	// Function is the type of a function.
	Function *FunctionType

	// Global is the type of a global.
	Global *GlobalType

	// Memory is the type of a memory.
	Memory *MemoryType

	// Table is the type of a table.
	Table *TableType

	// Tag is the type of a tag.
	Tag *TagType
}

// String formats kind and type, such as "global mut i32".
func (t ExternType) String() string {
	switch {
	case t.Function != nil:
		return "function " + t.Function.String()
	case t.Global != nil:
		return "global " + t.Global.String()
	case t.Memory != nil:
		return "memory " + t.Memory.String()
	case t.Table != nil:
		return "table " + t.Table.String()
	case t.Tag != nil:
		return "tag " + t.Tag.String()
	default:
		return t.Kind.String()
	}
}

func externTypeFromEngine(t *engine.ExternType) ExternType {
	to := ExternType{Kind: kindFromEngine(t.Kind)}
	switch t.Kind {
	case engine.ExternFunction:
		function := functionTypeFromEngine(t.Func)
		to.Function = &function
	case engine.ExternGlobal:
		to.Global = &GlobalType{Value: typeFromEngine(t.Value), Mutable: t.Mutable}
	case engine.ExternMemory:
		memory := memoryTypeFromEngine(t.Memory())
		to.Memory = &memory
	case engine.ExternTable:
		table := tableTypeFromEngine(t)
		to.Table = &table
	case engine.ExternTag:
		to.Tag = &TagType{typesFromEngine(t.Func.Params)}
	}
	return to
}

func functionTypeFromEngine(t *engine.FuncType) FunctionType {
	return FunctionType{Params: typesFromEngine(t.Params), Results: typesFromEngine(t.Results)}
}

func memoryTypeFromEngine(t engine.MemoryType) MemoryType {
	return MemoryType{t.Limits.Min, t.Limits.Max, t.Limits.HasMax, t.Index64, 1 << t.PageSizeLog2}
}

func tableTypeFromEngine(t *engine.ExternType) TableType {
	return TableType{typeFromEngine(t.Value), t.Limits.Min, t.Limits.Max, t.Limits.HasMax, t.Index64}
}
