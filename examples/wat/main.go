// Wat writes a module in the text format into the program itself: for small guests, and for
// programs that generate code. A mistake in the text is an error with line and column.
//
// Run it at the top of the repository:
//
//	go run ./examples/wat
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/gowasmer/wasmer/go/wasmer"
)

// factorial is a module in the text format.
const factorial = `
(module $mathematics
  (func $factorial (export "factorial") (param $n i64) (result i64)
    (if (result i64) (i64.eqz (local.get $n))
      (then (i64.const 1))
      (else (i64.mul (local.get $n)
                     (call $factorial (i64.sub (local.get $n) (i64.const 1))))))))`

func main() {
	for _, example := range []func() error{run, generate, mistake} {
		if err := example(); err != nil {
			log.Fatal(err)
		}
	}
}

// run: text to binary, binary to code, and then as any module.
func run() error {
	bytes, err := wasmer.Wat2Wasm(factorial)
	if err != nil {
		return err
	}
	fmt.Printf("%d characters of text are %d bytes\n", len(factorial), len(bytes))
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()
	result, err := instance.Exports["factorial"](20)
	fmt.Println("factorial(20) =", result)
	return err
}

// generate: a program writes the text of a function, a polynomial here, which then runs as machine
// code.
func generate() error {
	body := "(f64.const 0)"
	for _, coefficient := range []float64{2, -3, 0.5} { // by Horner's rule: (2x - 3)x + 0.5
		body = fmt.Sprintf("(f64.add (f64.mul %s (local.get $x)) (f64.const %g))", body, coefficient)
	}
	bytes, err := wasmer.Wat2Wasm(`(func (export "p") (param $x f64) (result f64) ` + body + ")")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()
	polynomial, err := wasmer.Func1[float64, float64](&instance, "p")
	if err != nil {
		return err
	}
	result, err := polynomial(context.Background(), 4)
	fmt.Println("p(4) =", result)
	return err
}

// mistake: the error says where.
func mistake() error {
	_, err := wasmer.Wat2Wasm("(module\n  (func (export \"f\")\n    call $missing))")
	fmt.Println(err)
	var wrong *wasmer.TextError
	if errors.As(err, &wrong) {
		fmt.Printf("line %d, column %d\n", wrong.Line, wrong.Column)
	}
	return nil
}
