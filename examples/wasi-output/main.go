// Wasi-output runs a WASI program three times, as one runs a command by os/exec: with arguments, a
// variable, an input, and its output captured. A program that fails says so by its exit code.
//
// The guest is testdata/guests/wasi/tool.wasm, made of tool.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/wasi-output
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/wasi/tool.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return err
	}
	defer module.Close()

	for _, line := range []string{"env GREETING", "copy", "exit 3"} {
		output, err := execute(&module, strings.Fields(line))
		var exit *wasmer.ExitError
		switch {
		case errors.As(err, &exit):
			fmt.Printf("%s: exit code %d\n", line, exit.Code)
		case err != nil:
			return err
		default:
			fmt.Printf("%s: %q\n", line, output)
		}
	}
	return nil
}

// execute runs the program once. Each run gets a new instance, with a memory and open files of its
// own.
func execute(module *wasmer.Module, arguments []string) (string, error) {
	var output bytes.Buffer
	wasi := wasmer.Wasi{
		Args:   append([]string{"tool"}, arguments...),
		Env:    []string{"GREETING=hello"},
		Stdin:  strings.NewReader("from standard input"),
		Stdout: &output,
		Stderr: &output,
	}
	err := wasi.Run(context.Background(), module)
	return output.String(), err
}
