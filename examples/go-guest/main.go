// Go-guest shows a guest that is written in Go, too: a library whose functions are exported by
// //go:wasmexport, and which calls a function of the host by //go:wasmimport. Strings go through
// the guest's memory: into what the guest has allocated, and out of where it says they are.
//
// The guest is guest/main.go, which this program builds first, for GOOS=wasip1 as a "reactor"
// (-buildmode=c-shared). Run it at the top of the repository:
//
//	go run ./examples/go-guest
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	code, err := build("./examples/go-guest/guest")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(code)
	if err != nil {
		return err
	}
	defer module.Close()

	imports, err := wasmer.NewImports().Append("report", func(c *wasmer.InstanceContext, address, length uint32) error {
		word, err := c.Memory().ReadString(uint64(address), uint64(length))
		fmt.Println("seen three times:", word)
		return err
	})
	if err != nil {
		return err
	}
	// Go's runtime is a user of WASI, and starts in "_initialize", which Instantiate calls.
	wasi := wasmer.Wasi{Stdout: os.Stdout, Stderr: os.Stderr}
	instance, err := wasi.Instantiate(ctx, &module, imports)
	if err != nil {
		return err
	}
	defer instance.Close()

	count, err := newCounter(&instance)
	if err != nil {
		return err
	}
	for _, text := range []string{"the cat and the dog", "the mouse", "a cat"} {
		words, err := count(ctx, text)
		if err != nil {
			return err
		}
		fmt.Printf("%q: %d words so far\n", text, words)
	}
	return nil
}

// newCounter returns the function "count" of the guest as one that takes a string.
func newCounter(instance *wasmer.Instance) (func(ctx context.Context, text string) (int32, error), error) {
	allocate, err := wasmer.Func1[uint32, uint32](instance, "allocate")
	if err != nil {
		return nil, err
	}
	free, err := wasmer.Proc1[uint32](instance, "free")
	if err != nil {
		return nil, err
	}
	count, err := wasmer.Func2[uint32, uint32, int32](instance, "count")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, text string) (int32, error) {
		address, err := allocate(ctx, uint32(len(text)))
		if err != nil {
			return 0, err
		}
		if err := instance.Memory.WriteString(uint64(address), text); err != nil {
			return 0, err
		}
		words, err := count(ctx, address, uint32(len(text)))
		if err != nil {
			return 0, err
		}
		return words, free(ctx, address)
	}, nil
}

// build compiles a Go package to a WebAssembly library.
func build(path string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "go-guest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "guest.wasm")
	command := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, path)
	command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}
