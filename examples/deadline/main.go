// Deadline shows how a guest that takes too long is given up: by a context, at no cost for guests
// that do not.
//
// The guests are in testdata/guests, with their sources. Run it at the top of the repository:
//
//	go run ./examples/deadline
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
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	bytes, err := wasmer.ReadBytes("testdata/guests/traps.wasm")
	if err != nil {
		return err
	}
	instance, err := wasmer.NewInstance(bytes)
	if err != nil {
		return err
	}
	defer instance.Close()
	endless, err := wasmer.Proc0(&instance, "endless_loop")
	if err != nil {
		return err
	}
	sane, err := wasmer.Func2[int32, int32, int32](&instance, "sane")
	if err != nil {
		return err
	}

	// A deadline.
	limited, stop := context.WithTimeout(ctx, 20*time.Millisecond)
	defer stop()
	begin := time.Now()
	err = endless(limited)
	fmt.Println("deadline exceeded:", errors.Is(err, context.DeadlineExceeded))
	fmt.Println("within a second:", time.Since(begin) < time.Second)

	// Somebody loses patience, and says why.
	impatient := errors.New("the user went away")
	cancelled, cancel := context.WithCancelCause(ctx)
	time.AfterFunc(20*time.Millisecond, func() { cancel(impatient) })
	err = endless(cancelled)
	fmt.Println("cancelled:", errors.Is(err, context.Canceled), "- because:", errors.Is(err, impatient))

	// With a context that is done, nothing runs at all.
	_, err = sane(cancelled, 5, 37)
	fmt.Println("not begun:", errors.Is(err, context.Canceled))

	// The instance can be called again. What the guest itself was about is as it was at the moment
	// of interruption.
	value, err := sane(ctx, 5, 37)
	fmt.Println("sane(5, 37) =", value)
	return err
}
