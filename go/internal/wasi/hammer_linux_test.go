//go:build linux

package wasi

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hammerTime is how long a hammer test lasts: STRESS_SECONDS, or a moment.
func hammerTime() time.Duration {
	if seconds, err := strconv.ParseFloat(os.Getenv("STRESS_SECONDS"), 64); err == nil && seconds > 0 {
		return time.Duration(seconds * float64(time.Second))
	}
	return 300 * time.Millisecond
}

// TestHammerInput: threads of two guests read one pipe in all ways, with and without deadlines;
// each byte comes to somebody, soon.
func TestHammerInput(t *testing.T) {
	r, w := pollerPipe(t)
	inputs := []streamInput{newFileInput(r, TypeUnknown), newFileInput(r, TypeUnknown)}
	ctx, cancel := context.WithCancel(context.Background())
	var arrived atomic.Int64
	var readers sync.WaitGroup
	for i := range 6 {
		in := inputs[i%len(inputs)]
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 0))
			moment := func() time.Duration { return time.Duration(random.IntN(300)) * time.Microsecond }
			take := func(ctx context.Context, nonblock bool) {
				n, _ := in.read(ctx, make([]byte, 3), nonblock)
				arrived.Add(int64(n))
			}
			for ctx.Err() == nil {
				switch random.IntN(3) {
				case 0:
					take(ctx, false)
				case 1:
					short, stop := context.WithTimeout(ctx, moment())
					take(short, false)
					stop()
				case 2:
					waker := make(chan struct{}, 1)
					if !in.watch(waker).ready {
						select {
						case <-waker:
						case <-time.After(moment()):
						}
					}
					in.unwatch(waker)
					take(ctx, true)
				}
			}
		})
	}
	random, sent := rand.New(rand.NewPCG(1, 1)), int64(0)
	for end := time.Now().Add(hammerTime()); time.Now().Before(end); {
		n, err := w.Write(make([]byte, 1+random.IntN(5)))
		must(t, err)
		sent += int64(n)
		for begin := time.Now(); arrived.Load() < sent; runtime.Gosched() {
			if time.Since(begin) > 30*time.Second {
				t.Fatalf("%d of %d bytes arrived", arrived.Load(), sent)
			}
		}
		if random.IntN(10) == 0 { // let all of them get to wait
			time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
		}
	}
	cancel()
	readers.Wait()
	for _, in := range inputs {
		in.close()
	}
}

// TestHammerClose: whoever reads a pipe or waits for it is told when its ends are closed, in all
// orders, and nothing is left behind.
func TestHammerClose(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	goroutines := runtime.NumGoroutine()
	for end := time.Now().Add(hammerTime()); time.Now().Before(end); {
		pipe := pipes[[]string{"blocking", "poller"}[random.IntN(2)]]
		t.Run("pipe", func(t *testing.T) {
			r, w := pipe(t)
			in := newFileInput(r, TypeUnknown)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			var users sync.WaitGroup
			for range 2 {
				users.Go(func() {
					if n, errno := in.read(ctx, make([]byte, 1), false); n > 0 || errno == EINTR {
						t.Errorf("read %d bytes, %d", n, errno)
					}
				})
			}
			users.Go(func() {
				waker := make(chan struct{}, 1)
				if !in.watch(waker).ready {
					select {
					case <-waker:
					case <-ctx.Done():
						t.Error("nobody woke who waited")
					}
				}
				in.unwatch(waker)
			})
			time.Sleep(time.Duration(random.IntN(200)) * time.Microsecond)
			switch random.IntN(3) {
			case 0:
				in.close()
			case 1:
				w.Close()
			case 2:
				go in.close()
				r.Close()
			}
			users.Wait()
			in.close()
		})
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines+2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}
