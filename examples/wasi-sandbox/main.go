// Wasi-sandbox gives a WASI program one directory: it reads and writes there, and no path leads it
// out, neither by ".." nor by a symbolic link. Then it gets the directory to read only.
//
// The guest is testdata/guests/wasi/tool.wasm, made of tool.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/wasi-sandbox
package main

import (
	"bytes"
	"context"
	"errors"
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
	outside, err := os.MkdirTemp("", "wasi-sandbox-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(outside)
	directory := filepath.Join(outside, "inside")
	if err := os.Mkdir(directory, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		return err
	}
	if err := os.Symlink("../secret", filepath.Join(directory, "link")); err != nil {
		return err
	}

	bytes, err := wasmer.ReadBytes("testdata/guests/wasi/tool.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return err
	}
	defer module.Close()

	sandbox := wasmer.WasiDir{Host: directory, Guest: "/data"}
	for _, arguments := range [][]string{
		{"write", "/data/notes", "written by the guest"},
		{"list", "/data"},
		{"cat", "/data/notes"},
		{"cat", "/data/../secret"},
		{"cat", "/data/link"},
		{"cat", "/etc/passwd"},
	} {
		if err := execute(&module, sandbox, arguments); err != nil {
			return err
		}
	}
	sandbox.ReadOnly = true
	if err := execute(&module, sandbox, []string{"remove", "/data/notes"}); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(directory, "notes"))
	fmt.Printf("the host reads %q\n", text)
	return err
}

// execute runs the program and prints what it wrote.
func execute(module *wasmer.Module, directory wasmer.WasiDir, arguments []string) error {
	var output bytes.Buffer
	wasi := wasmer.Wasi{
		Args:   append([]string{"tool"}, arguments...),
		Stdout: &output,
		Stderr: &output,
		Dirs:   []wasmer.WasiDir{directory},
	}
	err := wasi.Run(context.Background(), module)
	var exit *wasmer.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	fmt.Printf("%s: %q\n", arguments, output.String())
	return nil
}
