//go:build amd64 && !race

package core

// gateOpensPlainly reports whether opening a gate and looking at something else afterwards may
// appear to others in the other order.
const gateOpensPlainly = true

// open ends a use by a plain store: x86 processors show stores to others in the order of the
// program, after the loads before them, and Go's compiler moves no load of memory past a store.
// What is read after it may be read before others see the store; see Instance.Close.
func (g *gate) open() { g.word = gateOpen }
