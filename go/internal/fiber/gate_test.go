package fiber

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// guarded is a gate with what it stands for, as an instance has it.
type guarded struct {
	Gate
	closed atomic.Bool
	shuts  atomic.Int32
	users  atomic.Int32
	plain  int // only users write it
}

func (o *guarded) take() bool {
	if o.IsOwned() {
		return o.Take()
	}
	return o.TakeFree()
}

func (o *guarded) shut() {
	if o.Shut() {
		o.shuts.Add(1)
	}
}

func (o *guarded) open() {
	o.Open()
	if o.closed.Load() {
		o.shut()
	}
}

func (o *guarded) openOrOwn() {
	if o.IsOwned() {
		o.open()
		return
	}
	o.OpenOrOwn()
	if o.closed.Load() {
		o.endOwner()
	}
}

func (o *guarded) endOwner() {
	if o.Claim() {
		o.open()
	}
}

func (o *guarded) close() {
	o.closed.Store(true)
	if o.shut(); o.IsShut() {
		return
	}
	o.endOwner()
	if !o.IsShut() {
		Barrier()
		o.shut()
	}
}

// use is one use; nested ones are refused.
func (o *guarded) use(t *testing.T, work int) {
	if o.users.Add(1) != 1 || o.shuts.Load() != 0 {
		t.Error("two users at a time, or one behind a gate that is shut")
	}
	o.plain++
	if o.take() {
		t.Error("a nested use is let in")
	}
	for range work {
		runtime.Gosched()
	}
	o.users.Add(-1)
	o.openOrOwn()
}

// One goroutine after the other takes the gate often enough to own it, and the one after it gets
// it.
func TestGateHasOwners(t *testing.T) {
	var o guarded
	uses := 0
	for range 5 {
		done := make(chan int)
		go func() {
			taken := 0
			for range 100_000 {
				if o.take() {
					o.use(t, 0)
					taken++
				}
			}
			if hasOwners && registerBarrier() && o.owned.Load() == nil {
				t.Error("the gate has no owner")
			}
			done <- taken
		}()
		taken := <-done
		if uses += taken; taken < 99_000 {
			t.Errorf("a goroutine has taken the gate %d times in 100,000", taken)
		}
	}
	if !o.Claim() {
		t.Fatal("the gate cannot be claimed")
	}
	if o.Claim() || o.take() {
		t.Error("the gate is taken twice")
	}
	o.close()
	o.open()
	if o.plain != uses || o.shuts.Load() != 1 || o.take() || !o.IsShut() {
		t.Errorf("%d of %d uses, shut %d times", o.plain, uses, o.shuts.Load())
	}
}

// Where the system call is not allowed, gates have no owners.
func TestGateWithoutBarrier(t *testing.T) {
	before := registerBarrier
	registerBarrier = func() bool { return false }
	defer func() { registerBarrier = before }()
	var o guarded
	for range 10_000 {
		if !o.take() {
			t.Fatal("the gate is taken")
		}
		o.use(t, 0)
	}
	if o.IsOwned() {
		t.Error("the gate has an owner")
	}
	if !o.take() {
		t.Fatal("the gate is taken")
	}
	o.close() // with a barrier of another kind
	o.open()
	if !o.IsShut() || o.shuts.Load() != 1 {
		t.Errorf("shut %d times", o.shuts.Load())
	}
}

// The owner closes what it owns: outside of a use, and during one.
func TestGateOwnerCloses(t *testing.T) {
	for _, inside := range []bool{false, true} {
		var o guarded
		for range 10_000 {
			if !o.take() {
				t.Fatal("the gate is taken")
			}
			o.use(t, 0)
		}
		if inside {
			if !o.take() {
				t.Fatal("the gate is taken")
			}
			o.close()
			if o.IsShut() {
				t.Error("the gate is shut during a use")
			}
			o.open()
		} else {
			o.close()
		}
		if !o.IsShut() || o.shuts.Load() != 1 || o.take() || o.Claim() {
			t.Errorf("inside %v: shut %d times", inside, o.shuts.Load())
		}
	}
}

// TestGateHammer has goroutines take a gate in turns of different lengths, so that it has one owner
// after the other, while others claim it, and two close it: it is shut once, and nobody is inside
// with another or after that.
func TestGateHammer(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 60
	}
	for range rounds {
		var o guarded
		var uses atomic.Int64
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				for range 30 {
					for range rand.IntN(300) + 1 {
						if o.take() {
							uses.Add(1)
							o.use(t, rand.IntN(50)/49)
						}
					}
					if i == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		group.Go(func() {
			for range 100 {
				if o.Claim() {
					uses.Add(1)
					o.use(t, 0)
				}
				runtime.Gosched()
			}
		})
		for range 2 {
			group.Go(func() {
				for range rand.IntN(3000) {
					runtime.Gosched()
				}
				o.close()
			})
		}
		group.Wait()
		if o.shuts.Load() != 1 || int64(o.plain) != uses.Load() {
			t.Fatalf("shut %d times, %d of %d uses", o.shuts.Load(), o.plain, uses.Load())
		}
	}
}
