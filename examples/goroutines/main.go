// Goroutines runs guests in parallel, in the two ways there are: a module is compiled once and each
// goroutine has an instance of its own, with memory of its own; or all goroutines call one
// instance, and share its memory. The first is right for most guests: few are made for being called
// while another call is changing their memory. The second is fine for functions that only compute,
// as here.
//
// The guests are testdata/guests/memory.wasm and sum.wasm, made of the sources beside them. Run it
// at the top of the repository:
//
//	go run ./examples/goroutines
package main

import (
	"errors"
	"fmt"
	"log"
	"sync"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := instanceEach(); err != nil {
		log.Fatal(err)
	}
	if err := oneInstance(); err != nil {
		log.Fatal(err)
	}
}

// inParallel runs a function for each of the numbers from 0 to n-1 on a goroutine of its own, and
// waits for all.
func inParallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// instanceEach: one module, an instance for each goroutine. Each writes to the same address, and
// none sees the others.
func instanceEach() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/memory.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes) // the slow part, once
	if err != nil {
		return err
	}
	defer module.Close()

	const address = 2000
	numbers := make([]wasmer.Value, 8)
	err = inParallel(len(numbers), func(i int) error {
		instance, err := module.Instantiate() // the quick part, for each
		if err != nil {
			return err
		}
		defer instance.Close()
		for round := range 1000 {
			if _, err := instance.Exports["store32"](address, i*1000+round); err != nil {
				return err
			}
		}
		numbers[i], err = instance.Exports["load32"](address)
		return err
	})
	fmt.Println("an instance each:", numbers)
	return err
}

// oneInstance: all goroutines call the same instance.
func oneInstance() error {
	bytes, err := wasmer.ReadBytes("testdata/guests/sum.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()

	sum := instance.Exports["sum"]
	totals := make([]int32, 100)
	err = inParallel(len(totals), func(i int) error {
		for n := range i + 1 {
			result, err := sum(totals[i], n)
			if err != nil {
				return err
			}
			totals[i] = result.ToI32()
		}
		return nil
	})
	fmt.Println("one instance: the sums of 0..9 and of 0..99 are", totals[9], "and", totals[99])
	return err
}
