// Guest-memory shows a host function that returns something of any size: it allocates memory in the
// guest, by calling the allocator that the guest exports, and returns the address. The guest has to
// free it.
//
// Run it anywhere:
//
//	go run ./examples/guest-memory
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// guest asks the host for a configuration value and returns it. Its allocator only ever takes more:
// that of a C or Rust program would be in its place.
const guest = `(module
	(import "host" "config" (func $config (param $name i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 16) "colour\00")
	(data (i32.const 32) "flavour\00")
	(global $next (mut i32) (i32.const 1024))
	(func (export "allocate") (param $size i32) (result i32)
		(global.get $next)
		(global.set $next (i32.add (global.get $next) (local.get $size))))
	(func (export "colour") (result i32) (call $config (i32.const 16)))
	(func (export "flavour") (result i32) (call $config (i32.const 32))))`

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	code, err := wasmer.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	imports, err := wasmer.NewImports().Namespace("host").Append("config", config)
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstanceContext(ctx, code, imports)
	if err != nil {
		return err
	}
	defer instance.Close()

	for _, name := range []string{"colour", "flavour"} {
		get, err := wasmer.Func0[uint32](&instance, name)
		if err != nil {
			return err
		}
		address, err := get(ctx)
		if err != nil {
			return err
		}
		if address == 0 {
			fmt.Println(name, "is not set")
			continue
		}
		text, err := instance.Memory.ReadCString(uint64(address), 1024)
		if err != nil {
			return err
		}
		fmt.Printf("%s is %q, at address %d\n", name, text, address)
	}
	return nil
}

// config returns the value of a name as a C string that the guest has to free, 0 if there is none.
func config(c *wasmer.InstanceContext, name uint32) (uint32, error) {
	key, err := c.Memory().ReadCString(uint64(name), 256)
	if err != nil {
		return 0, err
	}
	value, ok := map[string]string{"colour": "bluish green"}[key]
	if !ok {
		return 0, nil
	}
	allocate, err := wasmer.Func1[uint32, uint32](c.Instance(), "allocate")
	if err != nil {
		return 0, err
	}
	// The guest runs again while it waits for this function; its memory may have grown afterwards.
	address, err := allocate(c.Context(), uint32(len(value)+1))
	if err != nil {
		return 0, err
	}
	return address, c.Memory().WriteCString(uint64(address), value)
}
