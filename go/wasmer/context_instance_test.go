package wasmer_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// backGuest has a start function that calls the host, which calls the guest back.
const backGuest = `(module
	(import "env" "host" (func $host (param i32) (result i32)))
	(memory (export "memory") 1)
	(table (export "table") 3 funcref)
	(elem (i32.const 1) $double)
	(global $count (export "count") (mut i32) (i32.const 0))
	(global $next (mut i32) (i32.const 64))
	(func $double (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
	(func (export "allocate") (param i32) (result i32)
		(global.get $next)
		(global.set $next (i32.add (global.get $next) (local.get 0))))
	(func (export "run") (param i32) (result i32) (call $host (local.get 0)))
	(func $start (global.set $count (call $host (i32.const 20))))
	(start $start))`

func TestHostFunctionReachesItsCaller(t *testing.T) {
	module := must(wasmer.Compile(must(wasmer.Wat2Wasm(backGuest))(t)))(t)
	defer module.Close()
	var seen []*wasmer.Instance
	imports := must(wasmer.NewImports().Append("host", func(c *wasmer.InstanceContext, x int32) (int32, error) {
		instance := c.Instance()
		seen = append(seen, instance)
		double, err := c.Function("double")
		if err != nil {
			return 0, err
		}
		results, err := double.Call(c.Context(), x)
		if err != nil {
			return 0, err
		}
		table, err := c.Table("table")
		if err != nil {
			return 0, err
		}
		entry, err := table.Get(1)
		if err != nil {
			return 0, err
		}
		more, err := entry.ToFunc().Call(c.Context(), 1)
		if err != nil {
			return 0, err
		}
		count, err := c.Global("count")
		if err != nil {
			return 0, err
		}
		before, err := count.Get()
		if err != nil {
			return 0, err
		}
		if instance.Memory == nil || instance.Memory != c.Memory() || len(instance.Exports) != 3 {
			return 0, errors.New("the instance is not whole")
		}
		if _, err := c.Function("nothing"); err == nil {
			return 0, errors.New("a function that is not there was found")
		}
		return results[0].ToI32() + more[0].ToI32() + before.ToI32(), nil
	}))(t)
	instance := must(module.InstantiateWithImports(imports))(t)
	defer instance.Close()
	count := must(instance.Global("count"))(t)
	if v := must(count.Get())(t); v.ToI32() != 42 { // 2*20 + 2*1 + 0
		t.Errorf("the start function has left %v", v)
	}
	if v := call(t, instance, "run", 1); v.ToI32() != 46 { // 2*1 + 2*1 + 42
		t.Errorf("run returned %v", v)
	}
	if len(seen) != 2 || seen[0] == nil || seen[0] != seen[1] {
		t.Errorf("the instances that were seen are %p", seen)
	}

	// Under a pool, it is the very pointer that the pool has handed out.
	seen = nil
	pool := must(wasmer.NewPool(&module, imports))(t)
	defer pool.Close()
	pooled := must(pool.Get(context.Background()))(t)
	if v := call(t, *pooled, "run", 1); v.ToI32() != 46 {
		t.Errorf("run returned %v", v)
	}
	if last := seen[len(seen)-1]; last != pooled {
		t.Errorf("seen %p, expected %p", last, pooled)
	}
	if err := pool.Put(pooled); err != nil {
		t.Error(err)
	}
}

func TestNoInstanceOfADeadContext(t *testing.T) {
	for _, c := range []*wasmer.InstanceContext{nil, {}} {
		if c.Instance() != nil {
			t.Error("there is an instance")
		}
		_, err := c.Function("f")
		_, tableErr := c.Table("t")
		_, globalErr := c.Global("g")
		for _, err := range []error{err, tableErr, globalErr} {
			if !errors.Is(err, wasmer.ErrClosed) {
				t.Errorf("the error is %v", err)
			}
		}
	}
}

func TestFunctionsOfAnInstance(t *testing.T) {
	instance := instantiate(t, must(wasmer.Wat2Wasm(`(module (func (export "b") (param i32)) (memory (export "m") 1) (func (export "a") (result i64) (i64.const 1)))`))(t), nil)
	text := ""
	for _, f := range instance.Functions() {
		text += f.String() + ";"
	}
	if text != "b(i32) -> ();a() -> (i64);" || instance.IsClosed() {
		t.Errorf("functions %q", text)
	}
	instance.Close()
	if !instance.IsClosed() || instance.Functions() != nil || !new(wasmer.Instance).IsClosed() {
		t.Error("the instance is not closed")
	}
}

// A host function gives the guest a string: it asks the guest for room, by the guest's own
// allocator.
func ExampleInstanceContext_Function() {
	code, err := wasmer.Wat2Wasm(`(module
		(import "env" "name" (func $name (result i32)))
		(memory (export "memory") 1)
		(global $next (mut i32) (i32.const 64))
		(func (export "allocate") (param i32) (result i32)
			(global.get $next)
			(global.set $next (i32.add (global.get $next) (local.get 0))))
		(func (export "run") (result i32) (call $name)))`)
	if err != nil {
		log.Fatal(err)
	}
	imports, err := wasmer.NewImports().Append("name", func(c *wasmer.InstanceContext) (uint32, error) {
		allocate, err := wasmer.Func1[uint32, uint32](c.Instance(), "allocate")
		if err != nil {
			return 0, err
		}
		address, err := allocate(c.Context(), 4)
		if err != nil {
			return 0, err
		}
		return address, c.Memory().WriteCString(uint64(address), "Ada")
	})
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstanceWithImports(code, imports)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	run, err := wasmer.Func0[uint32](&instance, "run")
	if err != nil {
		log.Fatal(err)
	}
	address, err := run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	name, err := instance.Memory.ReadCString(uint64(address), 100)
	fmt.Println(name, err)
	// Output: Ada <nil>
}
