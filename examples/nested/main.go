// Nested shows host functions that call guests again: the one that called them, and others.
// Contexts, errors and panics go through all levels.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/nested
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

var errTooDeep = errors.New("too deep")

func run(ctx context.Context) error {
	sums, err := instantiate("sum", nil)
	if err != nil {
		return err
	}
	defer sums.Close()
	sum, err := wasmer.Func2[int32, int32, int32](&sums, "sum")
	if err != nil {
		return err
	}

	// descend(n) calls reenter(n - 1), which calls descend(n - 1), and so on to 0. On the way it
	// asks the other guest to add.
	var descend func(context.Context, int32) (int32, error)
	total := int32(0)
	imports := wasmer.NewImports()
	for name, function := range map[string]interface{}{
		"reenter": wasmer.Host1(func(ctx context.Context, n int32) (int32, error) {
			if n > 1000 {
				return 0, errTooDeep
			}
			var err error
			if total, err = sum(ctx, total, n); err != nil {
				return 0, err
			}
			return descend(ctx, n)
		}),
		"nop":  func() { panic("a panic of a host function") },
		"next": func(n int32) int32 { return n + 1 },
		"mix":  func(_ int32, _ int64, _ float32, _ float64) float64 { return 0 },
	} {
		if _, err := imports.Append(name, function); err != nil {
			return err
		}
	}
	guest, err := instantiate("host_calls", imports)
	if err != nil {
		return err
	}
	defer guest.Close()
	if descend, err = wasmer.Func1[int32, int32](&guest, "descend"); err != nil {
		return err
	}

	depth, err := descend(ctx, 100)
	if err != nil {
		return err
	}
	fmt.Println("depth", depth, "total", total)

	// An error of the innermost host function ends all levels, and is found at the outermost.
	_, err = descend(ctx, 1002)
	fmt.Println("too deep:", errors.Is(err, errTooDeep))

	// So does a panic. The guest can be called again.
	func() {
		defer func() { fmt.Println("recovered:", recover()) }()
		_, _ = guest.Exports["call_nop"](1)
	}()
	value, err := guest.Exports["call_next"](7)
	fmt.Println("call_next(7) =", value)
	return err
}

// instantiate makes an instance of one of the guests.
func instantiate(name string, imports *wasmer.Imports) (wasmer.Instance, error) {
	bytes, err := wasmer.ReadBytes("testdata/guests/" + name + ".wasm")
	if err != nil {
		return wasmer.Instance{}, err
	}
	return wasmer.NewInstanceWithImports(bytes, imports)
}
