package core

import (
	"sync"
	"sync/atomic"
	"testing"
)

type countingOwner struct {
	lifetime
	released atomic.Int32
	users    atomic.Int32
}

func (o *countingOwner) release() {
	if o.users.Load() != 0 {
		panic("released while in use")
	}
	o.released.Add(1)
}

func TestLifetimeReleasesOnce(t *testing.T) {
	o := &countingOwner{}
	for range 2 {
		if !o.enter(o) {
			t.Fatal("an open owner refuses uses")
		}
	}
	o.close(o)
	o.close(o)
	if o.enter(o) {
		t.Error("a closed owner allows uses")
	}
	o.leave(o)
	if o.released.Load() != 0 {
		t.Error("released while in use")
	}
	o.leave(o)
	o.close(o)
	if o.enter(o) || o.released.Load() != 1 || !o.isClosed() {
		t.Errorf("released %d times, expected once", o.released.Load())
	}
}

func TestLifetimeHammer(t *testing.T) {
	for range 2000 {
		o := &countingOwner{}
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				for range 10 {
					if o.enter(o) {
						o.users.Add(1)
						o.users.Add(-1)
						o.leave(o)
					}
				}
				if i%2 == 0 {
					o.close(o)
				}
			})
		}
		group.Wait()
		if o.released.Load() != 1 {
			t.Fatalf("released %d times, expected once", o.released.Load())
		}
	}
}
