package engine

import (
	"encoding/binary"
	"unsafe"

	"github.com/gowasmer/wasmer/internal/wire"
)

// NewTag makes a tag whose exceptions have values of these types.
func NewTag(types []ValType) (Extern, error) {
	numbers := make([]uint8, len(types))
	for i, t := range types {
		numbers[i] = uint8(t)
	}
	handle, err := tagNew(numbers)
	return Extern{handle}, err
}

// TagType returns the types of the values of a tag's exceptions.
func (x Extern) TagType() ([]ValType, error) {
	bytes, err := tagType(x.handle)
	if err != nil {
		return nil, err
	}
	r := &reader{wire.NewReader(takeBytes(bytes))}
	types := r.types()
	r.types() // there are no results
	return types, r.end("type of a tag")
}

// TagIdentity is the same number for all handles of a tag.
func (x Extern) TagIdentity() uint64 { return tagIdentity(x.handle) }

// Exception is a reference to an exception, 0 for null.
type Exception uint64

// exceptionPrefix is what the upper 16 bits of all references to exceptions are: the Rust side has
// the same number.
const exceptionPrefix = 0xe7c5

// ExceptionsExhausted is what TakeException returns where there were too many exceptions to keep
// one more; the Rust side has the same number.
const ExceptionsExhausted = ^Exception(0)

// CanBeException reports whether a word has the bits of a reference to an exception.
func CanBeException(word uint64) bool { return word>>48 == exceptionPrefix }

// NewException makes an exception of a tag, which is kept until Unpin.
func (x Extern) NewException(slots []uint64) (Exception, error) {
	number, err := exceptionNew(x.handle, slots)
	return Exception(number), err
}

// Exception returns a handle of the tag of an exception of the instance's store, and the slots of
// its values.
func (i Instance) Exception(exception Exception) (tag Extern, slots []uint64, err error) {
	handle, owned, err := exceptionRead(i.handle, uint64(exception))
	if err != nil {
		return Extern{}, nil, err
	}
	bytes := takeBytes(owned)
	slots = make([]uint64, len(bytes)/8)
	for i := range slots {
		slots[i] = binary.LittleEndian.Uint64(bytes[8*i:])
	}
	return Extern{handle}, slots, nil
}

// Pin keeps an exception until Unpin was called once more.
func (e Exception) Pin() { exceptionPin(uint64(e)) }

// Unpin lets go of an exception.
func (e Exception) Unpin() { exceptionUnpin(uint64(e)) }

// TakeException returns the exception by which the guest of a context has trapped, which is kept
// until Unpin; 0 if there is none.
func TakeException(context unsafe.Pointer) Exception { return Exception(exceptionTake(context)) }

// Throw throws an exception in a guest that has left for a host function. It reports whether the
// guest catches it, and goes on there when it is resumed.
func Throw(context unsafe.Pointer, exception Exception) bool {
	return throw(context, uint64(exception))
}

// DropExceptions drops the exceptions of the store that neither these words nor the store itself
// refer to, and returns how many. No guest of the store may run.
func (w StoreWatch) DropExceptions(words []uint64) int {
	return int(storeWatchDropExceptions(w.handle, words))
}
