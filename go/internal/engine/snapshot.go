package engine

import "unsafe"

// Snapshot is a handle of what an instance held at one moment. The zero value is none.
type Snapshot struct{ handle unsafe.Pointer }

// Snapshot takes a snapshot of the memories, tables, globals and segments of the instance's own.
// Nothing of the instance may be running.
func (i Instance) Snapshot() (Snapshot, error) {
	handle, err := snapshotTake(i.handle)
	return Snapshot{handle}, err
}

// DeserializeSnapshot makes a snapshot of a module of what Serialize wrote.
func DeserializeSnapshot(module Module, bytes []byte) (Snapshot, error) {
	handle, err := snapshotDeserialize(module.handle, bytes)
	return Snapshot{handle}, err
}

// Serialize writes the snapshot.
func (s Snapshot) Serialize() ([]byte, error) {
	bytes, err := snapshotSerialize(s.handle)
	return takeBytes(bytes), err
}

// Free gives the handle back. Instances keep what they need of the snapshot.
func (s Snapshot) Free() { snapshotFree(s.handle) }
