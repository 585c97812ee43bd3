// Cache keeps compiled modules in a folder: the first run of a program compiles its modules, and
// later ones load them. Nobody else must be able to write to the folder, as the files contain
// machine code.
//
// The guest is testdata/guests/nbody.wasm, made of nbody.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/cache
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	folder, err := os.MkdirTemp("", "wasmer-example-") // a real program would use a folder that lasts: os.UserCacheDir
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	cache, err := wasmer.OpenCache(filepath.Join(folder, "modules"), wasmer.WithCacheSize(100<<20))
	if err != nil {
		return err // such as a folder that others can write to
	}
	bytes, err := wasmer.ReadBytes("testdata/guests/nbody.wasm")
	if err != nil {
		return err
	}
	for range 3 {
		if err := use(bytes, cache); err != nil {
			return err
		}
		stats := cache.Stats()
		fmt.Printf("  compiled and stored: %d, loaded: %d\n", stats.Stored, stats.Hits)
	}

	// The name of the folder is enough, if nobody wants to know what the cache has done.
	module, err := wasmer.Compile(bytes, wasmer.WithCache(cache.Dir()))
	if err != nil {
		return err
	}
	module.Close()

	modules, _, err := cache.Size()
	if err != nil {
		return err
	}
	fmt.Println("modules in the folder:", modules)
	return cache.Clear()
}

// use compiles a module, or loads it from the cache, and calls it.
func use(bytes []byte, cache *wasmer.Cache) error {
	module, err := wasmer.Compile(bytes, wasmer.WithCache(cache))
	if err != nil {
		return err
	}
	defer module.Close()
	instance, err := module.Instantiate()
	if err != nil {
		return err
	}
	defer instance.Close()
	energy, err := instance.Exports["main"](1000)
	if err != nil {
		return err
	}
	fmt.Println("energy after 1000 steps:", energy)
	return nil
}
