package wasmer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"testing/fstest"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// exampleTool compiles a WASI program.
func exampleTool() wasmer.Module {
	bytes, err := wasmer.ReadBytes(guestFile("wasi/tool"))
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		log.Fatal(err)
	}
	return module
}

func ExampleWasi_Run() {
	module := exampleTool()
	defer module.Close()

	var output bytes.Buffer
	w := wasmer.Wasi{
		Args:   []string{"tool", "copy"},
		Stdin:  strings.NewReader("what goes in, "),
		Stdout: &output,
	}
	if err := w.Run(context.Background(), &module); err != nil {
		log.Fatal(err)
	}
	fmt.Println(output.String() + "comes out")
	// Output: what goes in, comes out
}

func ExampleExitError() {
	module := exampleTool()
	defer module.Close()

	w := wasmer.Wasi{Args: []string{"tool", "exit", "3"}}
	err := w.Run(context.Background(), &module)
	var exit *wasmer.ExitError
	if errors.As(err, &exit) {
		fmt.Println("exit code", exit.Code)
	}
	// Output: exit code 3
}

func ExampleWasiDir() {
	module := exampleTool()
	defer module.Close()

	var output bytes.Buffer
	w := wasmer.Wasi{
		Args:   []string{"tool", "cat", "/etc/motd"},
		Stdout: &output,
		Dirs: []wasmer.WasiDir{
			{Guest: "/etc", FS: fstest.MapFS{"motd": {Data: []byte("hello from memory")}}},
		},
	}
	if err := w.Run(context.Background(), &module); err != nil {
		log.Fatal(err)
	}
	fmt.Println(output.String())
	// Output: hello from memory
}
