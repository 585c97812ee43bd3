// Serialize keeps a compiled module in a file: a later run of the program reads it and is spared
// the compiling. The file holds machine code, which is run as it is. Keep it where only you can
// write, and never take one from strangers: what they send is compiled from its .wasm.
//
// The guest is testdata/guests/nbody.wasm, made of nbody.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/serialize
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
	cache, err := os.MkdirTemp("", "wasmer-example-") // a real program would use a folder that lasts: os.UserCacheDir
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	cached := filepath.Join(cache, "nbody.compiled")

	// The first time there is no file yet; the second time it is read.
	for range 2 {
		module, err := load("testdata/guests/nbody.wasm", cached)
		if err != nil {
			return err
		}
		if err := use(&module); err != nil {
			return err
		}
		module.Close()
	}

	// A file that was cut or altered, or made by another version or for another CPU, is refused:
	// compile again then.
	if err := os.Truncate(cached, 100); err != nil {
		return err
	}
	module, err := load("testdata/guests/nbody.wasm", cached)
	if err != nil {
		return err
	}
	defer module.Close()
	return use(&module)
}

// load returns the compiled module of a file, or compiles it and writes that file.
func load(source, cached string) (wasmer.Module, error) {
	if serialized, err := os.ReadFile(cached); err == nil {
		module, err := wasmer.DeserializeModule(serialized)
		if err == nil {
			fmt.Println("read the compiled module")
			return module, nil
		}
		fmt.Println(err)
	}
	bytes, err := wasmer.ReadBytes(source)
	if err != nil {
		return wasmer.Module{}, err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return wasmer.Module{}, err
	}
	fmt.Println("compiled the module")
	serialized, err := module.Serialize()
	if err == nil {
		err = os.WriteFile(cached, serialized, 0o600)
	}
	if err != nil {
		module.Close()
		return wasmer.Module{}, err
	}
	return module, nil
}

// use makes an instance of the module and calls it. It does not matter where the module is from.
func use(module *wasmer.Module) error {
	instance, err := module.Instantiate()
	if err != nil {
		return err
	}
	defer instance.Close()
	energy, err := instance.Exports["main"](1000)
	if err != nil {
		return err
	}
	fmt.Println("  energy after 1000 steps:", energy)
	return nil
}
