//go:build amd64 && !race

package wasmer

// open ends a use by a plain store: x86 processors show stores to others in the order of the program, after the loads before them, and Go's compiler moves no
// load of memory past a store. What is read after it may be read before others see the store; see instanceState.close.
func (g *gate) open() { g.word = gateOpen }
