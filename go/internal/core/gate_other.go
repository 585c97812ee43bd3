//go:build !amd64 || race

package core

import "sync/atomic"

// gateOpensPlainly reports whether opening a gate and looking at something else afterwards may
// appear to others in the other order.
const gateOpensPlainly = false

// open ends a use. On arm64 this is a store-release and the look afterwards a load-acquire (STLR,
// LDAR), which the processor keeps in order.
func (g *gate) open() { atomic.StoreUint32(&g.word, gateOpen) }
