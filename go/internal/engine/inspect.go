package engine

import (
	"context"
	"slices"

	"github.com/gowasmer/wasmer/internal/wire"
)

// This file has what tools want to know of modules: without compiling them, or of their code.

// Inspect describes the bytes of a module whose declarations are valid, without compiling it.
func Inspect(ctx context.Context, bytes []byte) (*Description, error) {
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	out, err := inspect(ctx, heap, bytes)
	if err != nil {
		return nil, err
	}
	return parseDescription(takeWorkBytes(out))
}

// Proposal is a proposal that a module needs.
type Proposal struct {
	// Name is its name, such as "exception handling".
	Name string
	// Supported reports whether this engine has it.
	Supported bool
}

// Proposals returns the proposals that a module needs beyond WebAssembly 1.0. It validates the
// module, once for each of them, and once more if one is not supported.
func Proposals(ctx context.Context, bytes []byte) ([]Proposal, error) {
	heap := newWorkHeap()
	defer releaseWorkHeap(heap)
	out, err := proposals(ctx, heap, bytes)
	if err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeWorkBytes(out))}
	list := make([]Proposal, r.Count(5))
	for i := range list {
		list[i] = Proposal{Name: r.Str(), Supported: r.U8() != 0}
	}
	if err := r.end("proposals of a module"); err != nil {
		return nil, err
	}
	unsupported := func(p Proposal) bool { return !p.Supported }
	if slices.ContainsFunc(list, unsupported) && Validate(ctx, bytes) == nil {
		// The validator takes constant expressions that read the module's own globals for a part of
		// garbage collection. They are supported without it.
		list = slices.DeleteFunc(list, unsupported)
	}
	return list, nil
}

// NoFunction is the index of a body that is not a function of the module but of the engine.
const NoFunction = ^uint32(0)

// Body is a piece of a module's machine code.
type Body struct {
	// Start and End are its addresses.
	Start, End uintptr
	// Function is the index of the function, or NoFunction.
	Function uint32
	// Name is the function's name, or empty.
	Name string
}

// Functions returns where the functions of the module are, in ascending order.
func (m Module) Functions() ([]Body, error) {
	out, err := moduleFunctions(m.handle)
	if err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeBytes(out))}
	base := uintptr(r.U64())
	bodies := make([]Body, r.Count(16))
	for i := range bodies {
		bodies[i] = Body{
			Start: base + uintptr(r.U32()), End: base + uintptr(r.U32()), Function: r.U32(), Name: r.Str(),
		}
	}
	return bodies, r.end("functions of a module")
}

// Symbolize returns the functions at an address of compiled code: the one whose instruction it is,
// then, if that was inlined, its callers up to the one whose code it is.
func Symbolize(address uintptr) ([]Frame, error) {
	out, err := symbolize(address)
	if err != nil {
		return nil, err
	}
	return parseTrap(takeBytes(out)).Frames, nil
}

// Debug returns the sections of the module with debugging information by their names, such as
// ".debug_line". Those of more than 256 MiB together were not kept.
func (m Module) Debug() (map[string][]byte, error) {
	out, err := moduleDebug(m.handle)
	if err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeBytes(out))}
	sections := make(map[string][]byte)
	for range r.Count(8) {
		name := r.Str()
		sections[name] = r.Take(int(r.U32()))
	}
	return sections, r.end("debugging information of a module")
}
