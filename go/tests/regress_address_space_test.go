//go:build !race

package tests

import (
	"runtime"
	"strings"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Modules of a hundred memories, each of which may grow to 4 or 16 GiB, are instantiated until
// there is no address space left: an error, and enough of it left for Go's heap, whose own failure
// would be fatal. (Memories with explicit checks make do with what is left, and took all of it.)
func TestManyMemoriesLeaveAddressSpace(t *testing.T) {
	if !inChild(t, childOptions{}) {
		return
	}
	var wide, narrow builder
	for range 100 {
		wide.memories.add([]byte{4}, u(0)) // of 64 bits
		narrow.memories.add(limits(0))
	}
	var instances []wasmer.Instance
	for _, module := range []wasmer.Module{
		compile(t, narrow.module()), compile(t, wide.module()), compile(t, narrow.module(), wasmer.WithExplicitBounds()),
	} {
		count := len(instances)
		for {
			instance, err := module.Instantiate()
			if err == nil {
				instances = append(instances, instance)
				continue
			}
			t.Logf("%d instances, then: %s", len(instances)-count, strings.ReplaceAll(err.Error(), "\n", " "))
			if !strings.Contains(err.Error(), "address space") && !strings.Contains(err.Error(), "max_map_count") {
				t.Errorf("%v, expected an error about the address space", err)
			}
			break
		}
	}
	var heap [][]byte
	for range 32 {
		heap = append(heap, make([]byte, 64<<20))
		heap[len(heap)-1][0] = 1
	}
	runtime.KeepAlive(heap)
	for i := range instances {
		instances[i].Close()
	}
	instance := start(t, compile(t, wide.module()), nil)
	instance.Close()
}
