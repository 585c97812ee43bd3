package engine

import "unsafe"

// Module is a handle of compiled code. The zero value is no module.
type Module struct{ handle unsafe.Pointer }

// Deserialize loads what Serialize wrote.
func Deserialize(bytes []byte) (Module, error) {
	handle, err := moduleDeserialize(bytes)
	return Module{handle}, err
}

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
