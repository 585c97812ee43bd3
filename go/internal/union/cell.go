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
	"unsafe"
)

// Cell holds a T, or leads to the cell that took it in. The zero value holds the zero T. A cell
// must not be copied.
//
// There are two locks. The inner one protects the contents and is held shortly. The outer one is
// held by who needs that the cell is not united with others meanwhile, perhaps for long; it is
// taken before the inner one. Uniting takes both. Fields of a T that are atomic can be read without
// a lock, from the cell that Find returns.
type Cell[T any] struct {
	node // first, so that a pointer to it is one to the cell

	// Contents is what the cell holds. It is to be used only if Find returns this cell, or a lock
	// of it is held.
	Contents T
}

// node is what a cell is whatever it holds. It is no generic type, so that the Go compiler inlines
// its methods.
type node struct {
	next   atomic.Pointer[node] // the cell that took this one in; set once, under all locks
	number atomic.Uint64        // its place in the order in which cells are locked; 0 until one is needed
	outer  sync.RWMutex
	inner  sync.RWMutex
}

// newest is the number that was given last.
var newest atomic.Uint64

// cellOf returns the cell of a node. The nodes that a cell of a T leads to are of cells of a T.
func cellOf[T any](n *node) *Cell[T] { return (*Cell[T])(unsafe.Pointer(n)) }

func (n *node) find() *node {
	if n.next.Load() == nil {
		return n
	}
	return n.follow()
}

// follow is find for a cell that was taken in.
func (n *node) follow() *node {
	for {
		next := n.next.Load()
		if next == nil {
			return n
		}
		if further := next.next.Load(); further != nil {
			n.next.CompareAndSwap(next, further) // the next one who asks has a shorter way
		}
		n = next
	}
}

// Taken reports whether another cell took this one in.
func (n *node) Taken() bool { return n.next.Load() != nil }

// Unlock undoes Lock. The cell is the one that Lock returned; so it is with the other locks.
func (n *node) Unlock() { n.inner.Unlock() }

// RUnlock undoes RLock.
func (n *node) RUnlock() { n.inner.RUnlock() }

// UnlockOuter undoes LockOuter and TryLockOuter.
func (n *node) UnlockOuter() { n.outer.Unlock() }

// RUnlockOuter undoes RLockOuter.
func (n *node) RUnlockOuter() { n.outer.RUnlock() }

func (n *node) lock() *node {
	for {
		n = n.find()
		n.inner.Lock()
		if !n.Taken() {
			return n
		}
		n.inner.Unlock()
	}
}

func (n *node) rLock() *node {
	for {
		n = n.find()
		n.inner.RLock()
		if !n.Taken() {
			return n
		}
		n.inner.RUnlock()
	}
}

func (n *node) lockOuter() *node {
	for {
		n = n.find()
		n.outer.Lock()
		if !n.Taken() {
			return n
		}
		n.outer.Unlock()
	}
}

func (n *node) rLockOuter() *node {
	for {
		n = n.find()
		n.outer.RLock()
		if !n.Taken() {
			return n
		}
		n.outer.RUnlock()
	}
}

// Find returns the cell that holds the contents of this one by now.
func (c *Cell[T]) Find() *Cell[T] { return cellOf[T](c.find()) }

// Same reports whether both cells are one by now.
func (c *Cell[T]) Same(other *Cell[T]) bool { return c.find() == other.find() }

// Lock finds the cell that holds the contents, and takes its inner lock for writing.
func (c *Cell[T]) Lock() *Cell[T] { return cellOf[T](c.lock()) }

// RLock finds the cell that holds the contents, and takes its inner lock for reading.
func (c *Cell[T]) RLock() *Cell[T] { return cellOf[T](c.rLock()) }

// LockOuter finds the cell that holds the contents, and takes its outer lock for writing.
func (c *Cell[T]) LockOuter() *Cell[T] { return cellOf[T](c.lockOuter()) }

// RLockOuter finds the cell that holds the contents, and takes its outer lock for reading.
func (c *Cell[T]) RLockOuter() *Cell[T] { return cellOf[T](c.rLockOuter()) }

// TryLockOuter is LockOuter, but returns nil if the lock is not free.
func (c *Cell[T]) TryLockOuter() *Cell[T] {
	for n := c.find(); n.outer.TryLock(); n = n.find() {
		if !n.Taken() {
			return cellOf[T](n)
		}
		n.outer.Unlock()
	}
	return nil
}

// Both calls do with the contents of two cells, the older one first, while all locks of both are
// held for writing. It does nothing if the cells are one.
func Both[T any](a, b *Cell[T], do func(older, newer *T)) {
	if first, second := lockBoth(&a.node, &b.node); first != nil {
		defer unlockBoth(first, second)
		do(&cellOf[T](first).Contents, &cellOf[T](second).Contents)
	}
}

// Unite makes two cells one. It calls takeIn, which moves the contents of the newer cell to those
// of the older one, while all locks of both are held for writing. It does nothing if they are one
// already.
func Unite[T any](a, b *Cell[T], takeIn func(older, newer *T)) {
	if first, second := lockBoth(&a.node, &b.node); first != nil {
		defer unlockBoth(first, second)
		takeIn(&cellOf[T](first).Contents, &cellOf[T](second).Contents)
		second.next.Store(first)
	}
}

// lockBoth finds two cells and takes all their locks, those of the older cell first; it returns nil
// if the cells are one. Who unites cells of several kinds inside of each other has to do so in the
// same order of kinds everywhere.
func lockBoth(a, b *node) (older, newer *node) {
	for {
		if a, b = a.find(), b.find(); a == b {
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

func unlockBoth(a, b *node) {
	b.inner.Unlock()
	a.inner.Unlock()
	b.outer.Unlock()
	a.outer.Unlock()
}

// place returns the place of the cell in the order of all cells.
func (n *node) place() uint64 {
	if number := n.number.Load(); number != 0 {
		return number
	}
	n.number.CompareAndSwap(0, newest.Add(1))
	return n.number.Load()
}
