// Package union holds the cell of what several owners share, and what becomes one when two of them
// meet: the stores of instances that are linked, the groups of their fibers, the values that they
// refer to.
//
// Each owner keeps the cell that it began with. When cells are united, one takes in what the other
// held, and whoever asks for the other finds the first from then on. There is no way back.
package union

import (
	"sync"
	"sync/atomic"
)

// Cell holds a T, or leads to the cell that took it in. The zero value holds the zero T. A cell
// must not be copied.
//
// There are two locks. The inner one protects the contents and is held shortly. The outer one is
// held by who needs that the cell is not united with others meanwhile, perhaps for long; it is
// taken before the inner one. Uniting takes both. Fields of a T that are atomic can be read without
// a lock, from the cell that Find returns.
type Cell[T any] struct {
	// Contents is what the cell holds. It is to be used only if Find returns this cell, or a lock
	// of it is held.
	Contents T

	next   atomic.Pointer[Cell[T]] // the cell that took this one in; set once, under all locks
	number atomic.Uint64           // its place in the order in which cells are locked; 0 until one is needed
	outer  sync.RWMutex
	inner  sync.RWMutex
}

// newest is the number that was given last.
var newest atomic.Uint64

// Find returns the cell that holds the contents of this one by now.
func (c *Cell[T]) Find() *Cell[T] {
	for {
		next := c.next.Load()
		if next == nil {
			return c
		}
		if further := next.next.Load(); further != nil {
			c.next.CompareAndSwap(next, further) // the next one who asks has a shorter way
		}
		c = next
	}
}

// Taken reports whether another cell took this one in.
func (c *Cell[T]) Taken() bool { return c.next.Load() != nil }

// Same reports whether both cells are one by now.
func (c *Cell[T]) Same(other *Cell[T]) bool { return c.Find() == other.Find() }

// Lock finds the cell that holds the contents, and takes its inner lock for writing.
func (c *Cell[T]) Lock() *Cell[T] {
	for {
		c = c.Find()
		c.inner.Lock()
		if !c.Taken() {
			return c
		}
		c.inner.Unlock()
	}
}

// Unlock undoes Lock. The cell is the one that Lock returned; so it is with the other locks.
func (c *Cell[T]) Unlock() { c.inner.Unlock() }

// RLock finds the cell that holds the contents, and takes its inner lock for reading.
func (c *Cell[T]) RLock() *Cell[T] {
	for {
		c = c.Find()
		c.inner.RLock()
		if !c.Taken() {
			return c
		}
		c.inner.RUnlock()
	}
}

// RUnlock undoes RLock.
func (c *Cell[T]) RUnlock() { c.inner.RUnlock() }

// LockOuter finds the cell that holds the contents, and takes its outer lock for writing.
func (c *Cell[T]) LockOuter() *Cell[T] {
	for {
		c = c.Find()
		c.outer.Lock()
		if !c.Taken() {
			return c
		}
		c.outer.Unlock()
	}
}

// TryLockOuter is LockOuter, but returns nil if the lock is not free.
func (c *Cell[T]) TryLockOuter() *Cell[T] {
	for {
		c = c.Find()
		if !c.outer.TryLock() {
			return nil
		}
		if !c.Taken() {
			return c
		}
		c.outer.Unlock()
	}
}

// UnlockOuter undoes LockOuter and TryLockOuter.
func (c *Cell[T]) UnlockOuter() { c.outer.Unlock() }

// RLockOuter finds the cell that holds the contents, and takes its outer lock for reading.
func (c *Cell[T]) RLockOuter() *Cell[T] {
	for {
		c = c.Find()
		c.outer.RLock()
		if !c.Taken() {
			return c
		}
		c.outer.RUnlock()
	}
}

// RUnlockOuter undoes RLockOuter.
func (c *Cell[T]) RUnlockOuter() { c.outer.RUnlock() }

// Both calls do with the contents of two cells, the older one first, while all locks of both are
// held for writing. It does nothing if the cells are one.
func Both[T any](a, b *Cell[T], do func(older, newer *T)) {
	if a, b = lockBoth(a, b); a != nil {
		defer unlockBoth(a, b)
		do(&a.Contents, &b.Contents)
	}
}

// Unite makes two cells one. It calls takeIn, which moves the contents of the newer cell to those
// of the older one, while all locks of both are held for writing. It does nothing if they are one
// already.
func Unite[T any](a, b *Cell[T], takeIn func(older, newer *T)) {
	if a, b = lockBoth(a, b); a != nil {
		defer unlockBoth(a, b)
		takeIn(&a.Contents, &b.Contents)
		b.next.Store(a)
	}
}

// lockBoth finds two cells and takes all their locks, those of the older cell first; it returns nil
// if the cells are one. Who unites cells of several kinds inside of each other has to do so in the
// same order of kinds everywhere.
func lockBoth[T any](a, b *Cell[T]) (older, newer *Cell[T]) {
	for {
		if a, b = a.Find(), b.Find(); a == b {
			return nil, nil
		}
		if a.place() > b.place() {
			a, b = b, a
		}
		a.outer.Lock()
		b.outer.Lock()
		a.inner.Lock()
		b.inner.Lock()
		if !a.Taken() && !b.Taken() {
			return a, b
		}
		unlockBoth(a, b)
	}
}

func unlockBoth[T any](a, b *Cell[T]) {
	b.inner.Unlock()
	a.inner.Unlock()
	b.outer.Unlock()
	a.outer.Unlock()
}

// place returns the place of the cell in the order of all cells.
func (c *Cell[T]) place() uint64 {
	if number := c.number.Load(); number != 0 {
		return number
	}
	c.number.CompareAndSwap(0, newest.Add(1))
	return c.number.Load()
}
