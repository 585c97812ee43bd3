package tests

import (
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// Instances that import a memory are freed when they are closed, and their modules too, although
// the memory lives on: many short-lived instances may share one.
func TestInstancesOfLongLivedMemory(t *testing.T) {
	bytes := read(t, "../../testdata/regress/shared_memory.wasm")
	memory, err := wasmer.NewMemory(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	set, err := wasmer.NewImports().AppendMemory("memory", memory)
	if err != nil {
		t.Fatal(err)
	}
	counted := int32(0)
	expectSteady(t, 50, func() {
		module := compile(t, bytes)
		instance := start(t, module, set)
		counted++
		if value := call(t, &instance, "count"); value.ToI32() != counted {
			t.Fatalf("count = %v, expected %d", value, counted)
		}
		_, err := instance.Exports["outside"]()
		expectTrap(t, "outside", err, wasmer.TrapMemoryOutOfBounds)
		instance.Close()
		module.Close()
	})
}

// The other way round: the memory stays as long as an instance that imports it, and that of an
// instance as long as one that imports it.
func TestMemoryLivesWithItsImporter(t *testing.T) {
	module := compile(t, read(t, "../../testdata/regress/shared_memory.wasm"))
	defer module.Close()
	expectSteady(t, 2, func() {
		exporter := start(t, compiled(t, "small"), imports(t, increment))
		set, err := wasmer.NewImports().AppendMemory("memory", exporter.Memory)
		if err != nil {
			t.Fatal(err)
		}
		first, second := start(t, module, set), start(t, module, set)
		before := call(t, &first, "count").ToI32()
		exporter.Close()
		first.Close()
		if value := call(t, &second, "count"); value.ToI32() != before+1 {
			t.Errorf("count = %v, expected %d", value, before+1)
		}
		second.Close()
	})
}
