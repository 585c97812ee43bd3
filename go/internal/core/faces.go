package core

import "sync/atomic"

// Faces is what the faces show of something: one value of each, made at the first request. The zero
// value has none.
type Faces struct {
	first atomic.Pointer[faceNode]
}

type faceNode struct {
	shown any
	next  *faceNode
}

// Face returns the F of a list, the same pointer each time. If there is none yet, it is made by
// show, which completes it.
func Face[F any](faces *Faces, show func(*F)) *F {
	for {
		first := faces.first.Load()
		for node := first; node != nil; node = node.next {
			if shown, ok := node.shown.(*F); ok {
				return shown
			}
		}
		made := &struct {
			node  faceNode
			shown F
		}{}
		show(&made.shown)
		made.node = faceNode{&made.shown, first}
		if faces.first.CompareAndSwap(first, &made.node) {
			return &made.shown
		}
	}
}
