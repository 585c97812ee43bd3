package engine

import "github.com/gowasmer/wasmer/internal/wire"

var valTypeNames = [...]string{"i32", "i64", "f32", "f64", "v128", "funcref", "externref", "exnref"}

// String returns the name in the text format.
func (t ValType) String() string {
	if int(t) < len(valTypeNames) {
		return valTypeNames[t]
	}
	return "unknown type"
}

// Slots is the number of consecutive 64-bit slots that a value takes.
func (t ValType) Slots() int {
	if t == V128 {
		return 2
	}
	return 1
}

// IsReference reports whether values are references.
func (t ValType) IsReference() bool { return t == FuncRef || t == ExternRef || t == ExnRef }

// FuncType is the type of a function.
type FuncType struct {
	// Params and Results are the types of parameters and results.
	Params, Results []ValType
}

// ParamSlots is the number of 64-bit slots that the arguments of a call take.
func (t *FuncType) ParamSlots() int { return slots(t.Params) }

// ResultSlots is the number of 64-bit slots that the results of a call take.
func (t *FuncType) ResultSlots() int { return slots(t.Results) }

// Slots is the number of 64-bit slots that a call needs: arguments and results share them.
func (t *FuncType) Slots() int { return max(t.ParamSlots(), t.ResultSlots()) }

func slots(types []ValType) int {
	sum := 0
	for _, t := range types {
		sum += t.Slots()
	}
	return sum
}

// Limits are the size bounds of a memory in pages, or of a table in elements.
type Limits struct {
	// Min is the size to begin with.
	Min uint64
	// Max is the size never to be exceeded, if HasMax.
	Max    uint64
	HasMax bool
}

// MemoryType is the type of a memory.
type MemoryType struct {
	// Limits are its size bounds in pages.
	Limits Limits
	// Index64 reports whether addresses have 64 bits.
	Index64 bool
	// PageSizeLog2 is the size of its pages in bytes, as a power of two: 16, or 0.
	PageSizeLog2 uint8
}

// Memory is the type of a memory.
func (t *ExternType) Memory() MemoryType { return MemoryType{t.Limits, t.Index64, t.PageSizeLog2} }

// ExternType is the type of an import or export; which fields hold something depends on Kind.
type ExternType struct {
	// Kind says what it is.
	Kind ExternKind
	// Func is the type of a function; of a tag, whose exceptions have the parameters as values.
	Func *FuncType
	// Limits are those of a table or a memory.
	Limits Limits
	// Index64 reports whether indices into a table or a memory have 64 bits.
	Index64 bool
	// PageSizeLog2 is the size of a memory's pages in bytes, as a power of two: 16, or 0.
	PageSizeLog2 uint8
	// Value is the type of a global or of a table's elements.
	Value ValType
	// Mutable reports whether a global can be set.
	Mutable bool
}

// Import is what a module asks for.
type Import struct {
	// Namespace and Name are the two parts of its name.
	Namespace, Name string
	// Type is what it must be.
	Type ExternType
}

// Export is what a module offers.
type Export struct {
	// Name is its name.
	Name string
	// Index is its position in the index space of its kind.
	Index uint32
	// Type is what it is.
	Type ExternType
}

// Section is a section of the module's binary.
type Section struct {
	// Name is that of a custom section, or of the kind of section.
	Name string
	// Custom reports whether it is a custom section.
	Custom bool
	// Size is its size in bytes.
	Size uint64
	// Start and End are where its own bytes lie in the module's, those of a custom section after
	// its name.
	Start, End uint64
}

// Description says what a module consists of.
type Description struct {
	// Code is the serial number of the module's code, 0 where it is not compiled.
	Code uint64
	// Types are the function types that the module declares.
	Types []FuncType
	// Imports and Exports are in the order of the module.
	Imports []Import
	Exports []Export
	// Name is the module's name, if it has one.
	Name string
	// Sections are the sections of the binary, in their order.
	Sections []Section
	// Functions is the number of functions that the module defines.
	Functions uint32
	// CodeBytes is the size of the machine code.
	CodeBytes uint64
	// Memories are the memories that the module imports or defines, in the order of their indices.
	Memories []MemoryType
	// Tags is the number of tags that the module imports or defines.
	Tags uint32
}

// parseDescription reads what gw_module_describe wrote.
func parseDescription(bytes []byte) (*Description, error) {
	r := &reader{wire.NewReader(bytes)}
	if version := r.U32(); version != descriptionVersion && !r.Failed() {
		r.Fail("version %d, expected %d", version, descriptionVersion)
	}
	d := &Description{Code: r.U64()}
	d.Types = make([]FuncType, r.Count(8))
	for i := range d.Types {
		d.Types[i] = FuncType{Params: r.types(), Results: r.types()}
	}
	d.Imports = make([]Import, r.Count(9))
	for i := range d.Imports {
		im := &d.Imports[i]
		im.Namespace, im.Name = r.Str(), r.Str()
		im.Type.Kind = ExternKind(r.U8())
		r.payload(&im.Type, d.Types)
	}
	d.Exports = make([]Export, r.Count(9))
	for i := range d.Exports {
		ex := &d.Exports[i]
		ex.Name = r.Str()
		ex.Type.Kind = ExternKind(r.U8())
		ex.Index = r.U32()
		r.payload(&ex.Type, d.Types)
	}
	d.Name = r.Str()
	d.Sections = make([]Section, r.Count(29))
	for i := range d.Sections {
		d.Sections[i] = Section{Name: r.Str(), Custom: r.U8() != 0, Size: r.U64(), Start: r.U64(), End: r.U64()}
	}
	d.Functions = r.U32()
	d.CodeBytes = r.U64()
	d.Memories = make([]MemoryType, r.Count(19))
	for i := range d.Memories {
		memory := ExternType{Kind: ExternMemory}
		r.payload(&memory, d.Types)
		d.Memories[i] = memory.Memory()
	}
	d.Tags = r.U32()
	return d, r.end("description of a module")
}

// reader reads the answers of the C ABI that rust/engine/src/ffi/describe.rs encodes.
type reader struct{ *wire.Reader }

// end reports what could not be read.
func (r *reader) end(what string) error {
	if err := r.End(what); err != nil {
		return &Error{Kind: KindInternal, Message: err.Error()}
	}
	return nil
}

func (r *reader) types() []ValType {
	types := make([]ValType, r.Count(1))
	for i := range types {
		types[i] = ValType(r.U8())
	}
	return types
}

func (r *reader) payload(t *ExternType, types []FuncType) {
	switch t.Kind {
	case ExternFunction, ExternTag:
		if index := r.U32(); int(index) < len(types) {
			t.Func = &types[index]
		} else {
			r.Fail("type index %d of %d", index, len(types))
			t.Func = &FuncType{}
		}
	case ExternTable:
		t.Value = ValType(r.U8())
		t.Limits, t.Index64 = r.limits()
	case ExternMemory:
		t.Limits, t.Index64 = r.limits()
		t.PageSizeLog2 = r.U8()
		if t.PageSizeLog2 > 16 {
			r.Fail("pages of 2^%d bytes", t.PageSizeLog2)
		}
	case ExternGlobal:
		t.Value = ValType(r.U8())
		t.Mutable = r.U8() != 0
	default:
		r.Fail("unknown kind %d", t.Kind)
	}
}

func (r *reader) limits() (limits Limits, index64 bool) {
	limits = Limits{Min: r.U64(), HasMax: r.U8() != 0, Max: r.U64()}
	return limits, r.U8() != 0
}
