package engine

import "unsafe"

// Error is an error of the engine.
type Error struct {
	// Kind says what sort of operation failed.
	Kind ErrorKind
	// Trap is the number of the trap code, where the failure is a trap of instantiation (an active
	// segment out of bounds), else 0.
	Trap uint8
	// Line and Column are where in the text that was given the error is, counted from 1, columns by
	// characters; 0 if it is about no text.
	Line, Column int
	// Message says what was given and what was expected.
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// readError reads an error of the C ABI.
func (a area) readError(owned unsafe.Pointer) *Error {
	at, message := a.errorPosition(owned), a.errorMessage(owned)
	return &Error{
		Kind:    ErrorKind(a.errorKind(owned)),
		Trap:    uint8(a.errorTrap(owned)),
		Line:    int(at.line),
		Column:  int(at.column),
		Message: string(unsafe.Slice((*byte)(message.data), int(message.len))),
	}
}

// view shows owned bytes of the C ABI where they are.
func (b gwBytes) view() []byte { return unsafe.Slice((*byte)(b.data), int(b.len)) }

// takeBytes copies owned bytes of the C ABI into Go memory and frees them; none are nil.
func takeBytes(b gwBytes) []byte {
	if b.data == nil {
		return nil
	}
	bytes := make([]byte, int(b.len))
	copy(bytes, b.view())
	bytesFree(b)
	return bytes
}
