package engine

import "unsafe"

// ProvidedKind says what is given for an import.
type ProvidedKind uint32

// What can be given for an import.
const (
	// ProvidedHostFunction is a function of Go, or a C function pointer.
	ProvidedHostFunction ProvidedKind = gwImportHostFunction
	// ProvidedExtern is a function of an instance, a table, a memory or a global.
	ProvidedExtern ProvidedKind = gwImportExtern
)

// Provided is what is given for an import of a module.
type Provided struct {
	// Kind says what it is.
	Kind ProvidedKind
	// FunctionIndex is the number by which the host function is asked for.
	FunctionIndex uint64
	// CFunction is the C function to call instead, or nil.
	CFunction unsafe.Pointer
	// Params and Results are the types of the host function.
	Params, Results []ValType
	// Intrinsic is what the engine does by itself of the host function.
	Intrinsic Intrinsic
	// Extern is the function, table, memory or global.
	Extern Extern
}

// Intrinsic is what the engine does by itself of a host function, without leaving the guest; it
// calls the host function for the rest. The zero value is nothing.
type Intrinsic struct {
	number gwIntrinsic
	data   int64
}

// ClockRead is the intrinsic clock_read: a function [i32 i64 i32] -> [i32] that is given the number
// of a clock of the system (0 for that of the day, 1 for the one that never goes back), something
// that is not looked at, and an address. It stores the nanoseconds there and returns 0. The origin
// is the time of ClockMonotonic that is 0 for the guest. The host function is called for other
// clocks and for addresses out of bounds.
func ClockRead(origin int64) Intrinsic { return Intrinsic{gwIntrinsicClockRead, origin} }

// InstanceOptions limit an instance.
type InstanceOptions struct {
	// ID is the number by which host calls name the instance.
	ID uint64
	// MaxMemoryPages is a ceiling for its memories, 0 for none.
	MaxMemoryPages uint64
	// MaxTableElements is a ceiling for its tables, 0 for none.
	MaxTableElements uint64
	// Snapshot is a snapshot of the module that says what the instance begins with, or the zero
	// value.
	Snapshot Snapshot
}

// Instance is a handle of an instance. The zero value is no instance.
type Instance struct{ handle unsafe.Pointer }

// NewInstance links a module with what is given for its imports, in their order, and initialises
// memories and tables. It does not run the start function.
func NewInstance(module Module, provided []Provided, options InstanceOptions) (Instance, error) {
	imports, types := encodeImports(provided)
	handle, err := instanceNew(module.handle, imports, types, gwInstanceOptions{
		instanceId:       options.ID,
		maxMemoryPages:   options.MaxMemoryPages,
		maxTableElements: options.MaxTableElements,
	}, options.Snapshot.handle)
	return Instance{handle}, err
}

// encodeImports writes the list as the C ABI wants it, and the types that it refers to. Pointers in
// it are of C memory.
func encodeImports(provided []Provided) ([]gwImport, []uint8) {
	count := 0
	for i := range provided {
		count += len(provided[i].Params) + len(provided[i].Results)
	}
	imports, types := make([]gwImport, len(provided)), make([]uint8, 0, count)
	for i := range provided {
		p := &provided[i]
		imports[i] = gwImport{
			kind:          uint32(p.Kind),
			types:         uint32(len(types)),
			paramsLen:     uint32(len(p.Params)),
			resultsLen:    uint32(len(p.Results)),
			functionIndex: p.FunctionIndex,
			cFunction:     p.CFunction,
			intrinsic:     uint32(p.Intrinsic.number),
			intrinsicData: p.Intrinsic.data,
			item:          p.Extern.handle,
		}
		for _, t := range p.Params {
			types = append(types, uint8(t))
		}
		for _, t := range p.Results {
			types = append(types, uint8(t))
		}
	}
	return imports, types
}

// Start returns the start function, if there is one.
func (i Instance) Start() (Func, bool) { return instanceStart(i.handle) }

// Function returns an exported function by its position among the exports.
func (i Instance) Function(export uint32) (Func, error) { return instanceFunction(i.handle, export) }

// Memory0 returns a handle of memory 0, imported or own; none if there is none.
func (i Instance) Memory0() Extern { return Extern{instanceMemory0(i.handle)} }

// Token returns what C functions get as their context: unique while the instance lives.
func (i Instance) Token() unsafe.Pointer { return instanceToken(i.handle) }

// Store returns what identifies the store to fibers.
func (i Instance) Store() unsafe.Pointer { return instanceStore(i.handle) }

// Reset makes memories, tables, globals and segments of the instance's own what they were before
// the start function ran. Nothing of the instance may be running. After an error it can only be
// freed.
func (i Instance) Reset() error { return instanceReset(i.handle) }

// Free gives the handle back. Nothing of the instance may be running.
func (i Instance) Free() { instanceFree(i.handle) }
