// Blocking-host shows that a host function is ordinary Go: it may wait on channels, networks and
// locks, for as long as it likes. It runs on the goroutine of the caller, and while it waits no
// thread of the operating system is taken: thousands of guests can wait at the same time.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/blocking-host
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	bytes, err := wasmer.ReadBytes("testdata/guests/imported_function.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(bytes)
	if err != nil {
		return err
	}
	defer module.Close()

	const guests = 1000
	var waiting sync.WaitGroup
	waiting.Add(guests)
	open := make(chan struct{})

	// The guest asks for a sum, and gets it when the channel is closed, or not at all if the
	// context of its call is done before.
	imports, err := wasmer.NewImports().Append("sum", wasmer.Host2(func(ctx context.Context, x, y int32) (int32, error) {
		waiting.Done()
		select {
		case <-open:
			return x + y, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}))
	if err != nil {
		return err
	}

	var ended sync.WaitGroup
	var mutex sync.Mutex
	total, failed := int32(0), error(nil)
	for i := range int32(guests) {
		ended.Go(func() {
			value, err := add1(ctx, &module, imports, i, i)
			mutex.Lock()
			defer mutex.Unlock()
			total, failed = total+value, errors.Join(failed, err)
		})
	}
	waiting.Wait()
	fmt.Println(guests, "guests are waiting in host functions")
	close(open)
	ended.Wait()
	fmt.Println("the total is", total)
	if failed != nil {
		return failed
	}

	// A deadline ends the wait, too.
	open = make(chan struct{})
	waiting.Add(1)
	limited, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = add1(limited, &module, imports, 1, 2)
	fmt.Println("given up:", errors.Is(err, context.DeadlineExceeded))
	return nil
}

// add1 calls the guest's function of this name in an instance of its own.
func add1(ctx context.Context, module *wasmer.Module, imports *wasmer.Imports, x, y int32) (int32, error) {
	instance, err := module.InstantiateContext(ctx, imports)
	if err != nil {
		return 0, err
	}
	defer instance.Close()
	add1, err := wasmer.Func2[int32, int32, int32](&instance, "add1")
	if err != nil {
		return 0, err
	}
	return add1(ctx, x, y)
}
