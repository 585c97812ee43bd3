// Snapshot initialises a guest once, and then makes instances of what it has become. A file keeps
// that for later runs of the program. Instances are reset after each request, so that none sees
// what another has left.
//
// The guest is in the text format below: its initialisation fills a table in memory, which stands
// for that of a Go or Python program. Run it at the top of the repository:
//
//	go run ./examples/snapshot
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gowasmer/wasmer/go/wasmer"
)

const guest = `(module
	(memory (export "memory") 1)
	(global $requests (mut i32) (i32.const 0))
	(func (export "_initialize") (local $n i32)
		(loop $next ;; squares[n] = n * n
			(i32.store (i32.shl (local.get $n) (i32.const 2)) (i32.mul (local.get $n) (local.get $n)))
			(br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))))
	(func (export "square") (param $n i32) (result i32) (i32.load (i32.shl (local.get $n) (i32.const 2))))
	(func (export "count") (result i32)
		(global.set $requests (i32.add (global.get $requests) (i32.const 1)))
		(global.get $requests)))`

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	binary, err := wasmer.Wat2Wasm(guest)
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(binary)
	if err != nil {
		return err
	}
	defer module.Close()
	folder, err := os.MkdirTemp("", "wasmer-example-") // a real program would use a folder that lasts
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "guest.snapshot")

	// The first time the guest is initialised; the second time the file is read.
	for range 2 {
		snapshot, err := load(ctx, &module, file)
		if err != nil {
			return err
		}
		defer snapshot.Close()
		instance, err := snapshot.Instantiate(ctx, nil)
		if err != nil {
			return err
		}
		defer instance.Close()
		square, err := instance.Exports["square"](30)
		if err != nil {
			return err
		}
		fmt.Println("  the square of 30 is", square)

		for range 2 {
			count, err := instance.Exports["count"]()
			if err != nil {
				return err
			}
			fmt.Println("  requests that the instance knows of:", count)
			if err := instance.Reset(ctx); err != nil { // back at the snapshot
				return err
			}
		}
	}
	return pool(ctx, &module)
}

// load returns the snapshot of a file, or initialises the guest and writes that file.
func load(ctx context.Context, module *wasmer.Module, file string) (*wasmer.Snapshot, error) {
	if bytes, err := os.ReadFile(file); err == nil {
		fmt.Println("read the snapshot")
		return module.DeserializeSnapshot(bytes)
	}
	fmt.Println("initialised the guest")
	instance, err := new(wasmer.Wasi).Instantiate(ctx, module, nil) // calls _initialize
	if err != nil {
		return nil, err
	}
	defer instance.Close()
	snapshot, err := instance.Snapshot()
	if err != nil {
		return nil, err
	}
	bytes, err := snapshot.Serialize()
	if err != nil {
		return nil, err
	}
	return snapshot, os.WriteFile(file, bytes, 0o600)
}

// pool does all of this by itself.
func pool(ctx context.Context, module *wasmer.Module) error {
	pool, err := wasmer.NewPool(module, nil, wasmer.WithWasi(nil), wasmer.WithReset(4))
	if err != nil {
		return err
	}
	defer pool.Close()
	fmt.Println("a pool")
	for range 2 {
		instance, err := pool.Get(ctx)
		if err != nil {
			return err
		}
		count, err := instance.Exports["count"]()
		if err := pool.Put(instance, err); err != nil {
			return err
		}
		fmt.Println("  requests that the instance knows of:", count)
	}
	return nil
}
