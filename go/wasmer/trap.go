package wasmer

import (
	"fmt"
	"strings"

	"github.com/gowasmer/wasmer/go/internal/core"
	"github.com/gowasmer/wasmer/go/internal/engine"
	"github.com/gowasmer/wasmer/go/internal/fiber"
)

// TrapCode tells why a guest was stopped (specification, section 4.4). It is an error itself, so
// that it can be compared against by [errors.Is].
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
)

// Frame is a function of a guest that was running when it trapped.
type Frame struct {
	// ModuleName is the name of the module by its name section, or empty.
	ModuleName string

	// FunctionName is the name of the function by the name section, or empty.
	FunctionName string

	// FunctionIndex is the function's index in the module, imported functions counted first.
	FunctionIndex uint32

	// Offset is the position of the instruction in the bytes of the module: of the one that trapped
	// in the first frame, of the call in the others.
	Offset uint32
}

// String returns the frame as in backtraces: name or index of the function, and the offset in
// hexadecimal.
func (frame Frame) String() string {
	name := frame.FunctionName
	if name == "" {
		name = fmt.Sprintf("function %d", frame.FunctionIndex)
	}
	if frame.ModuleName != "" {
		name = frame.ModuleName + "!" + name
	}
	return fmt.Sprintf("%s (at offset 0x%x)", name, frame.Offset)
}

// Trap is the error of a guest that was stopped because it did what the specification forbids. Find
// it in the error of a call by [errors.As].
type Trap struct {
	// Code tells why.
	Code TrapCode

	// Backtrace tells where: the functions of the guest, innermost first. Functions beyond a host
	// function are not in it, and it is empty when an instance trapped while its memory or table
	// was initialised.
	Backtrace []Frame

	// Omitted is the number of frames farther out that the backtrace leaves out.
	Omitted int
}

// Error returns the reason and the backtrace, a line per frame.
func (trap *Trap) Error() string {
	var text strings.Builder
	text.WriteString("wasm trap: " + trap.Code.Error())
	for _, frame := range trap.Backtrace {
		text.WriteString("\n    at " + frame.String())
	}
	if trap.Omitted > 0 {
		fmt.Fprintf(&text, "\n    and %d more", trap.Omitted)
	}
	return text.String()
}

// Unwrap returns the code.
func (trap *Trap) Unwrap() error { return trap.Code }

// fromCore returns a *Trap for one of package core, and other errors as they are.
func fromCore(err error) error {
	if e, ok := err.(*core.Trap); ok {
		return &Trap{Code: TrapCode(e.Code), Backtrace: backtrace(e.Frames), Omitted: e.LeftOut}
	}
	return err
}

func backtrace(frames []engine.Frame) []Frame {
	trace := make([]Frame, len(frames))
	for i, frame := range frames {
		trace[i] = Frame{ModuleName: frame.Module, FunctionName: frame.Name, FunctionIndex: frame.Function, Offset: frame.Offset}
	}
	return trace
}
