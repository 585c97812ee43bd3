// Errors shows what can go wrong and how a program tells it apart. Nothing that a guest does ends
// the process, and each failure is an ordinary Go error: errors.Is and errors.As find the cause in
// it.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/errors
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	for _, example := range []func() error{trap, wrongArguments, missingImport, endlessLoop, hostError, invalidModule} {
		if err := example(); err != nil {
			log.Fatal(err)
		}
		fmt.Println()
	}
}

// instantiate makes an instance of one of the guests.
func instantiate(name string, imports *wasmer.Imports) (wasmer.Instance, error) {
	bytes, err := wasmer.ReadBytes("testdata/guests/" + name + ".wasm")
	if err != nil {
		return wasmer.Instance{}, err
	}
	return wasmer.NewInstanceWithImports(bytes, imports)
}

// trap: the guest does what it must not. The error holds a *Trap, with the reason and where it
// happened.
func trap() error {
	instance, err := instantiate("names", nil)
	if err != nil {
		return err
	}
	defer instance.Close()

	_, err = instance.Exports["a"](0) // a calls b, b calls c, c divides by the argument
	fmt.Println(err)

	var trap *wasmer.Trap
	if errors.As(err, &trap) {
		innermost := trap.Backtrace[0]
		fmt.Printf("%v in function %q, %d frames\n", trap.Code, innermost.FunctionName, len(trap.Backtrace))
	}
	fmt.Println("division by zero?", errors.Is(err, wasmer.ErrIntegerDivideByZero))

	// The instance can be called again.
	result, err := instance.Exports["a"](4)
	fmt.Println("a(4) =", result)
	return err
}

// wrongArguments: calls that do not fit the function's type do not reach the guest.
func wrongArguments() error {
	instance, err := instantiate("sum", nil)
	if err != nil {
		return err
	}
	defer instance.Close()
	sum := instance.Exports["sum"]

	_, err = sum(1)
	fmt.Println(err)
	_, err = sum(1, 2, 3)
	fmt.Println(err)
	_, err = sum(1, "two")
	fmt.Println(err)
	_, err = sum(1, 1<<40)
	fmt.Println(err)

	// Exports is a map: an unknown name gives nil. Function gives an error instead.
	_, err = instance.Function("product")
	fmt.Println(err)
	return nil
}

// missingImport: the module wants a function that nobody gives.
func missingImport() error {
	_, err := instantiate("imported_function", nil)
	fmt.Println(err)
	return nil
}

// endlessLoop: the guest does not come to an end. A context gives it up.
func endlessLoop() error {
	instance, err := instantiate("traps", nil)
	if err != nil {
		return err
	}
	defer instance.Close()
	loop, err := instance.Function("endless_loop")
	if err != nil {
		return err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err = loop.Call(ctx)
	fmt.Println(err)
	fmt.Println("out of time?", errors.Is(err, context.DeadlineExceeded))

	// The instance can be called again. Its memory is as it was when the guest was given up.
	result, err := instance.Exports["sane"](5, 37)
	fmt.Println("sane(5, 37) =", result)
	return err
}

// negativeError is an error type of the host.
type negativeError struct{ number int32 }

func (e *negativeError) Error() string { return fmt.Sprintf("%d is negative", e.number) }

// hostError: a host function returns an error. The guest ends there, and the caller gets this
// error, not a copy.
func hostError() error {
	errRefused := errors.New("refused")
	imports, err := wasmer.NewImports().Append("sum", func(x, y int32) (int32, error) {
		if x < 0 {
			return 0, fmt.Errorf("%w: %w", errRefused, &negativeError{x})
		}
		return x + y, nil
	})
	if err != nil {
		return err
	}
	defer imports.Close()
	instance, err := instantiate("imported_function", imports)
	if err != nil {
		return err
	}
	defer instance.Close()

	_, err = instance.Exports["add1"](-3, 4)
	fmt.Println(err)
	fmt.Println("refused?", errors.Is(err, errRefused))
	var negative *negativeError
	if errors.As(err, &negative) {
		fmt.Println("because of", negative.number)
	}
	return nil
}

// invalidModule: the bytes are no module; here, part of one. The error tells what is wrong, and
// where.
func invalidModule() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/sum.wasm")
	if err != nil {
		return err
	}
	_, err = wasmer.Compile(bytes[:40])
	fmt.Println(err)
	return nil
}
