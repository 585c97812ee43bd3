package engine

import (
	"math"
	"os"
	"runtime"
	"sync"
	"unsafe"
)

// Module is a handle of compiled code. The zero value is no module.
type Module struct{ handle unsafe.Pointer }

// noFile stands for no descriptor.
const noFile = math.MaxUint64

// Deserialize loads what Serialize wrote. Nothing of the module refers to the bytes.
//
// They may be those of a file that is mapped: reading them for the checksum finds out what cannot
// be read, before the engine does, in which that would end the process.
func Deserialize(bytes []byte) (Module, error) { return deserialize(bytes, noFile) }

// DeserializeFile does the same with the bytes that a file begins with. Much code is not copied but
// run from the file, where the system allows it. So nobody may change the file as long as there are
// instances of the module; it may be closed and removed.
func DeserializeFile(bytes []byte, file *os.File) (Module, error) {
	defer runtime.KeepAlive(file)
	return deserialize(bytes, uint64(file.Fd()))
}

func deserialize(bytes []byte, file uint64) (Module, error) {
	checksum, err := checksum(bytes)
	if err != nil {
		return Module{}, &Error{Kind: KindDeserialize, Message: "this serialised module cannot be read: " + err.Error()}
	}
	handle, err := moduleDeserialize(bytes, uint64(checksum), file)
	return Module{handle}, err
}

// Origin tells in a line by what Serialize makes modules, and for which processor: the build of the
// engine, and what of the processor compiled code may use.
func Origin() (string, error) {
	if err := Init(); err != nil {
		return "", err
	}
	return origin()
}

var origin = sync.OnceValues(func() (string, error) {
	text, err := serializedOrigin()
	return build() + ", " + string(takeBytes(text)), err
})

// Serialize writes the compiled module.
func (m Module) Serialize() ([]byte, error) {
	bytes, err := moduleSerialize(m.handle)
	return takeBytes(bytes), err
}

// Describe returns types, imports, exports and sizes.
func (m Module) Describe() (*Description, error) {
	bytes, err := moduleDescribe(m.handle)
	if err != nil {
		return nil, err
	}
	return parseDescription(takeBytes(bytes))
}

// Free gives the handle back. Instances keep the code alive by themselves.
func (m Module) Free() { moduleFree(m.handle) }
