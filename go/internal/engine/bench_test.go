package engine

import (
	"context"
	"testing"
)

// smallModule is a module with a memory, a table and a global, all exported.
const smallModule = `(module
	(memory (export "memory") 1 4)
	(table (export "table") 2 funcref)
	(global (export "global") (mut i64) (i64.const 7))
	(func (export "f")))`

// newSmall makes an instance of it.
func newSmall(t testing.TB) (Module, Instance) {
	t.Helper()
	bytes, err := Wat2Wasm(context.Background(), []byte(smallModule))
	if err != nil {
		t.Fatal(err)
	}
	module, err := Compile(context.Background(), bytes, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(module.Free)
	instance, err := NewInstance(module, nil, InstanceOptions{ID: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instance.Free)
	return module, instance
}

func BenchmarkInstance(b *testing.B) {
	module, _ := newSmall(b)
	b.ReportAllocs()
	for range b.N {
		instance, err := NewInstance(module, nil, InstanceOptions{ID: 1})
		if err != nil {
			b.Fatal(err)
		}
		instance.Free()
	}
}

func BenchmarkObjects(b *testing.B) {
	_, instance := newSmall(b)
	object := func(export uint32) Extern {
		object, err := instance.Export(export)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(object.Free)
		return object
	}
	memory, table, global := object(0), object(1), object(2)
	run := func(name string, call func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				call()
			}
		})
	}
	run("MemoryDefinition", func() { memory.MemoryDefinition() })
	run("TableGet", func() { table.TableGet(0) })
	run("GlobalGet", func() { _, _ = global.GlobalGet() })
	run("GlobalSet", func() { _ = global.GlobalSet(Slots{1}, Extern{}) })
	run("Error", func() { _, _ = instance.Function(9) })
	run("RuntimeCall", func() { RuntimeCall(nil) })
	run("Fiber", func() {
		context, err := NewFiber()
		if err != nil {
			b.Fatal(err)
		}
		ReleaseFiber(context)
	})
}
