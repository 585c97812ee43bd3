package core

import (
	"sync"
	"unsafe"
	"weak"
)

// tokens finds instances by what C functions get as their first argument. The references are weak:
// an instance can be collected although it is listed here, and is taken off the list when it is
// freed. Only instances with a host function that can ask are listed.
var tokens = struct {
	sync.RWMutex
	instances map[uintptr]weak.Pointer[Instance]
}{instances: make(map[uintptr]weak.Pointer[Instance])}

// InstanceOfToken returns a Call of the instance of a token, without a context; of no instance if
// the token does not stand for a living one.
func InstanceOfToken(token unsafe.Pointer) Call {
	tokens.RLock()
	defer tokens.RUnlock()
	return Call{instance: tokens.instances[uintptr(token)].Value()}
}

func addToken(token unsafe.Pointer, instance *Instance) {
	tokens.Lock()
	tokens.instances[uintptr(token)] = weak.Make(instance)
	tokens.Unlock()
}

func removeToken(token unsafe.Pointer) {
	tokens.Lock()
	delete(tokens.instances, uintptr(token))
	tokens.Unlock()
}
