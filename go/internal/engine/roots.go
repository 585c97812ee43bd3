package engine

import (
	"encoding/binary"
	"unsafe"
)

// StoreWatch leads to a store without keeping it alive.
type StoreWatch struct{ handle unsafe.Pointer }

// Watch watches the store of an instance. When stores become one, at least one of their watches
// finds it.
func (i Instance) Watch() (StoreWatch, error) {
	handle, err := storeWatchNew(i.handle)
	return StoreWatch{handle}, err
}

// Watch watches the store of an object.
func (e Extern) Watch() (StoreWatch, error) {
	handle, err := storeWatchExtern(e.handle)
	return StoreWatch{handle}, err
}

// Roots shows the slots of externref that globals, tables and passive element segments of the store
// hold, and reports whether the store still exists. The slots are valid during the call of show. No
// guest of the store may run.
func (w StoreWatch) Roots(show func(slots []uint64)) (alive bool, err error) {
	alive, owned, err := storeWatchRoots(w.handle)
	if err != nil {
		return true, err
	}
	defer bytesFree(owned)
	bytes := owned.view()
	var slots [512]uint64
	for len(bytes) > 0 {
		n := min(len(bytes)/8, len(slots))
		for i := range slots[:n] {
			slots[i] = binary.LittleEndian.Uint64(bytes[8*i:])
		}
		show(slots[:n])
		bytes = bytes[8*n:]
	}
	return alive, nil
}

// Free ends the watch.
func (w StoreWatch) Free() { storeWatchFree(w.handle) }
