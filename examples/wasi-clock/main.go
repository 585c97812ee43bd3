// Wasi-clock replaces the clocks and the random source of a WASI program, so that it gives the same
// result whenever it runs: the day is fixed, an hour of sleep takes no time, and the random bytes
// come from a seed. Tests and simulations run guests so.
//
// The guest is testdata/guests/wasi/tool.wasm, made of tool.c beside it. Run it at the top of the
// repository:
//
//	go run ./examples/wasi-clock
package main

import (
	"context"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"github.com/gowasmer/wasmer/go/wasmer"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	code, err := wasmer.ReadBytes("testdata/guests/wasi/tool.wasm")
	if err != nil {
		return err
	}
	module, err := wasmer.Compile(code)
	if err != nil {
		return err
	}
	defer module.Close()

	for range 2 {
		clock := clock{start: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
		wasi := wasmer.Wasi{
			Args:      []string{"tool", "clock"},
			Stdout:    os.Stdout,
			Realtime:  clock.realtime,
			Monotonic: clock.monotonic,
			Sleep:     clock.sleep,
			Random:    rand.NewChaCha8([32]byte{1, 2, 3}),
		}
		if err := wasi.Run(context.Background(), &module); err != nil {
			return err
		}
	}
	return nil
}

// clock goes on only while the guest sleeps.
type clock struct {
	start   time.Time
	elapsed time.Duration
}

func (c *clock) realtime() time.Time { return c.start.Add(c.elapsed) }

func (c *clock) monotonic() time.Duration { return c.elapsed }

func (c *clock) sleep(_ context.Context, d time.Duration) error {
	c.elapsed += d
	return nil
}
