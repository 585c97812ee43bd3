package core

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// TestGateHammer has goroutines use a gate as calls use that of an instance, and others close it,
// at every moment: it is shut once, and nobody is inside with another or after that.
func TestGateHammer(t *testing.T) {
	rounds := 5_000
	if testing.Short() {
		rounds = 500
	}
	for range rounds {
		var g gate
		var closed atomic.Bool
		var shuts, users atomic.Int32
		var group sync.WaitGroup
		shut := func() bool {
			if !g.shut() {
				return false
			}
			shuts.Add(1)
			return true
		}
		plain, uses := 0, atomic.Int64{}
		for range 2 {
			group.Go(func() {
				for range 20 {
					if closed.Load() {
						return
					}
					if !g.take() {
						runtime.Gosched()
						continue
					}
					if users.Add(1) != 1 || shuts.Load() != 0 {
						t.Error("two users at a time, or one behind a gate that is shut")
					}
					plain++
					uses.Add(1)
					users.Add(-1)
					g.open()
					if closed.Load() {
						shut()
					}
					runtime.Gosched()
				}
			})
		}
		for i := range 2 {
			group.Go(func() {
				for range i {
					runtime.Gosched()
				}
				closed.Store(true)
				if !shut() && !g.isShut() {
					barrier()
					shut()
				}
			})
		}
		group.Wait()
		if shuts.Load() != 1 || int64(plain) != uses.Load() {
			t.Fatalf("shut %d times, %d of %d uses", shuts.Load(), plain, uses.Load())
		}
	}
}
