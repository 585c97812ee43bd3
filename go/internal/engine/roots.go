//go:build linux && (amd64 || arm64)

package engine

/*
#cgo noescape gw_store_watch_new
#cgo nocallback gw_store_watch_new
#cgo noescape gw_store_watch_extern
#cgo nocallback gw_store_watch_extern
#cgo noescape gw_store_watch_roots
#cgo nocallback gw_store_watch_roots
#cgo noescape gw_store_watch_free
#cgo nocallback gw_store_watch_free
#include <stdbool.h>
#include "wasmer.h"
*/
import "C"

import (
	"encoding/binary"
	"unsafe"
)

// StoreWatch leads to a store without keeping it alive.
type StoreWatch struct{ handle *C.gw_store_watch }

// Watch watches the store of an instance. When stores become one, at least one of their watches finds it.
func (i Instance) Watch() (StoreWatch, error) {
	var handle *C.gw_store_watch
	err := takeError(C.gw_store_watch_new(i.handle, &handle))
	return StoreWatch{handle}, err
}

// Watch watches the store of an object.
func (e Extern) Watch() (StoreWatch, error) {
	var handle *C.gw_store_watch
	err := takeError(C.gw_store_watch_extern(e.handle, &handle))
	return StoreWatch{handle}, err
}

// Roots shows the slots of externref that globals, tables and passive element segments of the store hold, and says whether the store still exists. The slots
// are valid during the call of show. No guest of the store may run.
func (w StoreWatch) Roots(show func(slots []uint64)) (alive bool, err error) {
	var c C.gw_bytes
	var exists C.bool
	if err := takeError(C.gw_store_watch_roots(w.handle, &exists, &c)); err != nil {
		return true, err
	}
	defer C.gw_bytes_free(c)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(c.data)), int(c.len))
	var slots [512]uint64
	for len(bytes) > 0 {
		n := min(len(bytes)/8, len(slots))
		for i := range slots[:n] {
			slots[i] = binary.LittleEndian.Uint64(bytes[8*i:])
		}
		show(slots[:n])
		bytes = bytes[8*n:]
	}
	return bool(exists), nil
}

// Free ends the watch.
func (w StoreWatch) Free() { C.gw_store_watch_free(w.handle) }
