// Command demo runs the guests of testdata/guests through the Go package: what a first look at the
// project wants to see. Results of the larger programs are compared with those of the same sources
// compiled natively (expected.txt beside the guests).
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: demo DIRECTORY-OF-GUESTS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// A step runs one guest and says what came out.
type step struct {
	guest string
	// imports are what the guest asks for, nil for nothing.
	imports func() (*wasmer.Imports, error)
	run     func(instance wasmer.Instance) (string, error)
}

func run(guests string, out io.Writer) error {
	expected, err := readExpected(filepath.Join(guests, "expected.txt"))
	if err != nil {
		return err
	}
	steps := []step{
		{"sum", nil, sum},
		{"greet", nil, greet},
		{"memory", nil, memory},
		{"imported_function", hostSum, callHost},
		{"nbody", nil, expected.program("nbody", "main", 100_000)},
		{"fib_recursive", nil, expected.program("fib_recursive", "app_main")},
		{"pollard_rho_128", nil, expected.program("pollard_rho_128", "app_main")},
		{"snappy_compress", nil, expected.program("snappy_compress", "app_main")},
	}
	fmt.Fprintf(out, "%-18s %12s %12s  %s\n", "guest", "compile", "run", "result")
	for _, s := range steps {
		if err := s.execute(guests, out); err != nil {
			return fmt.Errorf("%s: %w", s.guest, err)
		}
	}
	return nil
}

// execute compiles, instantiates and runs the guest, and prints a line with the times of compiling
// and of running.
func (s *step) execute(guests string, out io.Writer) error {
	module, err := wasmer.ReadBytes(filepath.Join(guests, s.guest+".wasm"))
	if err != nil {
		return err
	}
	start := time.Now()
	var instance wasmer.Instance
	if s.imports == nil {
		instance, err = wasmer.NewInstance(module)
	} else {
		var imports *wasmer.Imports
		if imports, err = s.imports(); err != nil {
			return err
		}
		defer imports.Close()
		instance, err = wasmer.NewInstanceWithImports(module, imports)
	}
	if err != nil {
		return err
	}
	defer instance.Close()
	compiled := time.Now()
	result, err := s.run(instance)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%-18s %9.2f ms %9.2f ms  %s\n", s.guest, milliseconds(compiled.Sub(start)), milliseconds(time.Since(compiled)), result)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func sum(instance wasmer.Instance) (string, error) {
	result, err := instance.Exports["sum"](5, 37)
	return fmt.Sprintf("sum(5, 37) = %v", result), err
}

// greet writes a name into the guest's memory, and reads the string that comes back.
func greet(instance wasmer.Instance) (string, error) {
	const subject = "WebAssembly"
	input, err := instance.Exports["allocate"](len(subject) + 1)
	if err != nil {
		return "", err
	}
	address := input.ToI32()
	copy(instance.Memory.Data()[address:], subject+"\x00")
	output, err := instance.Exports["greet"](address)
	if err != nil {
		return "", err
	}
	greeting := cString(instance.Memory.Data()[output.ToI32():])
	if _, err := instance.Exports["deallocate"](address, len(subject)+1); err != nil {
		return "", err
	}
	_, err = instance.Exports["deallocate"](output, len(greeting)+1)
	return fmt.Sprintf("greet(%q) = %q", subject, greeting), err
}

// memory grows the guest's memory from the host; what was there before stays.
func memory(instance wasmer.Instance) (string, error) {
	address, err := instance.Exports["return_hello"]()
	if err != nil {
		return "", err
	}
	before := instance.Memory.Length()
	if err := instance.Memory.Grow(1); err != nil {
		return "", err
	}
	text := cString(instance.Memory.Data()[address.ToI32():])
	return fmt.Sprintf("%q at %d; memory grew from %d to %d bytes", text, address.ToI32(), before, instance.Memory.Length()), nil
}

func cString(memory []byte) string {
	text, _, _ := bytes.Cut(memory, []byte{0})
	return string(text)
}

// hostSum offers a Go closure as env.sum.
func hostSum() (*wasmer.Imports, error) {
	return wasmer.NewImports().Append("sum", func(x, y int32) int32 { return x + y })
}

func callHost(instance wasmer.Instance) (string, error) {
	result, err := instance.Exports["add1"](1, 2)
	return fmt.Sprintf("add1(1, 2) = %v, by a Go closure", result), err
}
