package wasi

import (
	"slices"
	"sync"
)

// waiters are the channels of those who wait for something to happen to an object. Each has room
// for one signal, which says to look again. Whoever has the list guards it by a mutex.
type waiters []chan struct{}

// add puts a channel on the list, once; nil is nobody.
func (w *waiters) add(waker chan struct{}) {
	if waker != nil && !slices.Contains(*w, waker) {
		*w = append(*w, waker)
	}
}

// remove takes a channel off the list. A signal may still be in it.
func (w *waiters) remove(waker chan struct{}) {
	if i := slices.Index(*w, waker); i >= 0 {
		*w = slices.Delete(*w, i, i+1)
	}
}

// wake tells all of them.
func (w waiters) wake() {
	for _, waker := range w {
		select {
		case waker <- struct{}{}:
		default:
		}
	}
}

// wakers are channels for waiters, empty ones.
var wakers = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

// recycle gives a channel that is on no list any more back to wakers.
func recycle(waker chan struct{}) {
	select {
	case <-waker: // sent meanwhile
	default:
	}
	wakers.Put(waker)
}
