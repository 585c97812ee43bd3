package core

import "sync/atomic"

// gate admits one user at a time, until it is shut for good. The zero value is open. A user costs
// one locked operation of the processor.
type gate struct {
	word uint32
}

const (
	gateOpen uint32 = iota
	gateTaken
	gateShut
)

// take begins a use, if there is none.
func (g *gate) take() bool { return atomic.CompareAndSwapUint32(&g.word, gateOpen, gateTaken) }

// shut shuts the gate for good, if it is open.
func (g *gate) shut() bool { return atomic.CompareAndSwapUint32(&g.word, gateOpen, gateShut) }

// isShut reports whether the gate is shut.
func (g *gate) isShut() bool { return atomic.LoadUint32(&g.word) == gateShut }

// isTaken reports whether there is a user.
func (g *gate) isTaken() bool { return atomic.LoadUint32(&g.word) == gateTaken }
