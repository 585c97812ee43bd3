package wasmer

import (
	"context"

	"github.com/gowasmer/wasmer/go/internal/core"
)

// Snapshot is what an instance held at one moment: its own memories, tables and globals, and which
// of its segments were dropped. Instances are made of it in microseconds, however long the first
// one took to come so far: they share its pages until they write to them. It comes from
// [Instance.Snapshot] or [Module.DeserializeSnapshot], and may be used by many goroutines at once.
type Snapshot struct{ inner *core.Snapshot }

// made returns the snapshot of package core, nil if it was never made.
func (snapshot *Snapshot) made() *core.Snapshot {
	if snapshot == nil {
		return nil
	}
	return snapshot.inner
}

// Snapshot takes a snapshot of an instance at rest: no call of it, nor of an instance that is
// linked with it, may be running. It holds what the instance defines itself. What it imports
// (functions, memories, tables and globals) is not part of it, nor is the state of host functions,
// and is given anew to each instance that is made of it.
//
// The error is an [*InstanceError]: a call is running, the instance is closed, or it holds what a
// snapshot cannot keep, which the error names: a value of externref in a table or a global, a
// function of another instance there that the module does not import, or, if it was made by
// [Wasi.Instantiate], a file that the guest has opened. The standard streams and the directories
// that it was given are fine, as the next instance has such as well.
func (instance *Instance) Snapshot() (*Snapshot, error) {
	s := instance.made()
	if s == nil {
		return nil, instanceError("cannot take a snapshot of the instance", closedError("instance"))
	}
	snapshot, err := s.Snapshot()
	if err != nil {
		return nil, instanceError("cannot take a snapshot of the instance", fromCore(err))
	}
	return &Snapshot{snapshot}, nil
}

// Reset takes an instance back to what it was when it was made, which costs less than another one:
// its own memories, with their lengths, its tables and globals, and the segments that it has
// dropped. Then its start function runs again, within the context; an instance that was made of a
// [Snapshot] is back at the snapshot, and no code runs. One that was made by [Wasi.Instantiate]
// gets new files, streams and arguments of the same Wasi, and its "_initialize" is to be called
// again: take a snapshot after the first time to save that.
//
// What the instance imports stays as it is, and so does what host functions remember. Functions,
// memories, globals and tables that were got from the instance are the same, and slices of
// [Memory.Data] stay valid as far as the memory reaches afterwards: the pages that it has grown by
// are gone, and must not be touched any more.
//
// Calls of the instance and of those that are linked with it are refused meanwhile, and so are the
// methods of the instance's memories.
//
// The error is an [*InstanceError]. If a call of the instance, or of one that is linked with it, is
// running, or the instance was closed, nothing has happened. If the start function traps or is
// given up, or the system refuses, the instance is closed.
func (instance *Instance) Reset(ctx context.Context) error {
	s := instance.made()
	if s == nil {
		return instanceError("cannot reset the instance", closedError("instance"))
	}
	if err := s.Reset(ctx); err != nil {
		return instanceError("cannot reset the instance", fromCore(err))
	}
	return nil
}

// Instantiate creates an instance that begins with what the snapshot holds. It links the imports as
// [Module.InstantiateContext] does, but copies no segments and runs no start function: that was
// done before. Imports should be such as the first instance had, as what it computed of them is
// part of the snapshot. The error is a [*ModuleError].
func (snapshot *Snapshot) Instantiate(
	ctx context.Context, imports *Imports, options ...InstanceOption,
) (Instance, error) {
	instance, err := instantiateSnapshot(ctx, snapshot.made(), imports, instanceOptions(options))
	if err != nil {
		return Instance{}, instantiationModuleError(err)
	}
	return *instance, nil
}

// instantiateSnapshot creates an instance, and wraps errors as instantiate does.
func instantiateSnapshot(ctx context.Context, snapshot *core.Snapshot, imports *Imports, options core.InstanceOptions) (*Instance, error) {
	return instantiated(snapshot.Instantiate(ctx, imports.registry(), options))
}

// Serialize writes the snapshot, for [Module.DeserializeSnapshot] of the same module, in another
// process perhaps. The error is a [*ModuleError]: the snapshot is closed.
func (snapshot *Snapshot) Serialize() ([]byte, error) {
	bytes, err := snapshot.made().Serialize()
	if err != nil {
		return nil, &ModuleError{message: "cannot serialize the snapshot: " + failure(err), cause: err}
	}
	return bytes, nil
}

// DeserializeSnapshot makes a snapshot of what [Snapshot.Serialize] wrote. The module must be the
// same: compiled from the same bytes, or serialized since; whatever the processor. The error is a
// [*ModuleError]: the bytes were altered or cut, or are of another module.
//
// There is no machine code in the bytes, and all that they say is checked. But the code of the
// module relies on what it takes for unchangeable: as with [DeserializeModule], use only bytes from
// a source that may run code in your process.
func (module *Module) DeserializeSnapshot(serialized []byte) (*Snapshot, error) {
	snapshot, err := core.DeserializeSnapshot(module.made(), serialized)
	if err != nil {
		return nil, &ModuleError{message: "cannot deserialize the snapshot: " + failure(err), cause: err}
	}
	return &Snapshot{snapshot}, nil
}

// Close frees the snapshot. Instances that were made of it stay as they are. Further calls do
// nothing.
func (snapshot *Snapshot) Close() { snapshot.made().Close() }
