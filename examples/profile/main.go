// Profile takes a CPU profile that shows guests' functions by name, beside the Go functions that
// have called them.
//
// The guest is in testdata/guests, with its source. Run it at the top of the repository:
//
//	go run ./examples/profile
//
// With the name of a file it writes the profile there, for go tool pprof:
//
//	go run ./examples/profile cpu.pprof && go tool pprof -top cpu.pprof
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(arguments []string) error {
	module, err := wasmer.ReadBytes("testdata/guests/fib_recursive.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(module)
	if err != nil {
		return err
	}
	defer instance.Close()

	var profile bytes.Buffer
	if err := wasmer.StartCPUProfile(&profile); err != nil {
		return err
	}
	err = work(instance, 500*time.Millisecond)
	if stopped := wasmer.StopCPUProfile(); err == nil {
		err = stopped // the profile is written here
	}
	if err != nil {
		return err
	}

	for _, name := range []string{"fib_recursive", "main.work"} {
		named, err := names(profile.Bytes(), name)
		if err != nil {
			return err
		}
		fmt.Printf("the profile names %s: %v\n", name, named)
	}
	if len(arguments) > 0 {
		return os.WriteFile(arguments[0], profile.Bytes(), 0o644)
	}
	return nil
}

// work calls the guest again and again.
func work(instance wasmer.Instance, duration time.Duration) error {
	for end := time.Now().Add(duration); time.Now().Before(end); {
		if _, err := instance.Exports["app_main"](); err != nil {
			return err
		}
	}
	return nil
}

// names reports whether a profile has the name of a function.
func names(profile []byte, function string) (bool, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(profile))
	if err != nil {
		return false, err
	}
	content, err := io.ReadAll(unzipped)
	return bytes.Contains(content, []byte(function)), err
}
