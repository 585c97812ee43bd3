package wasmer

import (
	"fmt"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// TrapCode is the reason why a guest was stopped (specification, section 4.4). It is an error
// itself, so that it can be compared against by [errors.Is].
type TrapCode uint8

const (
	// TrapUnreachable: the instruction unreachable was executed.
	TrapUnreachable TrapCode = 1

	// TrapMemoryOutOfBounds: a load, a store or a bulk operation reached outside of a memory.
	TrapMemoryOutOfBounds TrapCode = 2

	// TrapTableOutOfBounds: an access or a bulk operation reached outside of a table.
	TrapTableOutOfBounds TrapCode = 3

	// TrapIndirectCallToNull: an indirect call found a null element.
	TrapIndirectCallToNull TrapCode = 4

	// TrapBadSignature: an indirect call found a function of another type.
	TrapBadSignature TrapCode = 5

	// TrapIntegerOverflow: a quotient does not fit, or a float does not fit the integer that it was
	// converted to.
	TrapIntegerOverflow TrapCode = 6

	// TrapIntegerDivideByZero: a division or remainder by zero.
	TrapIntegerDivideByZero TrapCode = 7

	// TrapBadConversionToInteger: NaN was converted to an integer.
	TrapBadConversionToInteger TrapCode = 8

	// TrapStackOverflow: the stack of the call is used up.
	TrapStackOverflow TrapCode = 9

	// TrapUndefinedElement: an indirect call beyond the end of the table.
	TrapUndefinedElement TrapCode = 10

	// TrapNotCompiled: a function of a module compiled with [WithLazy] could not be compiled when
	// it was called. The specification knows no such trap.
	TrapNotCompiled TrapCode = 11

	// TrapUncaughtException: an exception was not caught. The error of such a call is an
	// [*Exception], unless its tag or values cannot be told.
	TrapUncaughtException TrapCode = 12

	// TrapNullReference: the instruction throw_ref was executed with null.
	TrapNullReference TrapCode = 13
)

// Error returns the specification's wording, such as "integer divide by zero".
func (code TrapCode) Error() string { return fiber.TrapMessage(uint8(code)) }

// String returns the same as Error.
func (code TrapCode) String() string { return code.Error() }

// The errors that a call that trapped matches by [errors.Is], one per code.
var (
	// ErrUnreachable stands for TrapUnreachable.
	ErrUnreachable error = TrapUnreachable
	// ErrMemoryOutOfBounds stands for TrapMemoryOutOfBounds.
	ErrMemoryOutOfBounds error = TrapMemoryOutOfBounds
	// ErrTableOutOfBounds stands for TrapTableOutOfBounds.
	ErrTableOutOfBounds error = TrapTableOutOfBounds
	// ErrIndirectCallToNull stands for TrapIndirectCallToNull.
	ErrIndirectCallToNull error = TrapIndirectCallToNull
	// ErrBadSignature stands for TrapBadSignature.
	ErrBadSignature error = TrapBadSignature
	// ErrIntegerOverflow stands for TrapIntegerOverflow.
	ErrIntegerOverflow error = TrapIntegerOverflow
	// ErrIntegerDivideByZero stands for TrapIntegerDivideByZero.
	ErrIntegerDivideByZero error = TrapIntegerDivideByZero
	// ErrBadConversionToInteger stands for TrapBadConversionToInteger.
	ErrBadConversionToInteger error = TrapBadConversionToInteger
	// ErrStackOverflow stands for TrapStackOverflow.
	ErrStackOverflow error = TrapStackOverflow
	// ErrUndefinedElement stands for TrapUndefinedElement.
	ErrUndefinedElement error = TrapUndefinedElement
	// ErrNotCompiled stands for TrapNotCompiled.
	ErrNotCompiled error = TrapNotCompiled
	// ErrUncaughtException stands for TrapUncaughtException.
	ErrUncaughtException error = TrapUncaughtException
	// ErrNullReference stands for TrapNullReference.
	ErrNullReference error = TrapNullReference
)

// Frame is a function of a guest that was running when it trapped, or when it called a host
// function that failed.
type Frame struct {
	// ModuleName is the name of the module by its name section, or empty.
	ModuleName string

	// FunctionName is the name of the function by the name section, or empty.
	FunctionName string

	// FunctionIndex is the function's index in the module, imported functions counted first.
	FunctionIndex uint32

	// Type is the type of the function.
	Type FunctionType

	// Offset is the position of the instruction in the bytes of the module: of the one that trapped
	// in the first frame of a trap, of the call in all others. Tools such as wasm-objdump count so.
	Offset uint32

	// CodeOffset is the same position, counted from the contents of the code section on, as debug
	// information (DWARF) counts.
	CodeOffset uint32

	source core.FrameSource
}

// String returns the frame as in backtraces: name or index of the function, the types of its
// parameters, and both offsets in hexadecimal.
func (frame Frame) String() string {
	name := frame.FunctionName
	if name == "" {
		name = fmt.Sprintf("function %d", frame.FunctionIndex)
	}
	if frame.ModuleName != "" {
		name = frame.ModuleName + "!" + name
	}
	return fmt.Sprintf("%s%s (at offset 0x%x, 0x%x in the code)",
		name, formatTypes(frame.Type.Params), frame.Offset, frame.CodeOffset)
}

// Source returns where the frame's instruction is in the source: first the innermost function,
// then, if the guest's compiler has inlined that, the functions that it was inlined into, up to the
// frame's own. It returns nothing if the module has no debugging information (DWARF, as clang,
// rustc and TinyGo write it with -g), or if it does not tell.
//
// The information is read when it is asked for, and may be asked for after the instance and the
// module were closed.
func (frame Frame) Source() []SourceLocation {
	var locations []SourceLocation
	for _, location := range frame.source.Lookup(frame.CodeOffset) {
		locations = append(locations, SourceLocation(location))
	}
	return locations
}

// Trap is the error of a guest that was stopped because it did what the specification forbids. Find
// it in the error of a call by [errors.As].
type Trap struct {
	// Code is the reason.
	Code TrapCode

	// Reason is why a function could not be compiled; nil for all codes but TrapNotCompiled.
	Reason error

	// Fault is the access to a memory that failed; nil if no access failed, or if its address is
	// not known, such as that of a bulk operation.
	Fault *MemoryFault

	// RefusedGrowths are what memories and tables of the instance were refused, each one the last
	// time, if it got nothing since: a guest whose allocation fails often traps soon.
	RefusedGrowths []RefusedGrowth

	// Backtrace is the functions of the guest, innermost first. Functions beyond a host function
	// are not in it, and it is empty when an instance trapped while its memory or table was
	// initialised.
	Backtrace []Frame

	// Omitted is the number of frames farther out that the backtrace leaves out.
	Omitted int
}

// Error returns the reason, and on lines of their own what was refused before, and the backtrace.
func (trap *Trap) Error() string {
	var text boundedText
	text.write("wasm trap: " + trap.Code.Error())
	if trap.Reason != nil {
		text.write(": " + trap.Reason.Error())
	}
	if trap.Fault != nil {
		text.write(": " + trap.Fault.String())
	}
	for i := range trap.RefusedGrowths {
		text.write("\n    " + trap.RefusedGrowths[i].String())
	}
	writeFrames(&text, trap.Backtrace, trap.Omitted)
	return text.String()
}

// Unwrap returns the code.
func (trap *Trap) Unwrap() error { return trap.Code }

// MemoryFault is an access to a memory that failed.
type MemoryFault struct {
	// Address is the address of the first byte that is not in the memory. Guests of 32 bits reach
	// nearly 8 GiB, as a load or store adds a constant to an address.
	Address uint64

	// MemorySize is the size of the memory in bytes.
	MemorySize uint64
}

// String returns both, such as "address 0x10000 of a memory of 65536 bytes".
func (fault *MemoryFault) String() string {
	return fmt.Sprintf("address %#x of a memory of %d bytes", fault.Address, fault.MemorySize)
}

// RefusedGrowth is a memory.grow or table.grow that failed, which returns -1 to the guest.
type RefusedGrowth struct {
	// Table reports whether it was a table.
	Table bool

	// PageSize is the size of the memory's pages in bytes, 0 for a table.
	PageSize uint32

	// Size is what the size would have been: the pages of the memory, or the elements of the table.
	Size uint64

	// Limit is the largest size that is allowed, counted in the same way.
	Limit uint64

	// LimitedBy is who set the limit.
	LimitedBy GrowthLimiter
}

// GrowthLimiter is the reason why a memory or table could not grow.
type GrowthLimiter uint8

const (
	// LimitedByModule: the module declares a maximum.
	LimitedByModule GrowthLimiter = 0

	// LimitedByCeiling: [WithMemoryCeiling] or [WithTableCeiling] was given.
	LimitedByCeiling GrowthLimiter = 1

	// LimitedByImplementation: memories and tables cannot be larger.
	LimitedByImplementation GrowthLimiter = 2

	// LimitedBySystem: the operating system has refused.
	LimitedBySystem GrowthLimiter = 3
)

// The numbers are the engine's.
var _ = [1]int{}[uint8(LimitedByModule)^uint8(engine.LimitedByModule)|
	uint8(LimitedByCeiling)^uint8(engine.LimitedByEmbedder)|
	uint8(LimitedByImplementation)^uint8(engine.LimitedByImplementation)|
	uint8(LimitedBySystem)^uint8(engine.LimitedBySystem)]

// String returns what was refused and why, such as "memory.grow to 300 pages was refused: limit 256
// pages, set by WithMemoryCeiling".
func (refused *RefusedGrowth) String() string {
	instruction, unit, option := "memory.grow", "pages", "WithMemoryCeiling"
	switch {
	case refused.Table:
		instruction, unit, option = "table.grow", "elements", "WithTableCeiling"
	case refused.PageSize == 1:
		unit = "pages of 1 byte"
	}
	text := fmt.Sprintf("%s to %d %s was refused: ", instruction, refused.Size, unit)
	limit := fmt.Sprintf("limit %d %s, ", refused.Limit, unit)
	switch refused.LimitedBy {
	case LimitedByModule:
		return text + limit + "declared by the module"
	case LimitedByCeiling:
		return text + limit + "set by " + option
	case LimitedByImplementation:
		return text + limit + "the largest size possible"
	default:
		return text + "the system has no memory left"
	}
}

func backtrace(frames []engine.Frame) []Frame {
	trace := make([]Frame, len(frames))
	for i := range frames {
		frame := &frames[i]
		trace[i] = Frame{
			ModuleName: frame.Module, FunctionName: frame.Name, FunctionIndex: frame.Function,
			Type: FunctionType{
				Params:  typesFromEngine(frame.Type.Params),
				Results: typesFromEngine(frame.Type.Results),
			},
			Offset: frame.Offset, CodeOffset: frame.Offset - min(frame.CodeOffset, frame.Offset),
			source: core.SourceOf(frame),
		}
	}
	return trace
}

// writeFrames writes a backtrace.
func writeFrames(t *boundedText, backtrace []Frame, omitted int) {
	for i := range backtrace {
		t.write("\n    at ")
		t.write(backtrace[i].String())
		writeSource(t, &backtrace[i])
	}
	if omitted > 0 {
		t.write(fmt.Sprintf("\n    and %d more", omitted))
	}
}

// writeSource writes the places of a frame in the source, each on a line of its own.
func writeSource(t *boundedText, frame *Frame) {
	locations := frame.Source()
	for i, location := range locations {
		t.write("\n        " + location.String())
		if len(locations) > 1 {
			t.write(" in " + location.Function)
		}
		if i < len(locations)-1 {
			t.write(", inlined")
		}
	}
}
